"""Whether a time of no changes, or of care, is now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from sre_copilot.decision.environment import lies_in
from sre_copilot.decision.patterns import fits
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Target
from sre_copilot.settings.acting.decision import EnvironmentClass
from sre_copilot.settings.acting.freezes import FreezeWindow, local_starts

Environments = Mapping[str, EnvironmentClass]
NONE: Environments = {}
MOVED = timedelta(days=1, hours=1)
"""No clock on a wall was ever moved by more: a day, where the date line was changed, and an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """A window that is now: its name, and when this time of it began and ends (epoch s)."""

    name: str
    starts_at: float
    ends_at: float
    forbids: bool = True
    """Whether nobody may change anything; else a person must agree."""

    @property
    def message(self) -> Message:
        """Its sentence."""
        key = "decision.frozen" if self.forbids else "decision.care"
        return Message(key=key, params=(("freeze", self.name), ("until", _written(self.ends_at))))


def freeze_at(
    now: float, target: Target, *, windows: Sequence[FreezeWindow], known: Environments = NONE
) -> Freeze | None:
    """The freeze in which a target may not be changed by anybody; of several that which ends last. `known` says what environments are."""
    return _last(each for each in _active(now, target, windows, known) if each.forbids)


def care_at(
    now: float, target: Target, *, windows: Sequence[FreezeWindow], known: Environments = NONE
) -> Freeze | None:
    """The time of care in which a person must agree to a change; of several that which ends last."""
    return _last(each for each in _active(now, target, windows, known) if not each.forbids)


def _last(found: Iterator[Freeze]) -> Freeze | None:
    return max(found, key=lambda each: (each.ends_at, each.name), default=None)


def _active(
    now: float, target: Target, windows: Sequence[FreezeWindow], known: Environments
) -> Iterator[Freeze]:
    for window in windows:
        meant = lies_in(target, window.environments, known) and fits(target.key, window.targets)
        begin = _begun(window, now) if meant else None
        if begin is not None:
            length = (window.ends_at - window.starts_at).total_seconds()
            yield Freeze(
                name=window.name,
                starts_at=begin,
                ends_at=begin + length,
                forbids=window.effect == "forbid",
            )


def _begun(window: FreezeWindow, now: float) -> float | None:
    """The latest begin of a time of it that is not over; None when none is now."""
    length = window.ends_at - window.starts_at
    begins = [window.starts_at.timestamp()] if not window.rrule else _around(window, now)
    return max((each for each in begins if each <= now < each + length.total_seconds()), default=None)


def _around(window: FreezeWindow, now: float) -> tuple[float, ...]:
    """Begins near enough that they may concern `now`."""
    day = datetime.fromtimestamp(now, ZoneInfo(window.time_zone)).date()
    return _near(window.rrule, window.starts_at, window.ends_at, window.time_zone, day)


@lru_cache(maxsize=1024)  # a rule of years is followed from its start: once a day, not at each question
def _near(rule: str, first: datetime, end: datetime, time_zone: str, day: date) -> tuple[float, ...]:
    """Begins that concern a day on the wall.

    A time of day that the clock leaves out comes as much later as the clock was moved; of one that comes twice, the first counts.
    """
    zone = ZoneInfo(time_zone)
    midnight = datetime.combine(day, time())
    oldest, last = midnight - (end - first) - MOVED, midnight + timedelta(days=1) + MOVED
    begin = first.astimezone(zone).replace(tzinfo=None)
    times = local_starts(rule, begin, zone, before=last)
    return tuple(each.replace(tzinfo=zone).timestamp() for each in times if each >= oldest)


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
