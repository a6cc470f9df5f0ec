"""Silences with Alertmanager's meaning: alerts that fulfil all matchers of one are muted from its start to its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from sre_copilot.alerts.matcher_index import MatcherIndex
from sre_copilot.alerts.matchers import of_api
from sre_copilot.alerts.problems import InvalidError, Problem, read_matchers
from sre_copilot.alerts.state import SilenceState

State = Literal["expired", "active", "pending"]


def state_of(silence: SilenceState, now: float) -> State:
    """Whether it is still to come, in effect or over; it is over at its very end."""
    if now < silence.starts_at:
        return "pending"
    return "active" if now < silence.ends_at else "expired"


def problems_of(silence: SilenceState, now: float) -> tuple[Problem, ...]:
    """What Alertmanager's API would refuse it for; the fields are called as there."""
    problems = read_matchers(silence.matchers)[1]
    if silence.starts_at < 0 or silence.ends_at <= 0:
        problems.append(Problem("startsAt, endsAt", "both times are needed, after 1970"))
    elif silence.ends_at <= silence.starts_at:
        problems.append(Problem("endsAt", "must lie after startsAt"))
    if 0 < silence.ends_at < now:
        problems.append(Problem("endsAt", "lies in the past; name a time to come"))
    return tuple(problems)


class Silences:
    """All silences, those that are over included, until they are taken away."""

    def __init__(self, silences: Iterable[SilenceState] = ()) -> None:
        self._known: dict[str, SilenceState] = {}
        self._index = MatcherIndex()
        self._next: tuple[float, float | None] | None = None
        for silence in silences:
            self.put(silence)

    def __iter__(self) -> Iterator[SilenceState]:
        return iter(self._known.values())

    def get(self, key: str) -> SilenceState | None:
        """The silence of an id."""
        return self._known.get(key)

    def put(self, silence: SilenceState) -> None:
        """Add a silence as it is, or replace the one of its id: for those that were kept; `set` is for those that people ask for."""
        self._known[silence.id] = silence
        self._index.put(silence.id, map(of_api, silence.matchers))
        self._next = None

    def remove(self, key: str) -> None:
        """Take a silence away for good."""
        self._known.pop(key, None)
        self._index.remove(key)
        self._next = None

    def set(self, silence: SilenceState, *, now: float, fresh_id: str) -> tuple[SilenceState, ...]:
        """Add or change a silence as Alertmanager does; returns all that changed by it, last the one that is now in effect.

        One without an id is new and gets `fresh_id`. One with the id of another replaces it in place where that rewrites no history (same matchers; while active, the
        same start and an end to come; while pending, a start to come); else the other one expires now, and this one gets `fresh_id`.

        Raises
        ------
        InvalidError : when it cannot be, or nothing has its id; names each field
        """
        if found := problems_of(silence, now):
            raise InvalidError(found)
        before = self._known.get(silence.id)
        if silence.id and before is None:
            raise InvalidError(
                [Problem("id", f"no silence has the id {silence.id}; leave it out for a new one")]
            )
        if before is not None and _in_place(before, silence, now):
            return self._store(replace(silence, updated_at=now, revision=before.revision + 1))
        expired = self.expire(before.id, now=now) if before is not None else ()
        begins = max(silence.starts_at, now)
        return (
            *expired,
            *self._store(replace(silence, id=fresh_id, starts_at=begins, updated_at=now, revision=1)),
        )

    def expire(self, key: str, *, now: float) -> tuple[SilenceState, ...]:
        """End a silence now; returns it as it changed, nothing when it is over already.

        Raises
        ------
        InvalidError : when nothing has that id
        """
        silence = self._known.get(key)
        if silence is None:
            raise InvalidError([Problem("id", f"no silence has the id {key}")])
        if state_of(silence, now) == "expired":
            return ()
        begun = min(silence.starts_at, now)
        return self._store(
            replace(silence, starts_at=begun, ends_at=now, updated_at=now, revision=silence.revision + 1)
        )

    def silenced_by(self, labels: Mapping[str, str], now: float) -> tuple[str, ...]:
        """Ids of the active silences that mute a label set, sorted."""
        found = self._index.matching(labels)
        return tuple(key for key in found if state_of(self._known[key], now) == "active") if found else ()

    def next_change(self, now: float) -> float | None:
        """When the next silence begins or ends after `now`; None when none will."""
        if self._next is None or now < self._next[0] or (self._next[1] is not None and now >= self._next[1]):
            moments = (each for one in self for each in (one.starts_at, one.ends_at) if each > now)
            self._next = now, min(moments, default=None)
        return self._next[1]

    def over_since(self, moment: float) -> tuple[str, ...]:
        """Ids of those that ended before a time: they may be taken away when nobody looks back so far."""
        return tuple(one.id for one in self if one.ends_at < moment)

    def _store(self, silence: SilenceState) -> tuple[SilenceState]:
        self.put(silence)
        return (silence,)


def _in_place(before: SilenceState, after: SilenceState, now: float) -> bool:
    """Whether a change leaves the history of what was silenced as it was."""
    if [*map(of_api, before.matchers)] != [*map(of_api, after.matchers)]:
        return False
    state = state_of(before, now)
    if state == "active":
        return int(before.starts_at) == int(after.starts_at) and after.ends_at >= now
    return state == "pending" and after.starts_at >= now
