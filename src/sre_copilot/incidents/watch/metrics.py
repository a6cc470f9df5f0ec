"""The series of one metric source: what is learned of them, and their judgement at every tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.baselines import seasonal
from sre_copilot.cognition.baselines.profile import Profile
from sre_copilot.cognition.ensemble.findings import anomalies
from sre_copilot.cognition.ensemble.knowledge import Knowledge
from sre_copilot.cognition.ensemble.state import State
from sre_copilot.cognition.ensemble.tick import tick
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.series import SeriesBlock, SeriesKey
from sre_copilot.incidents.watch.worth import worth_telling

Floats = NDArray[np.float32]
DAY_S = 86_400
LATEST_STEPS = 5  # a series that has not been seen for longer is gone
PAST_TRIES = 3  # a source that cannot give its last day at once shall not be kept from giving its last minute


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of the series of one source: arrays whose last axis is `keys`; `limits` would be new to each (NaN: unknown).

    `thresholds`, shape (2, n), are what a static alert could be set to, and the alerts a day that it would have made.
    """

    keys: tuple[SeriesKey, ...]
    profile: Profile
    knowledge: Knowledge
    limits: Floats
    thresholds: Floats
    learned_at: float

    def rows(self) -> dict[SeriesKey, int]:
        """Place of each series."""
        return {key: row for row, key in enumerate(self.keys)}

    def with_kin(self, new: Sequence[SeriesKey]) -> Learned:
        """Also know new instances of known services: what a service's metric does, its new instance will do too."""
        kin = {(key.service, key.metric): row for row, key in enumerate(self.keys)}
        adopted = [key for key in new if (key.service, key.metric) in kin]
        if not adopted:
            return self
        take = [*range(len(self.keys)), *(kin[(key.service, key.metric)] for key in adopted)]
        return Learned(
            (*self.keys, *adopted),
            _taken(self.profile, take),
            self.knowledge.take(take),
            np.ascontiguousarray(self.limits[take]),
            np.ascontiguousarray(self.thresholds[:, take]),
            self.learned_at,
        )


