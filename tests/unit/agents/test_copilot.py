"""A question becomes an answer, or a refusal that says why; nothing is said that was not looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sre_copilot.agents.agent import FaultDescription
from sre_copilot.agents.answer import Event
from sre_copilot.agents.copilot import Copilot
from sre_copilot.agents.scenes.recorded import RecordedScene
from sre_copilot.app.team import make_copilot, registered_agents
from sre_copilot.domain.incident import Outcome
from sre_copilot.testing.cases import build_case


@pytest.fixture(scope="module")
def copilot() -> Copilot:
    return make_copilot(RecordedScene(build_case("network_delay", culprit="billing", seed=5).observation()))


def test_the_cause_is_named_with_claims_that_cite_findings(copilot: Copilot) -> None:
    answer = copilot.ask("why is order slow?")
    assert answer.kind == "diagnosis"
    assert "billing" in answer.headline
    known = {finding.id for finding in answer.findings}
    assert answer.claims
    assert all(set(claim.finding_ids) <= known for claim in answer.claims)


def test_the_same_question_in_chinese_has_the_same_verdict_in_chinese(copilot: Copilot) -> None:
    answer = copilot.ask("order 为什么变慢了")
    assert answer.lang == "zh"
    assert "故障" in answer.headline
    assert answer.diagnosis is not None
    assert answer.diagnosis.suspects[0].entity == "billing"


def test_what_would_change_something_is_declined_with_the_way_out(copilot: Copilot) -> None:
    answer = copilot.ask("restart billing")
    assert answer.kind == "declined"
    assert "change nothing" in answer.headline


def test_a_time_of_which_nothing_was_recorded_is_said_not_guessed(copilot: Copilot) -> None:
    answer = copilot.ask("was billing ok from 2001-01-01T00:00:00Z to 2001-01-01T01:00:00Z?")
    assert answer.kind == "declined"
    assert "Nothing was recorded" in answer.headline
    assert answer.diagnosis is None


def test_whether_a_service_is_abnormal_rests_on_what_was_judged(copilot: Copilot) -> None:
    answer = copilot.ask("is prices healthy?")
    assert answer.kind == "measured"
    assert answer.diagnosis is None
    judged = [finding for finding in answer.findings if finding.kind.startswith("tool.anomaly")]
    assert judged or "cannot be told" in answer.headline


def test_a_metric_without_a_service_is_asked_back_with_those_there_are(copilot: Copilot) -> None:
    answer = copilot.ask("what was the latency?")
    assert answer.kind == "declined"
    assert "billing" in answer.headline


def test_each_part_of_a_compound_question_is_answered(copilot: Copilot) -> None:
    answer = copilot.ask("why is order slow; also, who calls billing?")
    assert answer.diagnosis is not None
    assert any("order" in claim.text and "billing" in claim.text for claim in answer.claims)


def test_whoever_listens_hears_plan_findings_and_tests(copilot: Copilot) -> None:
    heard: list[Event] = []
    copilot.ask("why is order slow?", listen=heard.append)
    assert {"intent", "plan", "finding", "hypothesis", "ended"} <= {event.kind for event in heard}


def test_an_expert_that_fails_is_said_and_ends_nobody_elses_work(copilot: Copilot) -> None:
    class Broken:
        name = "log"
        tools = ()

        def description(self, lang: str) -> str:
            return "breaks"

        def work(self, task: object, desk: object) -> FaultDescription:
            raise RuntimeError("no lines today")

    heard: list[Event] = []
    broken = replace(copilot, agents={**registered_agents(), "log": Broken()})  # type: ignore[dict-item]
    answer = broken.ask("why is order slow?", listen=heard.append)
    assert any("no lines today" in event.text for event in heard)
    assert answer.diagnosis is not None
    assert answer.diagnosis.outcome is Outcome.FAULT


def test_a_quiet_time_is_no_fault() -> None:
    quiet = make_copilot(RecordedScene(build_case("none", seed=3).observation()))
    answer = quiet.ask("what is wrong?")
    assert answer.diagnosis is not None
    assert answer.diagnosis.outcome is Outcome.NO_FAULT
