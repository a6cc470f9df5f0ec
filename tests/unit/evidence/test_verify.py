import polars as pl

from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Telemetry
from sre_copilot.evidence.verify import verify

OBSERVATION = Observation(
    incident=Incident(id="x"),
    current=Telemetry(
        metrics=pl.DataFrame(
            {
                "ts": [1, 2],
                "service": ["web"] * 2,
                "instance": ["w"] * 2,
                "metric": ["cpu"] * 2,
                "value": [90.0, 92.0],
            }
        )
    ),
)


def above(*bounds: float) -> Finding:
    query = Query(source="metrics", measure="value", where=(("service", "web"),))
    checks = tuple(Check(query=query, aggregate="median", relation=">", bound=bound) for bound in bounds)
    return Finding(kind="metric.saturation", entity="web", modality="metrics", weight=1.0, checks=checks)


def test_a_finding_is_confirmed_when_all_of_its_checks_hold() -> None:
    finding = above(50.0, 90.0)
    verification = verify([finding], OBSERVATION)
    assert verification.confirmed == (finding,)
    assert verification.observed == {finding.id: (91.0, 91.0)}


def test_one_check_that_fails_strikes_the_finding_and_is_named() -> None:
    finding = above(50.0, 95.0)
    (refutation,) = verify([finding], OBSERVATION).refuted
    assert refutation.check == finding.checks[1]
    assert refutation.observed == 91.0
    assert refutation.reason == "91 is not > 95"


def test_a_finding_without_a_check_is_struck_out() -> None:
    verification = verify([above()], OBSERVATION)
    assert not verification.confirmed
    assert verification.refuted[0].reason == "it carries no check"
