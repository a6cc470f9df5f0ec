"""How bad an entry of somebody's own catalogue can be, as the settings say it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from sre_copilot.domain.plan import RiskLevel

Level = Literal["reversible", "irreversible", "key"]
LEVELS = {"reversible": RiskLevel.MEDIUM, "irreversible": RiskLevel.HIGH, "key": RiskLevel.CRITICAL}


def worst(levels: Iterable[Level]) -> RiskLevel:
    """The worst of several, for an action that may concern any of them."""
    return max(LEVELS[each] for each in levels)
