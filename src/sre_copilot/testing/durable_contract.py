"""What durable runs promise wherever they are kept; inherit and give the fixtures `durable` and `settle`.

`durable` has launched with the workflows of `WORKFLOWS`; `settle(key)` lets time pass until the run has ended and gives its state.
"""

# ruff: noqa: S101 (a suite of tests, shipped)

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from sre_copilot.durable.port import Durable, Run, RunState, StepFailed
from sre_copilot.errors import DurableError

Settle = Callable[[str], RunState]
_called: dict[str, list[str]] = {}
_lock = threading.Lock()


def note(key: str, what: str) -> int:
    """Remember that a step was really called; how many of its run were."""
    with _lock:
        calls = _called.setdefault(key, [])
        calls.append(what)
        return len(calls)


def called(key: str) -> list[str]:
    """The steps of a run that were really called."""
    with _lock:
        return list(_called.get(key, ()))


def steps(run: Run, *, count: int, pause: float = 0.0) -> list[int]:
    """So many steps."""
    results = []
    for number in range(count):
        results.append(run.step(f"step {number}", note, run.key, str(number)))
        run.sleep(pause)
    return results


def in_lane(run: Run, *, lane: str, pause: float) -> None:
    """Notes its beginning and its end."""
    run.step("begin", note, lane, "begin " + run.key)
    run.sleep(pause)
    run.step("end", note, lane, "end " + run.key)


def listener(run: Run, *, timeout: float) -> list[Any]:
    """Two messages of one topic."""
    run.step("begun", note, run.key, "begun")
    return [run.receive("news", timeout), run.receive("news", 0)]


def stubborn(run: Run, *, failures: int) -> str:
    """Tries again until it works."""
    for attempt in range(failures + 1):
        try:
            return str(run.step(f"attempt {attempt}", fail_first, run.key, failures))
        except StepFailed as error:
            run.step("tell", note, run.key, f"{error.step}: {error.kind}: {error.problem}")
    return "given up"


def fail_first(key: str, failures: int) -> str:
    """Raises so many times."""
    if sum(1 for each in called(key) if each == "tried") < failures:
        note(key, "tried")
        raise ConnectionError("no route")
    return "sent"


def careless(run: Run) -> object:
    """Lets an error through."""
    return run.step("send", fail_first, run.key, 1)


def opaque(run: Run) -> None:
    """A result that nobody can keep."""
    run.step("make", object)


WORKFLOWS: dict[str, tuple[Callable[..., Any], int | None]] = {
    "steps.1": (steps, None),
    "listener.1": (listener, None),
    "stubborn.1": (stubborn, None),
    "careless.1": (careless, None),
    "opaque.1": (opaque, None),
    "lane.1": (in_lane, 1),
    "lanes.1": (in_lane, 2),
}


def fresh() -> str:
    """A key that was never used."""
    return uuid.uuid4().hex


