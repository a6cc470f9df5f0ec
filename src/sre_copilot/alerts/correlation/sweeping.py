"""What becomes of a storm's incidents: a few wake by themselves, the others are one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sre_copilot.alerts.correlation.matter import Matter
from sre_copilot.settings.alerting.correlation import Storms

HOUR_S = 3600.0


class Sweep:
    """Who may still wake in the storm that goes on, and the matter that holds the rest."""

    def __init__(self, settings: Storms) -> None:
        self._most = settings.incidents
        self._woken: list[float] = []
        self._pairs: set[tuple[str, str]] = set()
        self.matter: Matter | None = None

    def begin(self, matter: Matter) -> None:
        """From now on this one holds the rest."""
        self.matter = matter

    def keep(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Kinds at places that are part of the rest."""
        self._pairs.update(pairs)

    def holds(self, pair: tuple[str, str]) -> Matter | None:
        """The matter of the rest, when it has this kind at this place already."""
        return self.matter if pair in self._pairs else None

    def may_wake(self, now: float, *, weighty: bool) -> bool:
        """Use one of the wakes that a storm has an hour; half of them are kept for what has a high severity. False when none is left."""
        self._woken = [each for each in self._woken if each > now - HOUR_S]
        if len(self._woken) >= (self._most if weighty else self._most // 2):
            return False
        self._woken.append(now)
        return True

    def end(self) -> Matter | None:
        """The storm is over: what it swept together stays one incident, to which nothing is added; return it once."""
        matter, self.matter = self.matter, None
        self._pairs = set()
        self._woken = []
        return matter

    def forget(self, matter: Matter) -> None:
        """The incident of the rest was closed."""
        if self.matter is matter:
            self.matter = None
            self._pairs = set()

    def memory(self) -> dict[str, Any]:
        """What a restart needs, as plain JSON."""
        return {"woken": self._woken, "id": self.matter.id if self.matter is not None else ""}

    def load(self, memory: Mapping[str, Any]) -> None:
        """Go on from what was kept; the matter is found by its id."""
        self._woken = [float(each) for each in memory.get("woken", ())]
