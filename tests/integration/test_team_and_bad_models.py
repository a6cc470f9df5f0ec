"""Whatever a model or its server does, the team answers within its budget and five seconds, with the verdict that it has without one."""

from __future__ import annotations

import time
from functools import cache

import pytest

from sre_copilot.agents.answer import Answer
from sre_copilot.agents.scenes.recorded import RecordedScene
from sre_copilot.app.team import make_copilot
from sre_copilot.domain.incident import Observation, Outcome
from sre_copilot.llm.factory import make_speaker
from sre_copilot.settings.llm import InvestigationBudget, LanguageModel, Llm
from sre_copilot.testing.cases import build_case
from sre_copilot.testing.servers.openai import circles, openai_server, says

pytestmark = pytest.mark.integration

BUDGET_S = 3.0
GRACE_S = 5.0
MANNERS = (
    "silent",
    "trickle",
    "too many",
    "broken",
    "unavailable",
    "garbage",
    "odd",
    "empty",
    "huge",
    "cut",
    "hang up",
    "unauthorised",
    "no tools",
)
QUESTIONS = ("why is order slow?", "has the moon anything to do with billing?", "order 的延迟正常吗")


@cache
def observation() -> Observation:
    return build_case("network_delay", culprit="billing", seed=5).observation()


def llm(url: str) -> Llm:
    model = LanguageModel(model="openai/any", url=url, timeout_seconds=1.0, retries=1)
    return Llm(models={"fast": model}, investigation=InvestigationBudget(seconds=BUDGET_S))


def asked(url: str, question: str) -> tuple[Answer, float]:
    copilot = make_copilot(RecordedScene(observation()), speaker=make_speaker(llm(url)))
    started = time.monotonic()
    answer = copilot.ask(question)
    return answer, time.monotonic() - started


@pytest.fixture(scope="module", autouse=True)
def _everything_is_compiled() -> None:
    make_copilot(RecordedScene(observation())).ask("why is order slow?")


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_model_that_misbehaves_delays_an_answer_and_changes_no_verdict(manner: str, question: str) -> None:
    with openai_server(says("hm")) as server:
        server.misbehave(manner)  # type: ignore[arg-type]
        answer, seconds = asked(server.url, question)
    assert answer.headline
    assert seconds < BUDGET_S + GRACE_S
    if answer.diagnosis is not None and answer.kind == "diagnosis":
        assert answer.diagnosis.outcome is Outcome.FAULT
        assert answer.diagnosis.suspects[0].entity == "billing"


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_model_that_goes_round_in_circles_is_stopped(question: str) -> None:
    with openai_server(circles("query_metrics")) as server:
        answer, seconds = asked(server.url, question)
    assert answer.headline
    assert seconds < BUDGET_S + GRACE_S


def test_nobody_listening_is_no_hindrance() -> None:
    answer, seconds = asked("http://127.0.0.1:9/v1", QUESTIONS[0])
    assert answer.diagnosis is not None
    assert answer.diagnosis.suspects[0].entity == "billing"
    assert seconds < BUDGET_S + GRACE_S
