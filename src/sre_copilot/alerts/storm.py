"""Whether so many alerts begin at once that people are told of the whole and not of each."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from sre_copilot.settings.alerting.correlation import Storms

USUAL_HALF_LIFE_S = 86_400.0  # how usual many alerts are is learned over about a day
_BUCKETS = 60  # of the window: its edge is exact to a sixtieth


class Storm:
    """Counts alerts that begin; a storm starts at the limit and ends when it was calm for a while."""

    def __init__(self, settings: Storms) -> None:
        self._settings = settings
        self._step = settings.window_seconds / _BUCKETS
        self._buckets: deque[list[float]] = deque()
        self._count = 0
        self._usual = 0.0
        self._learned_at: float | None = None
        self.since: float | None = None
        """When the storm that goes on now began."""
        self._calm_since: float | None = None
        self.alerts = 0
        """Alerts of the storm that goes on, or of the last."""

    @property
    def on(self) -> bool:
        """Whether a storm goes on."""
        return self.since is not None

    @property
    def limit(self) -> float:
        """Alerts in a window from which it is a storm."""
        return max(float(self._settings.alerts), self._settings.times_usual * self._usual)

    def note(self, now: float) -> bool:
        """Count an alert that begins at `now`; return whether a storm goes on."""
        if self._buckets and now < self._buckets[-1][0] + self._step:
            self._buckets[-1][1] += 1
        else:
            self._buckets.append([now, 1])
        self._count += 1
        before = self.on
        self._look(now)
        self.alerts += before and self.on
        return self.on

    def look(self, now: float) -> bool:
        """Whether a storm goes on at `now`, when nothing came."""
        self._look(now)
        return self.on

    def next_at(self) -> float | None:
        """When to look again, while a storm goes on."""
        if self.since is None:
            return None
        if self._calm_since is not None:
            return self._calm_since + self._settings.calm_seconds
        return self._buckets[0][0] + self._settings.window_seconds if self._buckets else self.since

    def _look(self, now: float) -> None:
        while self._buckets and self._buckets[0][0] <= now - self._settings.window_seconds:
            self._count -= int(self._buckets.popleft()[1])
        if self.since is None:
            if self._count >= self.limit:
                self.since, self._calm_since = now, None
                self.alerts = self._count
            else:
                self._learn(now)
        elif self._count >= self._settings.calm_share * self.limit:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        if self._calm_since is not None and now - self._calm_since >= self._settings.calm_seconds:
            self.since = self._calm_since = None

    def _learn(self, now: float) -> None:
        """The usual number a window, once a window; what happens in a storm is not usual."""
        if self._learned_at is None:
            self._learned_at = now
        passed = now - self._learned_at
        if passed < self._settings.window_seconds:
            return
        kept = math.exp2(-passed / USUAL_HALF_LIFE_S)
        self._usual = kept * self._usual + (1 - kept) * self._count
        self._learned_at = now

    def memory(self) -> dict[str, Any]:
        """What is learned, and the storm that goes on."""
        return {
            "usual": self._usual,
            "learned_at": self._learned_at,
            "since": self.since,
            "calm_since": self._calm_since,
            "alerts": self.alerts,
        }

    def load(self, memory: dict[str, Any]) -> None:
        """Go on from what was learned."""
        self._usual = float(memory.get("usual", 0.0))
        self._learned_at = memory.get("learned_at")
        self.since = memory.get("since")
        self._calm_since = memory.get("calm_since")
        self.alerts = int(memory.get("alerts", 0))
