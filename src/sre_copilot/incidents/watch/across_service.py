"""How the services of one source are doing across their metrics, step by step, and what of it is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.baselines import seasonal
from sre_copilot.cognition.detectors.least_move import matters
from sre_copilot.cognition.detectors.multivariate.joint import JointModel, JointScorer, JointScores
from sre_copilot.cognition.detectors.multivariate.running import Running, level_of, samples_every, z_scores
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.signals import Window
from sre_copilot.incidents.watch.across_words import Moved, joint_anomaly
from sre_copilot.incidents.watch.metrics import Learned, MetricWatch
from sre_copilot.telemetry import log

_log = log(__name__)
Floats = NDArray[np.float32]
HOUR_SECONDS = 3_600
WARM_STEPS_S = 3_600  # of the day that is remembered: beyond two half hours the mean has forgotten
LATEST_STEPS = 5  # whose mean is told and checked: one value flickers
ALONE = 0.8  # share of one metric from which on it is that metric's matter, which its own detector judges
PART = 0.5  # of an even share: metrics with less have no part in it
NAMED = 3  # metrics named in a sentence
MOST_TOLD = 100  # services at one step: when more are unlike themselves it is no matter of a service


class ServicesTogether:
    """Follows the steps of one source; the thread that ticks alone uses it."""

    def __init__(self, model: JointModel, *, method: str, threshold: float) -> None:
        self._model = model
        self._scorer = JointScorer(model)
        self._method = method
        self._threshold = threshold
        self._learned: Learned | None = None
        self._until: int | None = None
        self._patience = 0
        self._held: JointScores | None = None
        self._since = np.full(len(model.members.services), np.nan)
        self._silent: set[str] = set()
        self._telling: dict[int, int] = {}
        self._places = np.empty(0, np.intp)
        self._running = Running.fresh(0, step_seconds=HOUR_SECONDS)

    # -- following --------------------------------------------------------------------------------------------------

    def follow(self, watch: MetricWatch) -> None:
        """Take the whole steps that the watch has taken since."""
        learned, committed = watch.learned, watch.committed
        if learned is None or committed is None:
            self._held = None
            return
        known = self._meet(learned, watch.step_seconds)
        steps = 0 if self._until is None else (committed - self._until) // watch.step_seconds
        warm = WARM_STEPS_S // watch.step_seconds
        if not known or self._until is None or steps < 0 or steps > warm:
            self._level(watch)
            steps = min(warm, watch.recent.steps)
        for back in range(steps - 1, -1, -1):
            self._step(watch, back)
        self._until = committed
        self._patience = LATEST_STEPS * watch.step_seconds
        if steps:
            self._judge(committed)

    def _meet(self, learned: Learned, step_seconds: int) -> bool:
        """Find the places of the series; whether what is remembered of them still counts."""
        before, self._learned = self._learned, learned
        if learned is before:
            return True
        old = len(before.keys) if before is not None else 0
        if (
            before is not None
            and before.learned_at == learned.learned_at
            and before.keys == learned.keys[:old]
        ):
            self._places = np.append(self._places, self._model.members.places(learned.keys[old:]))
            self._running.grow(len(learned.keys) - old)
            return True
        self._places = self._model.members.places(learned.keys)
        self._running = Running.fresh(len(learned.keys), step_seconds=step_seconds)
        return False

    def _step(self, watch: MetricWatch, back: int) -> None:
        assert watch.committed is not None  # noqa: S101 - asked for by `follow`
        time = watch.committed - back * watch.step_seconds
        self._running.take(_scores(watch, time, back))
        if time % HOUR_SECONDS < watch.step_seconds and back == 0:
            self._level(watch)

    def _level(self, watch: MetricWatch) -> None:
        """The level of every series over the day that is remembered."""
        assert watch.committed is not None  # noqa: S101 - asked for by `follow`
        backs = range(0, watch.recent.steps, samples_every(watch.step_seconds))
        times = [watch.committed - back * watch.step_seconds for back in backs]
        self._running.level = level_of(
            np.array(
                [_scores(watch, time, back) for time, back in zip(times, backs, strict=True)], np.float32
            )
        )

    def _judge(self, at: int) -> None:
        vectors = self._model.members.means(self._running.vectors(), self._places)
        self._held = self._scorer.score(vectors)
        high = self._held.scores >= self._threshold
        self._since[~high] = np.nan
        self._since[high & np.isnan(self._since)] = at

    # -- telling ----------------------------------------------------------------------------------------------------

    def told(self, watch: MetricWatch, *, now: Collection[str], told: Collection[str]) -> list[Anomaly]:
        """The services that are unlike themselves, the strongest first.

        A service of which a single metric is told (`told`) is silent until it is like itself again: what follows is of the same matter. One
        that a single metric shows `now`, which may pass, is silent for this step.
        """
        if self._held is None:
            return []
        services = self._model.members.services
        scores = self._held.scores
        high = [row for row in np.argsort(-np.nan_to_num(scores)).tolist() if scores[row] >= self._threshold]
        self._silent = (self._silent | set(told)) & {services[row] for row in high}
        candidates = [row for row in high if services[row] not in self._silent and services[row] not in now]
        if len(candidates) > MOST_TOLD:
            _log.warning("services were left out across metrics", count=len(candidates) - MOST_TOLD)
        found = {row: self._anomaly(row, watch) for row in candidates[:MOST_TOLD]}
        self._remember(high, found)
        return [each for each in found.values() if each is not None]

    def _remember(self, high: Sequence[int], found: Mapping[int, Anomaly | None]) -> None:
        """Note when each service was told last; one that was and no longer is, while its half hour remembers, is silent from then on."""
        at = self._until or 0
        last = {row: at if found.get(row) else self._telling.get(row) for row in high}
        self._telling = {row: time for row, time in last.items() if time is not None}
        over = [row for row, time in self._telling.items() if at - time >= self._patience]
        self._silent |= {self._model.members.services[row] for row in over}

    def _anomaly(self, row: int, watch: MetricWatch) -> Anomaly | None:
        assert self._held is not None  # noqa: S101 - asked for by `told`
        shares = self._held.shares[row]
        if shares.max() > ALONE:
            return None
        metrics = self._model.members.metrics[row]
        missing = [metric for metric, gone in zip(metrics, self._held.missing[row], strict=False) if gone]
        part = [column for column in np.argsort(-shares).tolist() if shares[column] > PART / len(metrics)]
        known = [each for each in (self._moved(row, column, watch) for column in part) if each is not None]
        checked = next((each for each in known if self._tells(row, each)), None)
        if checked is None:
            return None
        others = [each for each in known if each is not checked]
        return joint_anomaly(
            self._model.members.services[row],
            sorted([checked, *others[: NAMED - 1]], key=known.index),
            checked,
            missing=missing,
            count=len(metrics) - len(missing),
            score=float(self._held.scores[row]),
            since=float(self._since[row]),
            method=self._method,
        )

    def _tells(self, row: int, moved: Moved) -> bool:
        """Whether a metric is off, and by what matters; what is being told need not matter anew at every step."""
        return moved.beyond and (row in self._telling or matters(moved.metric, moved.value, moved.expected))

    def _moved(self, row: int, column: int, watch: MetricWatch) -> Moved | None:
        """Where the instances of a metric are, on average over the last steps, and where they should be."""
        assert watch.learned is not None  # noqa: S101 - asked for by `follow`
        assert watch.committed is not None  # noqa: S101
        rows = np.flatnonzero(self._places == row * self._model.members.width + column)
        seen: list[Floats] = []
        for back in range(LATEST_STEPS):
            time = watch.committed - back * watch.step_seconds
            centre, scale = (each[rows] for each in seasonal.expected(watch.learned.profile, time))
            values = watch.recent.back(back)[rows]
            due = centre + np.nan_to_num(self._running.level[rows]) * scale
            seen.append(np.array([values, due, scale])[:, np.isfinite(values) & np.isfinite(due)])
        table = np.concatenate(seen, axis=1)
        if not table.shape[1]:
            return None
        value, expected, scale_mean = (float(each) for each in table.astype(np.float64).mean(axis=1))
        first = watch.committed - (LATEST_STEPS - 1) * watch.step_seconds
        window = Window(float(first), float(watch.committed + watch.step_seconds))
        return Moved(self._model.members.metrics[row][column], value, expected, scale_mean, window)


def _scores(watch: MetricWatch, time: int, back: int) -> Floats:
    assert watch.learned is not None  # noqa: S101 - asked for by `follow`
    return z_scores(watch.recent.back(back), *seasonal.expected(watch.learned.profile, time))
