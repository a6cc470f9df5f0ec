"""What steps would do now, within a time: a target that hangs keeps nobody who waits for a page."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.action.executor import Looked
from sre_copilot.app.plan_difference import Previews
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, PlanStep
from sre_copilot.errors import SettingsError
from sre_copilot.incidents.report.words import LANGUAGES, has, say
from sre_copilot.testing.plans import a_step
from sre_copilot.testing.stated_executor import StatedExecutor, spec


class Hanging(StatedExecutor):
    """One whose target does not answer until it is let go."""

    def __init__(self, *, until: threading.Event) -> None:
        super().__init__(
            "hanging", specs=[spec("hanging.restart", kinds=("Deployment",))], states={"cart": {}}
        )
        self.until, self.looks = until, 0

    def look(self, action: Action) -> Looked:
        """Wait."""
        self.looks += 1
        self.until.wait(20.0)
        return super().look(action)


RESTART = spec("kubernetes.rollout_restart", kinds=("Deployment",), properties={"grace": {}})


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    let_go = threading.Event()
    yield Hanging(until=let_go)
    let_go.set()


def well() -> StatedExecutor:
    return StatedExecutor("kubernetes", specs=[RESTART], states={"cart": {"replicas": 2}})


def hung(number: int = 2) -> PlanStep:
    step = a_step(number, executor="hanging")
    return replace(step, action=replace(step.action, name="hanging.restart", parameters={}))


def test_a_target_that_answers_is_shown_although_another_hangs(hanging: Hanging) -> None:
    previews = Previews(lambda: Catalogue([well(), hanging]), within_s=0.3)
    began = time.monotonic()
    found = previews.of("PLAN-1", [a_step(1), hung()])
    assert time.monotonic() - began < 2.0
    assert isinstance(found["s1"], dict)
    assert found["s1"]["difference"] == ["grace: None -> 30"]
    assert found["s2"] == Message(key="approval.preview.late", params=(("seconds", 0.3),))


def test_a_look_that_hangs_is_not_begun_again_and_is_not_waited_for_again(hanging: Hanging) -> None:
    previews = Previews(lambda: Catalogue([hanging]), within_s=0.2)
    previews.of("PLAN-1", [hung()])
    began = time.monotonic()
    for _ in range(20):
        found = previews.of("PLAN-1", [hung()])
    assert time.monotonic() - began < 0.2, "nobody waits for what has not answered in its time"
    assert hanging.looks == 1
    assert isinstance(found["s2"], Message)


def test_no_more_looks_are_begun_than_a_server_may_have(hanging: Hanging) -> None:
    previews = Previews(lambda: Catalogue([well(), hanging]), within_s=0.2, at_once=2)
    steps = [hung(1), hung(2), hung(3)]
    found = previews.of("PLAN-1", steps)
    assert [each.key for each in found.values() if isinstance(each, Message)] == [
        "approval.preview.late",
        "approval.preview.late",
        "approval.preview.busy",
    ]
    hanging.until.set()
    assert wait_for(lambda: isinstance(previews.of("PLAN-2", [a_step(1)])["s1"], dict))


def test_what_cannot_be_used_is_said_with_its_reason() -> None:
    def broken() -> Catalogue:
        raise SettingsError("actions.executors[0].type: is not there")

    for previews, reason in (
        (Previews(broken), "is not there"),
        (Previews(Catalogue), "not in the catalogue"),
    ):
        (found,) = previews.of("PLAN-1", [a_step(1)]).values()
        assert isinstance(found, Message)
        assert reason in say(found, "en")


@pytest.mark.parametrize("word", ["late", "busy", "broke", "problem"])
def test_each_reason_is_said_in_every_language(word: str) -> None:
    assert has(f"approval.preview.{word}")
    said = {say(Message(key=f"approval.preview.{word}", params=(("seconds", 3.0), ("problem", "p"))), each) for each in LANGUAGES}  # fmt: skip
    assert len(said) == len(LANGUAGES)


def wait_for(true: Any) -> bool:
    """Whether it comes to be so within a second."""
    until = time.monotonic() + 1.0
    while not (so := true()) and time.monotonic() < until:
        time.sleep(0.02)
    return bool(so)
