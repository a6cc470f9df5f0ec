"""Whether an alert comes and goes so often that its coming and going says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sre_copilot.settings.alerting.correlation import Correlation

MOST_TRANSITIONS = 64  # kept of one alert; beyond the limit more of them change no verdict


@dataclass(frozen=True, slots=True)
class Flapping:
    """An alert flaps from `limit` transitions within `window_s` seconds on, until there are no more than `calm`."""

    window_s: float = 600.0
    limit: int = 6
    calm: int = 2

    @classmethod
    def of(cls, settings: Correlation) -> Flapping:
        """As the configuration says."""
        return cls(
            window_s=settings.flapping_window_seconds,
            limit=settings.flapping_transitions,
            calm=settings.flapping_calm_transitions,
        )

    def note(self, transitions: Sequence[float], *, flapping: bool, now: float) -> tuple[list[float], bool]:
        """Add a transition at `now`; return those that still count, latest last, and the new verdict."""
        kept = [*self._recent(transitions, now), now][-max(MOST_TRANSITIONS, self.limit) :]
        return kept, self._verdict(len(kept), flapping)

    def look(self, transitions: Sequence[float], *, flapping: bool, now: float) -> bool:
        """The verdict at `now` when nothing happened."""
        return self._verdict(len(self._recent(transitions, now)), flapping)

    def _recent(self, transitions: Sequence[float], now: float) -> list[float]:
        return [each for each in transitions if each > now - self.window_s]

    def _verdict(self, count: int, flapping: bool) -> bool:
        return count > self.calm if flapping else count >= self.limit
