import pytest
from tests.unit.eval.rca.standin import methods

from sre_copilot.domain.incident import Observation
from sre_copilot.eval.rca import plain
from sre_copilot.eval.rca.planted import MUTATIONS, false_findings, plant
from sre_copilot.evidence.verify import verify
from sre_copilot.incidents.investigation import investigate
from sre_copilot.testing.cases import build_case


@pytest.fixture(scope="module")
def observation() -> Observation:
    return build_case("network_delay", culprit="billing").observation()


def test_each_mutation_makes_a_finding_that_plain_loops_find_false(observation: Observation) -> None:
    findings = investigate(observation, methods()).diagnosis.findings
    made = dict(false_findings(findings, observation))
    assert set(made) == set(MUTATIONS)
    for finding in made.values():
        assert not all(plain.holds(check, observation) for check in finding.checks)


def test_the_findings_that_they_are_made_of_are_true(observation: Observation) -> None:
    findings = investigate(observation, methods()).diagnosis.findings
    assert findings
    assert all(plain.holds(check, observation) for finding in findings for check in finding.checks)
    assert verify(findings, observation).refuted == ()


def test_no_planted_finding_survives_and_each_is_reported(observation: Observation) -> None:
    planted = plant(investigate(observation, methods()).diagnosis, observation, methods())
    assert {each.mutation for each in planted} == set(MUTATIONS)
    assert all(each.struck for each in planted)


def test_a_true_finding_that_is_handed_in_counts_as_a_survivor(
    observation: Observation, monkeypatch: pytest.MonkeyPatch
) -> None:
    diagnosis = investigate(observation, methods()).diagnosis
    monkeypatch.setattr(
        "sre_copilot.eval.rca.planted.false_findings", lambda *_: [("none", diagnosis.findings[0])]
    )
    assert [each.struck for each in plant(diagnosis, observation, methods())] == [False]


def test_nothing_is_planted_where_nothing_was_found() -> None:
    calm = build_case("none").observation()
    assert plant(investigate(calm, methods()).diagnosis, calm, methods()) == ()
