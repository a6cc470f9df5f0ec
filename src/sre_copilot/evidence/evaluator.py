"""Evaluate checks on the raw tables of an observation, knowing nothing of who wrote them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sre_copilot.domain.evidence import Aggregate, Check, Query
from sre_copilot.domain.incident import Observation
from sre_copilot.evidence.aggregate import aggregate, combine, compare
from sre_copilot.evidence.selection import NoDataError, Selector

_ZERO_WITHOUT_ROWS: Final = ("count", "rate", "sum")


@dataclass(frozen=True, slots=True)
class Observed:
    """What a check's left side is in the telemetry, and why the check does not hold when it does not."""

    value: float | None
    holds: bool
    reason: str = ""


class Evaluator:
    """Evaluates any number of checks on one observation, sharing what they have in common."""

    def __init__(self, observation: Observation) -> None:
        self._selector = Selector(observation)

    def evaluate(self, check: Check) -> Observed:
        """Evaluate one check; what the telemetry cannot answer does not hold, and nothing is raised."""
        try:
            value = self._left_side(check)
        except NoDataError as missing:
            return Observed(None, False, str(missing))
        if compare(value, check.relation, check.bound):
            return Observed(value, True)
        return Observed(value, False, f"{value:.6g} is not {check.relation} {check.bound:.6g}")

    def _left_side(self, check: Check) -> float:
        if (check.against is None) != (check.combine == "value"):
            raise NoDataError(f"combining by '{check.combine}' does not fit the number of queries")
        value = self._aggregate(check.query, check.aggregate)
        if check.against is None:
            return value
        combined = combine(value, self._aggregate(check.against, check.aggregate), check.combine)
        if combined is None:
            raise NoDataError("nothing to compare with: a ratio to zero")
        return combined

    def _aggregate(self, query: Query, how: Aggregate) -> float:
        selection = self._selector.select(query)
        if selection.values.size == 0 and how in _ZERO_WITHOUT_ROWS and not self._selector.recorded(query):
            raise NoDataError(f"{query.source} of the {query.origin} were not recorded in the window")
        value = aggregate(selection.values, how, times=selection.times, window=query.window)
        if value is None:
            raise NoDataError(f"no {query.source} of the {query.origin} match, or {how} means nothing here")
        return value


def evaluate(check: Check, observation: Observation) -> Observed:
    """Evaluate one check; for more than one make an `Evaluator`."""
    return Evaluator(observation).evaluate(check)
