"""What the team knows beforehand in an arm: nothing, the shipped cards, or cards and pages that blame the wrong one."""

from __future__ import annotations

from functools import cache

from sre_copilot.agents.tool import Library
from sre_copilot.eval.agents.arms import Known


@cache
def library_of(known: Known) -> Library | None:
    """The library of an arm."""
    return None
