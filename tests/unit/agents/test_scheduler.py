"""Tasks run as soon as what they wait for is done, and one that fails ends nobody else's work."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from sre_copilot.agents.agent import FaultDescription, Task
from sre_copilot.agents.answer import Understood
from sre_copilot.agents.scheduler import order, run

ABOUT = Understood(text="", lang="en", intent="diagnose")


def task(name: str, *after: str, priority: int = 1) -> Task:
    return Task(id=name, agent=name, about=ABOUT, after=after, priority=priority)


def test_a_task_stands_after_all_that_it_waits_for() -> None:
    names = [each.id for each in order([task("c", "a", "b"), task("b", "a"), task("a")])]
    assert names == ["a", "b", "c"]


def test_among_those_that_may_begin_the_smaller_priority_comes_first() -> None:
    assert [each.id for each in order([task("late", priority=2), task("soon")])] == ["soon", "late"]


def test_tasks_that_wait_for_each_other_are_an_error() -> None:
    with pytest.raises(ValueError, match="wait for each other"):
        order([task("a", "b"), task("b", "a")])


def test_a_task_that_waits_for_nobody_known_is_an_error() -> None:
    with pytest.raises(ValueError, match="no task of this plan"):
        order([task("a", "ghost")])


def test_independent_tasks_run_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=10)

    def work(task: Task, before: Mapping[str, FaultDescription]) -> FaultDescription:
        both.wait()
        return FaultDescription(agent=task.agent)

    assert set(run([task("a"), task("b")], work)) == {"a", "b"}


def test_a_failing_task_is_a_problem_and_the_next_one_sees_it() -> None:
    seen: dict[str, str] = {}

    def work(task: Task, before: Mapping[str, FaultDescription]) -> FaultDescription:
        if task.id == "a":
            raise RuntimeError("the disk is gone")
        seen.update({name: each.problem for name, each in before.items()})
        return FaultDescription(agent=task.agent)

    states: list[tuple[str, str]] = []
    done = run(
        [task("a"), task("b", "a")], work, tell=lambda task, state, text: states.append((task.id, state))
    )
    assert "the disk is gone" in done["a"].problem
    assert seen == {"a": done["a"].problem}
    assert states == [("a", "running"), ("a", "failed"), ("b", "running"), ("b", "done")]
