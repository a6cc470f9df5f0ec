"""Numbers that tools tell, taken by the evidence layer itself, so that the same check gives the same number again."""

from __future__ import annotations

from dataclasses import dataclass

from sre_copilot.domain.evidence import Aggregate, Check, Finding, Origin, Query
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Modality, Window
from sre_copilot.evidence.evaluator import Evaluator


@dataclass(frozen=True, slots=True)
class Measured:
    """A number and the check that it is this number."""

    value: float
    check: Check


class Measurer:
    """Measures on one observation."""

    def __init__(self, observation: Observation) -> None:
        self.observation = observation
        self.evaluator = Evaluator(observation)

    def measure(self, query: Query, aggregate: Aggregate) -> Measured | None:
        """Measure; None where there is no data."""
        probe = Check(query=query, aggregate=aggregate, relation=">=", bound=0.0)
        value = self.evaluator.evaluate(probe).value
        if value is None:
            return None
        return Measured(value, Check(query=query, aggregate=aggregate, relation="==", bound=value))

    def all(self, query: Query, *aggregates: Aggregate) -> tuple[Measured, ...] | None:
        """Several aggregates of the same rows; None where one of them has no data."""
        found = [self.measure(query, aggregate) for aggregate in aggregates]
        known = tuple(each for each in found if each is not None)
        return known if len(known) == len(found) else None

    def holds(self, finding: Finding) -> bool:
        """Whether all checks of a finding hold here."""
        return bool(finding.checks) and all(self.evaluator.evaluate(check).holds for check in finding.checks)


def rows(
    source: Modality, where: dict[str, str], window: Window | None, *, origin: Origin = "incident"
) -> Query:
    """The query for rows of a table."""
    return measured(source, "rows", where, window, origin=origin)


def measured(
    source: Modality,
    measure: str,
    where: dict[str, str],
    window: Window | None,
    *,
    origin: Origin = "incident",
) -> Query:
    """The query for a measure of rows; conditions without a value are left out."""
    pairs = tuple((column, value) for column, value in where.items() if value)
    return Query(source=source, measure=measure, where=pairs, window=window, origin=origin)


def fact(
    kind: str, entity: str, modality: Modality, checks: tuple[Check, ...], /, *, window: Window | None = None,
    **params: str | float | int,
) -> Finding:  # fmt: skip
    """A finding that tells what was measured and accuses nobody."""
    return Finding(
        kind=kind,
        entity=entity,
        modality=modality,
        weight=0.0,
        checks=checks,
        params=tuple(params.items()),
        window=window,
    )