class DurableContract:
    """The battery."""

    def test_a_run_does_its_steps_once_each_and_keeps_its_result(
        self, durable: Durable, settle: Settle
    ) -> None:
        key = fresh()
        assert durable.start("steps.1", {"count": 3}, key=key)
        state = settle(key)
        assert (state.status, state.result, state.workflow) == ("succeeded", [1, 2, 3], "steps.1")
        assert called(key) == ["0", "1", "2"]
        assert state.started_at is not None
        assert state.finished_at is not None
        assert state.executor

    def test_a_key_starts_one_run(self, durable: Durable, settle: Settle) -> None:
        key = fresh()
        answers = [durable.start("steps.1", {"count": 1}, key=key) for _ in range(3)]
        settle(key)
        answers.append(durable.start("steps.1", {"count": 1}, key=key))
        assert answers == [True, False, False, False]
        assert called(key) == ["0"]

    def test_the_steps_of_a_run_that_are_over_can_be_looked_at(
        self, durable: Durable, settle: Settle
    ) -> None:
        key = fresh()
        durable.start("stubborn.1", {"failures": 1}, key=key)
        settle(key)
        assert [(each.name, each.result, each.error) for each in durable.steps(key)] == [
            ("attempt 0", None, "ConnectionError: no route"),
            ("tell", 2, ""),
            ("attempt 1", "sent", ""),
        ]
        assert durable.steps("nothing") == ()

    def test_a_message_arrives_once_for_each_idempotency_key(self, durable: Durable, settle: Settle) -> None:
        key = fresh()
        durable.start("listener.1", {"timeout": 30}, key=key)
        for _ in range(3):
            durable.send(key, "news", {"exception": "is a word like others"}, idempotency_key="1")
        durable.send(key, "gossip", 1, idempotency_key="2")
        assert settle(key).result == [{"exception": "is a word like others"}, None]

    def test_a_wait_for_a_message_ends_at_its_time(self, durable: Durable, settle: Settle) -> None:
        key = fresh()
        durable.start("listener.1", {"timeout": 0.2}, key=key)
        assert settle(key).result == [None, None]

    def test_what_a_step_raises_is_recorded_and_trying_again_is_the_workflows_matter(
        self, durable: Durable, settle: Settle
    ) -> None:
        key = fresh()
        durable.start("stubborn.1", {"failures": 2}, key=key)
        assert settle(key).result == "sent"
        assert [each for each in called(key) if each != "tried"] == [
            "attempt 0: ConnectionError: no route",
            "attempt 1: ConnectionError: no route",
        ]

    def test_what_no_workflow_catches_ends_its_run_as_failed_and_names_the_step(
        self, durable: Durable, settle: Settle
    ) -> None:
        key = fresh()
        durable.start("careless.1", {}, key=key)
        state = settle(key)
        assert (state.status, state.error) == ("failed", "step 'send': ConnectionError: no route")

    def test_what_is_not_json_is_refused(self, durable: Durable, settle: Settle) -> None:
        with pytest.raises(DurableError, match=r"arguments of 'steps\.1': is not JSON"):
            durable.start("steps.1", {"count": object()}, key=fresh())
        key = fresh()
        durable.start("opaque.1", {}, key=key)
        assert "result of step 'make': is not JSON" in settle(key).error

    def test_what_is_not_there_is_said(self, durable: Durable) -> None:
        assert durable.state("nothing") is None
        assert not durable.cancel("nothing")
        with pytest.raises(DurableError, match="run 'nothing': is not there"):
            durable.send("nothing", "news", 1, idempotency_key="1")
        with pytest.raises(DurableError, match="workflow 'nothing': is not registered"):
            durable.start("nothing", {}, key=fresh())
        with pytest.raises(DurableError, match="registered after launch"):
            durable.register("late.1", steps)

    def test_a_cancelled_run_takes_no_further_step(self, durable: Durable, settle: Settle) -> None:
        key, other = fresh(), fresh()
        durable.start("lane.1", {"lane": key, "pause": 0.5}, key=key, lane=key)
        durable.start("lane.1", {"lane": other, "pause": 0.0}, key=other, lane=key)
        assert durable.cancel(key)
        assert not durable.cancel(key)
        assert settle(other).status == "succeeded"
        assert settle(key).status == "cancelled"
        assert len(called(key)) < 2

    @pytest.mark.parametrize(("workflow", "limit"), [("lane.1", 1), ("lanes.1", 2)])
    def test_of_a_lane_so_many_are_under_way_at_most_and_in_the_order_of_their_start(
        self, durable: Durable, settle: Settle, workflow: str, limit: int
    ) -> None:
        lane = fresh()
        keys = [f"{9 - number}-{lane}" for number in range(4)]  # another order than that of their names
        for key in keys:
            durable.start(workflow, {"lane": lane, "pause": 0.15}, key=key, lane=lane)
        assert {settle(key).status for key in keys} == {"succeeded"}
        begun: list[str] = []
        under_way: set[str] = set()
        for what, key in (each.split() for each in called(lane)):
            (under_way.add if what == "begin" else under_way.discard)(key)
            begun += [key] if what == "begin" else []
            assert len(under_way) <= limit
        assert [set(begun[at : at + limit]) for at in range(0, 4, limit)] == [
            set(keys[at : at + limit]) for at in range(0, 4, limit)
        ]
