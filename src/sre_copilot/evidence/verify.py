"""Re-run the checks of findings, and strike the findings that cannot be reproduced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sre_copilot.domain.evidence import Check, Finding, Query, Refutation
from sre_copilot.domain.incident import Observation
from sre_copilot.evidence.evaluator import Evaluator, Observed


@dataclass(frozen=True, slots=True)
class Verification:
    """Which findings are true of the telemetry; `observed` holds the left sides of a finding's checks, by its id."""

    confirmed: tuple[Finding, ...]
    refuted: tuple[Refutation, ...]
    observed: Mapping[str, tuple[float | None, ...]]


def verify(
    findings: Iterable[Finding], observation: Observation, *, evaluator: Evaluator | None = None
) -> Verification:
    """Re-run all checks of all findings.

    A finding is confirmed when each of its checks holds. One without checks says nothing that could be reproduced, so
    it is struck out too. Pass the `evaluator` of an earlier call on the same observation to reuse its tables.
    """
    evaluator = evaluator or Evaluator(observation)
    confirmed: list[Finding] = []
    refuted: list[Refutation] = []
    observed: dict[str, tuple[float | None, ...]] = {}
    for finding in findings:
        results = [evaluator.evaluate(check) for check in finding.checks]
        observed[finding.id] = tuple(result.value for result in results)
        if refutation := _refutation(finding, results):
            refuted.append(refutation)
        else:
            confirmed.append(finding)
    return Verification(tuple(confirmed), tuple(refuted), observed)


def _refutation(finding: Finding, results: list[Observed]) -> Refutation | None:
    if not finding.checks:
        return Refutation(
            finding=finding, check=_nothing(finding), observed=None, reason="it carries no check"
        )
    for check, result in zip(finding.checks, results, strict=True):
        if not result.holds:
            return Refutation(finding=finding, check=check, observed=result.value, reason=result.reason)
    return None


_UNREACHABLE: Final = float("inf")


def _nothing(finding: Finding) -> Check:
    """A check that never holds, to stand where a finding brought none."""
    query = Query(source=finding.modality, measure="rows")
    return Check(query=query, aggregate="count", relation=">", bound=_UNREACHABLE)