class Recent:
    """The last day (or so many days) of every series, as a ring of steps; what forecasts begin from."""

    def __init__(self, series: int, *, step_seconds: int, days: int = 1) -> None:
        self._ring = np.full((max(1, days * DAY_S // step_seconds), series), np.nan, np.float32)
        self._next = 0

    def add(self, values: Floats) -> None:
        """Take the values of one step, shape (n,)."""
        self._ring[self._next] = values
        self._next = (self._next + 1) % len(self._ring)

    def fill(self, values: Floats) -> None:
        """Take the last columns of a history, shape (n, times)."""
        for column in range(max(0, values.shape[1] - len(self._ring)), values.shape[1]):
            self.add(values[:, column])

    @property
    def steps(self) -> int:
        """How many steps are remembered."""
        return len(self._ring)

    def skip(self, steps: int) -> None:
        """Leave out steps of which nothing is known, so that the others keep their time of day."""
        for _ in range(min(steps, len(self._ring))):
            self.add(np.full(self._ring.shape[1], np.nan, np.float32))

    def latest(self) -> Floats:
        """The last value of each series in the last steps, shape (n,), NaN where none of them has one: one is often missing."""
        steps = np.arange(self._next - min(LATEST_STEPS, len(self._ring)), self._next)
        found = np.full(self._ring.shape[1], np.nan, np.float32)
        for values in self._ring[steps]:
            found = np.where(np.isnan(values), found, values)
        return found

    def back(self, steps: int) -> Floats:
        """The values of so many steps before the last, shape (n,); at most a ring's length is remembered."""
        return np.asarray(self._ring[(self._next - 1 - steps) % len(self._ring)])

    def lowest(self) -> Floats:
        """The lowest value of each series in the day, shape (n,), NaN where nothing was seen."""
        return np.asarray(np.fmin.reduce(self._ring, axis=0))

    def values(self, rows: slice | NDArray[np.intp]) -> Floats:
        """The day of some series, shape (rows, steps), the latest last, NaN where nothing was seen."""
        part = self._ring[:, rows]
        return np.ascontiguousarray(np.concatenate([part[self._next :], part[: self._next]]).T)

    def grow(self, more: int) -> None:
        """Make room for further series."""
        self._ring = np.concatenate(
            [self._ring, np.full((len(self._ring), more), np.nan, np.float32)], axis=1
        )


@dataclass
class MetricWatch:
    """Judges the series of one source.

    A whole step is taken into the state; a tick between two steps is judged against the state of the last whole step and
    leaves no trace in it, so that a short interval detects sooner and yet learns nothing else.
    """

    step_seconds: int
    threshold: float = 0.7
    learned: Learned | None = None
    state: State | None = None
    committed: int | None = None
    unknown: frozenset[SeriesKey] = frozenset()
    past_seconds: int = 0
    """How far back the next question reads once, for what remembers the last days; 0: only what is new."""
    past_tries: int = PAST_TRIES
    recent: Recent = field(default_factory=lambda: Recent(0, step_seconds=DAY_S))
    _rows: NDArray[np.intp] | None = None
    _for: tuple[SeriesKey, ...] = ()
    _since: NDArray[np.float64] | None = None
    _places: tuple[Learned, dict[SeriesKey, int]] | None = None

    def know(
        self, learned: Learned, state: State, *, committed: int | None, history: Floats | None = None
    ) -> None:
        """Work with what was learned from now on; `history` (n, times) ends at `committed`."""
        self.learned, self.state, self.committed = learned, state, committed
        self.recent = Recent(len(learned.keys), step_seconds=self.step_seconds)
        if history is not None:
            self.recent.fill(history)
        self._for, self._rows = (), None
        self._since = np.full(len(learned.keys), np.nan)
        self.unknown = frozenset()

    def take(self, block: SeriesBlock) -> list[Anomaly]:
        """Take whole steps, in their order, each once; return what the last of them shows."""
        found: list[Anomaly] = []
        self._remember(block)
        for column, time in enumerate(block.times.tolist()):
            if self.committed is None or time > self.committed:
                if self.committed is not None:
                    self.recent.skip((time - self.committed) // self.step_seconds - 1)
                found = self._judge(block, column, time, keep=True)
                self.committed = time
        return found

    def row(self, key: SeriesKey) -> int | None:
        """The place of a series among those that are known; any thread may ask."""
        learned, places = self.learned, self._places
        if learned is None:
            return None
        if places is None or places[0] is not learned:
            places = self._places = (learned, learned.rows())
        return places[1].get(key)

    def put_back(self, now: float) -> None:
        """Go on from now where the clock was put back, else nothing would be taken until it is as late again."""
        last = int(now) // self.step_seconds * self.step_seconds
        if self.committed is not None and self.committed > last + self.step_seconds:
            self.committed = last

    def past_failed(self) -> None:
        """The source could not be read; after some tries only what is new is asked for."""
        if self.past_seconds:
            self.past_tries -= 1
            self.past_seconds = self.past_seconds if self.past_tries > 0 else 0

    def _remember(self, block: SeriesBlock) -> None:
        """Take the day before what is new, which an earlier process has judged."""
        past, self.past_seconds = self.past_seconds, 0
        self._meet(block.keys)
        if not past or self._rows is None or self.learned is None or self.committed is None:
            return
        known = self._rows >= 0
        for column in np.flatnonzero(block.times <= self.committed).tolist():
            values = np.full(len(self.learned.keys), np.nan, np.float32)
            values[self._rows[known]] = block.values[known, column]
            self.recent.add(values)

    def peek(self, block: SeriesBlock) -> list[Anomaly]:
        """Judge the last column without keeping anything of it."""
        if block.values.shape[1] == 0:
            return []
        return self._judge(block, block.values.shape[1] - 1, int(block.times[-1]), keep=False)

    def _judge(self, block: SeriesBlock, column: int, time: int, *, keep: bool) -> list[Anomaly]:
        self._meet(block.keys)
        if self.learned is None or self.state is None or self._rows is None:
            return []
        count = len(self.learned.keys)
        values = np.full(count, np.nan, np.float32)
        known = self._rows >= 0
        values[self._rows[known]] = block.values[known, column]
        centre, scale = seasonal.expected(self.learned.profile, time)
        scores, parts = np.empty(count, np.float32), np.empty(count, np.uint8)
        state = self.state if keep else self.state.copy()
        tick(state, self.learned.knowledge, values, centre, scale, scores, parts)
        if keep:
            self.recent.add(values)
        since = self._begun(scores, time)
        found = anomalies(
            self.learned.keys,
            values,
            centre,
            scale,
            scores,
            parts,
            since,
            time,
            self.step_seconds,
            threshold=self.threshold,
        )
        return [each for each in found if worth_telling(each)]

    def _begun(self, scores: Floats, time: int) -> NDArray[np.float64]:
        """Since when each series has been above the threshold without a break, NaN where it is not."""
        assert self._since is not None  # noqa: S101 - set together with what was learned
        high = scores >= self.threshold
        self._since[~high] = np.nan
        self._since[high & np.isnan(self._since)] = time
        return self._since

    def _meet(self, keys: tuple[SeriesKey, ...]) -> None:
        """Find the rows of these series; new instances of known services join them."""
        if self.learned is None:
            self.unknown = frozenset(keys)
            return
        if keys == self._for and self._rows is not None:
            return
        rows = self.learned.rows()
        joined = self.learned.with_kin([key for key in keys if key not in rows])
        if joined is not self.learned:
            self._grow(joined)
            rows = joined.rows()
        self._rows = np.array([rows.get(key, -1) for key in keys], np.intp)
        self._for = keys
        self.unknown = frozenset(key for key in keys if key not in rows)

    def _grow(self, joined: Learned) -> None:
        assert self.state is not None  # noqa: S101 - learned and state come together
        assert self._since is not None  # noqa: S101
        more = len(joined.keys) - self.state.series
        self.learned, self.state = joined, self.state.grow(more)
        self.recent.grow(more)
        self._since = np.concatenate([self._since, np.full(more, np.nan)])


def warmed(learned: Learned, block: SeriesBlock, *, steps: int) -> State:
    """The state after the last steps of a history, so that learning anew forgets nothing of today."""
    state = State.fresh(len(learned.keys))
    count = len(learned.keys)
    scores, parts = np.empty(count, np.float32), np.empty(count, np.uint8)
    width = block.values.shape[1]
    for column in range(max(0, width - steps), width):
        centre, scale = seasonal.expected(learned.profile, float(block.times[column]))
        tick(
            state,
            learned.knowledge,
            np.ascontiguousarray(block.values[:, column]),
            centre,
            scale,
            scores,
            parts,
        )
    return state


def _taken(profile: Profile, take: list[int]) -> Profile:
    """The profile of the series of these places."""
    changed: dict[str, Any] = {}
    for each in fields(profile):
        value = getattr(profile, each.name)
        if isinstance(value, np.ndarray):
            changed[each.name] = np.ascontiguousarray(value[..., take])
    return replace(profile, **changed)
