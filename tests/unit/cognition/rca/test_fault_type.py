"""From findings of one suspect to its fault type."""

from __future__ import annotations

import pytest

from sre_copilot.cognition.rca.fault_type import fault_type
from sre_copilot.domain.evidence import Finding


def finding(kind: str, weight: float, fault: str | None, *, topic: str = "") -> Finding:
    params = (("topic", topic),) if topic else ()
    return Finding(
        kind=kind,
        entity="till",
        modality="metrics",
        weight=weight,
        checks=(),
        fault_type=fault,
        params=params,
    )


def typed(*findings: Finding, traced: bool = True) -> str | None:
    return fault_type(findings, {each.id: each.weight for each in findings}, traced=traced)


ERRORS = finding("trace.errors", 4.0, "code/exception")
DOWN = finding("metric.down", 5.0, "process/killed")
UNANSWERED = finding("trace.unanswered", 4.0, "dependency/unavailable")


@pytest.mark.parametrize(
    "cause", ["resource/disk", "resource/memory", "database/lock", "security/certificate"]
)
def test_what_is_broken_outranks_the_errors_that_it_raises(cause: str) -> None:
    assert typed(ERRORS, UNANSWERED, finding("metric.cause", 2.5, cause)) == cause


def test_a_weak_hint_at_a_resource_does_not_outrank_a_plain_error() -> None:
    assert typed(ERRORS, finding("metric.level_pool", 0.5, "resource/pool")) == "code/exception"


def test_a_reset_that_callers_name_is_preferred_to_unavailable() -> None:
    named = finding("log.failed_dependency", 0.3, "network/reset", topic="connection")
    assert typed(UNANSWERED, named) == "network/reset"


def test_what_is_down_and_lets_its_callers_wait_hangs() -> None:
    waits = finding("log.failed_dependency", 0.8, None, topic="timeout")
    assert typed(DOWN) == "process/killed"
    assert typed(DOWN, UNANSWERED, waits) == "process/hung"


def test_of_what_writes_no_spans_no_more_is_said_than_that_it_is_unavailable() -> None:
    assert typed(DOWN, traced=False) == "dependency/unavailable"


def test_time_lost_around_an_exhausted_processor_is_evidence_of_that() -> None:
    processor = finding("metric.saturation_cpu", 3.0, "resource/cpu")
    assert typed(processor, finding("trace.edge_gap", 5.0, "network/delay")) == "resource/cpu"


def test_without_findings_there_is_no_type() -> None:
    assert typed() is None


def test_a_step_behind_an_error_of_its_own_is_lost_and_not_skipped() -> None:
    lost = finding("trace.missing_call", 9.0, "code/missing-step")
    assert typed(lost) == "code/missing-step"
    assert typed(lost, ERRORS) == "code/exception"
