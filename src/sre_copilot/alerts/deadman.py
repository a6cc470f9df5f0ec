"""Whether the clock of grouping and escalation still turns: the one thing that cannot report its own death."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sre_copilot.domain.evidence import Message

LATE_AFTER_S = 30.0  # a turn takes a second, a take-over by another worker ten
BEAT_EVERY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadman:
    """When the clock turned last, and when the outside watch was told so. Times are epoch seconds UTC.

    A last turn that lies ahead is as overdue as one that lies behind: after the machine's clock was set back, the next turn puts it right.
    """

    turned_at: float
    """At first the time of the start: a clock that never turns is overdue, too."""
    late_after_s: float = LATE_AFTER_S
    beat_every_s: float = BEAT_EVERY_S
    beaten_at: float | None = None

    def turned(self, now: float) -> Deadman:
        """The clock has turned."""
        return replace(self, turned_at=now)

    def silent_s(self, now: float) -> float:
        """Seconds between the last turn and now."""
        return abs(now - self.turned_at)

    def overdue(self, now: float) -> bool:
        """Whether somebody must be told that nobody is escalated to."""
        return self.silent_s(now) > self.late_after_s

    def beat_due(self, now: float) -> bool:
        """Whether the outside watch is to be called: at most each `beat_every_s`, and never while the turn is overdue."""
        if self.overdue(now):
            return False
        return self.beaten_at is None or abs(now - self.beaten_at) >= self.beat_every_s

    def beaten(self, now: float) -> Deadman:
        """The outside watch was called."""
        return replace(self, beaten_at=now)

    def alarm(self, now: float) -> Message | None:
        """The sentence of the alarm; None while all is well."""
        if not self.overdue(now):
            return None
        params = (("since", self.turned_at), ("seconds", round(self.silent_s(now))))
        return Message(key="people.deadman.late", params=params)
