"""The durable runs for tests keep the promises of the port."""

from __future__ import annotations

from typing import Any

import pytest

from sre_copilot.clock import TurnedClock
from sre_copilot.durable.port import Durable, Run, RunState, StepFailed
from sre_copilot.errors import DurableError
from sre_copilot.testing.durable import MemoryDurable
from sre_copilot.testing.durable_contract import WORKFLOWS, DurableContract, Settle


class TestMemory(DurableContract):
    """The battery in memory."""

    @pytest.fixture
    def durable(self) -> MemoryDurable:
        durable = MemoryDurable(TurnedClock(1000.0))
        for name, (workflow, limit) in WORKFLOWS.items():
            durable.register(name, workflow, lane_limit=limit)
        durable.launch()
        return durable

    @pytest.fixture
    def settle(self, durable: MemoryDurable) -> Settle:
        def settle(key: str) -> RunState:
            durable.run_until_idle()
            state = durable.state(key)
            assert state is not None
            return state

        return settle


def _runs(**workflows: Any) -> tuple[MemoryDurable, TurnedClock]:
    clock = TurnedClock(1000.0)
    durable = MemoryDurable(clock)
    for name, workflow in workflows.items():
        durable.register(name, workflow)
    durable.launch()
    return durable, clock


def test_it_is_a_durable() -> None:
    durable: Durable = MemoryDurable(TurnedClock(0.0))
    assert durable.state("nothing") is None


def test_a_step_is_called_once_though_the_run_is_begun_again_after_each_wait() -> None:
    sent: list[str] = []

    def deliver(run: Run, *, to: str) -> str:
        run.step("first", sent.append, to + " 1")
        run.sleep(60)
        run.step("second", sent.append, to + " 2")
        return "done"

    durable, clock = _runs(deliver=deliver)
    assert durable.start("deliver", {"to": "a"}, key="k")
    assert not durable.start("deliver", {"to": "b"}, key="k")
    durable.run_due()
    assert sent == ["a 1"]
    assert durable.run_until_idle(clock) == 1060.0
    assert sent == ["a 1", "a 2"]
    assert durable.calls == {("k", "first"): 1, ("k", "second"): 1}
    state = durable.state("k")
    assert state is not None
    assert (state.status, state.result, state.started_at, state.finished_at) == (
        "succeeded",
        "done",
        1000.0,
        1060.0,
    )


def test_a_step_whose_process_died_before_its_record_is_called_again() -> None:
    effects: list[str] = []
    durable, _ = _runs(w=lambda run: run.step("send", effects.append, run.key))
    durable.crash_in("send")
    durable.start("w", {}, key="k")
    durable.run_until_idle()
    assert effects == ["k", "k"]
    assert durable.calls["k", "send"] == 2


def test_what_a_step_raises_is_recorded_and_the_workflow_may_try_again() -> None:
    answers = iter([ConnectionError("no route"), "sent"])
    seen: list[tuple[str, str, str]] = []

    def send() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    def patient(run: Run) -> str:
        for attempt in range(3):
            try:
                return str(run.step(f"send {attempt}", send))
            except StepFailed as error:
                seen.append((error.step, error.kind, error.problem))
                run.sleep(30)
        return "given up"

    durable, clock = _runs(w=patient)
    durable.start("w", {}, key="k")
    durable.run_until_idle()
    assert set(seen) == {("send 0", "ConnectionError", "no route")}
    assert durable.state("k").result == "sent"  # type: ignore[union-attr]
    assert clock.now() == 1030.0


def test_an_error_that_no_workflow_catches_ends_its_run_as_failed_and_names_the_step() -> None:
    def broken() -> None:
        raise ValueError("no such receiver")

    durable, _ = _runs(w=lambda run: run.step("send", broken))
    durable.start("w", {}, key="k")
    durable.run_due()
    state = durable.state("k")
    assert state is not None
    assert (state.status, state.error) == ("failed", "step 'send': ValueError: no such receiver")


def test_a_message_ends_a_wait_at_once_and_only_one_time_for_each_key() -> None:
    def wait(run: Run) -> list[Any]:
        return [run.receive("approve", 600), run.receive("approve", 600)]

    durable, clock = _runs(w=wait)
    durable.start("w", {}, key="k")
    durable.run_due()
    durable.run_until(1010)
    durable.send("k", "approve", {"by": "ann"}, idempotency_key="1")
    durable.send("k", "approve", {"by": "ann"}, idempotency_key="1")
    durable.send("k", "other", 1, idempotency_key="2")
    durable.run_until_idle()
    assert durable.state("k").result == [{"by": "ann"}, None]  # type: ignore[union-attr]
    assert clock.now() == 1610.0


def test_of_a_lane_only_so_many_are_under_way_and_in_the_order_of_their_start() -> None:
    begun: list[str] = []

    def deliver(run: Run) -> None:
        run.step("send", begun.append, run.key)
        run.sleep(10)

    clock = TurnedClock(0.0)
    durable = MemoryDurable(clock)
    durable.register("deliver", deliver, lane_limit=1)
    durable.launch()
    for key in ("a1", "b1", "a2", "a3"):
        durable.start("deliver", {}, key=key, lane=key[0])
    durable.run_due()
    assert begun == ["a1", "b1"]
    assert durable.state("a2").status == "waiting"  # type: ignore[union-attr]
    durable.run_until(10)
    assert begun == ["a1", "b1", "a2"]
    durable.run_until_idle()
    assert begun == ["a1", "b1", "a2", "a3"]


def test_a_cancelled_run_takes_no_further_step() -> None:
    done: list[int] = []

    def long(run: Run) -> None:
        run.step("one", done.append, 1)
        run.sleep(10)
        run.step("two", done.append, 2)

    durable, _ = _runs(w=long)
    durable.start("w", {}, key="k")
    durable.run_due()
    assert durable.cancel("k")
    assert not durable.cancel("k")
    durable.run_until_idle()
    assert done == [1]
    assert durable.state("k").status == "cancelled"  # type: ignore[union-attr]


def test_a_workflow_whose_way_depends_on_anything_else_is_found_out() -> None:
    turns: list[int] = []

    def fickle(run: Run) -> None:
        turns.append(1)
        run.step(f"step {len(turns)}", int)
        run.sleep(5)

    durable, _ = _runs(w=fickle)
    durable.start("w", {}, key="k")
    durable.run_until_idle()
    assert "asks for 'step step 2' where it had asked for 'step step 1'" in durable.state("k").error  # type: ignore[union-attr]


def test_what_is_not_json_is_refused_when_it_is_given() -> None:
    durable, _ = _runs(w=lambda run, x: run.step("make", object))
    with pytest.raises(DurableError, match="arguments of 'w': is not JSON"):
        durable.start("w", {"x": object()}, key="k")
    with pytest.raises(DurableError, match="not registered"):
        durable.start("unknown", {}, key="k")
    durable.start("w", {"x": 1}, key="k")
    durable.run_due()
    assert "result of step 'make': is not JSON" in durable.state("k").error  # type: ignore[union-attr]
