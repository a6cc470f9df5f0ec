"""Effects of which nobody knows at first whether they were made, and targets that others change meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.incidents.remediation.bench import NOW, WELL, Make, carried_out, durable_of, two_steps

from sre_copilot.action.executor import ActionError, Call, Effect, Looked
from sre_copilot.action.order import Order
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, Plan
from sre_copilot.store.limits import let_go
from sre_copilot.telemetry import hide
from sre_copilot.testing.acting import Acting, GivenSignals, add, plan, recovery, step

LOST = Message(key="approval.refused.authority")


def after_effect(acting: Acting, key: str, then: Callable[[], object]) -> None:
    """Let an effect be made, and its answer get lost: what happens then is given."""
    made = acting.executor.execute

    def execute(action: Action, call: Call) -> Effect:
        effect = made(action, call)
        if call.key.endswith(key):
            acting.executor.execute = made  # type: ignore[method-assign]
            then()
            raise ActionError("the answer was lost", effect="unknown", retry=True)
        return effect

    acting.executor.execute = execute  # type: ignore[method-assign]


def while_looking(acting: Acting, then: Callable[[], object]) -> None:
    """Let something happen while the hands look at the target."""
    look = acting.executor.look

    def looked(action: Action) -> Looked:
        then()
        return look(action)

    acting.executor.look = looked  # type: ignore[method-assign]


def begun(acting: Acting) -> Plan:
    """A plan of one step, begun."""
    kept = acting.approved(plan([step("s1", add("a"))], now=NOW))
    assert acting.remedies.start(kept.id).begun
    return kept


def do(acting: Acting, kept: Plan) -> str:
    """Give the order to do the step."""
    return acting.hands.perform(Order(plan_id=kept.id, step_id="s1", direction="do")).outcome


@pytest.mark.parametrize("key", ["/s1/do", "/s2/do"])
def test_an_effect_whose_answer_was_lost_is_found_and_taken_back_when_the_switch_is_thrown(
    make: Make, key: str
) -> None:
    acting = make(signals=GivenSignals(**WELL))
    after_effect(acting, key, lambda: acting.switch.throw(who="ann", reason="stop"))
    kept = carried_out(acting, two_steps())
    assert [acting.target.get(name)[0] for name in "ab"] == [10.0, 10.0]  # type: ignore[index]
    assert acting.status(kept.id) == "rolled_back"
    assert acting.target.counts()[f"{kept.id}{key}"] == 1


def test_an_effect_that_cannot_be_looked_for_is_never_called_rolled_back(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL))
    look = acting.executor.look

    def gone(action: Action) -> Looked:
        if action.target.name == "b":
            raise ActionError("it does not answer", effect="none")
        return look(action)

    after_effect(acting, "/s2/do", lambda: setattr(acting.executor, "look", gone))
    kept = carried_out(acting, two_steps())
    assert acting.effects.get(f"{kept.id}/s2/do")["state"] == "unknown"  # type: ignore[index]
    assert acting.status(kept.id) == "failed"
    assert len(acting.handed_over) == 1


def test_an_attempt_that_left_nothing_is_refused_once_it_may_not_be_made_any_more(make: Make) -> None:
    no: list[Message] = []
    acting = make(refuses=lambda plan_id, step_id, direction: no[0] if no else None)
    kept = begun(acting)

    def cut_off(action: Action, call: Call) -> Effect:
        raise ActionError("the connection was lost", effect="unknown", retry=True)

    acting.executor.execute = cut_off  # type: ignore[method-assign]
    assert do(acting, kept) == "unknown"
    no.append(LOST)
    assert do(acting, kept) == "refused"
    assert acting.effects.get(f"{kept.id}/s1/do")["state"] == "none"  # type: ignore[index]


def test_a_repeated_attempt_that_fails_for_sure_says_nothing_of_the_first(make: Make) -> None:
    acting = make()
    kept = acting.approved(
        plan([step("s1", Action(name="counted.set", target=add("a").target, parameters={"to": 5}))], now=NOW)
    )
    assert acting.remedies.start(kept.id).begun
    effects = iter(("unknown", "none"))

    def fails(action: Action, call: Call) -> Effect:
        raise ActionError("it failed", effect=next(effects), retry=True)

    acting.executor.execute = fails  # type: ignore[method-assign]
    acting.executor.done = lambda action, call, backup: None  # type: ignore[method-assign]
    assert [do(acting, kept) for _ in range(2)] == ["unknown", "unknown"]
    assert acting.effects.get(f"{kept.id}/s1/do")["state"] == "intended"  # type: ignore[index]


def test_what_is_forbidden_between_look_and_effect_is_not_done(make: Make) -> None:
    no: list[Message] = []
    happenings: list[Callable[[Acting, Plan], object]] = [
        lambda acting, kept: acting.switch.throw(who="ann", reason="stop"),
        lambda acting, kept: acting.wish(kept.id, "cancel", who="ann"),
        lambda acting, kept: no.append(LOST),
    ]
    for number, happens in enumerate(happenings):
        acting = make(refuses=lambda plan_id, step_id, direction: no[0] if no else None)
        kept = begun(acting)
        while_looking(acting, lambda acting=acting, kept=kept, happens=happens: happens(acting, kept))  # type: ignore[misc]
        assert do(acting, kept) == "refused", number
        assert acting.target.counts() == {}
        acting.switch.reset(who="ann", reason="on")
        acting.plans.set_status(kept.id, "cancelled", expected="running", who="ann", at=NOW)
        with acting.database.write() as connection:
            let_go(connection, kept.id)


def test_what_somebody_changed_since_the_step_is_left_as_it_is_and_goes_to_people(make: Make) -> None:
    acting = make(signals=GivenSignals(errors=0.9, latency=0.2))
    kept = acting.approved(plan([step("s1", add("a"), checks=[recovery()])], now=NOW))
    acting.remedies.turn()
    durable_of(acting).run_until(NOW + 5)
    acting.target.put("a", 99.0)
    durable_of(acting).run_until_idle()
    assert acting.target.get("a")[0] == 99.0  # type: ignore[index]
    assert acting.status(kept.id) == "failed"
    assert acting.handed_over[0]["left"] == ["s1"]


def test_two_steps_on_one_target_are_taken_back_for_what_the_plan_left_there_is_known(make: Make) -> None:
    acting = make(signals=GivenSignals(errors=0.9, latency=0.2))
    steps = (step("s1", add("a")), step("s2", add("a"), needs=("s1",), checks=[recovery()]))
    kept = carried_out(acting, plan(steps, now=NOW))
    assert acting.target.get("a")[0] == 10.0  # type: ignore[index]
    assert acting.status(kept.id) == "rolled_back"


def test_an_executor_that_tells_no_state_is_taken_back_as_it_was_always(make: Make) -> None:
    acting = make(signals=GivenSignals(errors=0.9, latency=0.2))
    look = acting.executor.look

    def silent(action: Action) -> Looked:
        return Looked(exists=look(action).exists)

    acting.executor.look = silent  # type: ignore[method-assign]
    acting.executor.backup = lambda action: {"value": 10.0}  # type: ignore[method-assign]
    kept = carried_out(acting, plan([step("s1", add("a"), checks=[recovery()])], now=NOW))
    assert acting.target.get("a")[0] == 10.0  # type: ignore[index]
    assert acting.effects.get(f"{kept.id}/s1/undo")["state"] == "done"  # type: ignore[index]


def test_a_cancelled_plan_that_could_not_be_taken_back_goes_to_people(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL))
    steps = (step("s1", add("a", stuck=True)), step("s2", add("b"), needs=("s1",), checks=[recovery()]))
    kept = acting.approved(plan(steps, now=NOW))
    acting.remedies.turn()
    acting.executor.before = lambda key: acting.wish(kept.id, "cancel", who="bob") and None
    durable_of(acting).run_until_idle()
    assert acting.status(kept.id) == "failed"
    assert acting.handed_over[0]["left"] == ["s1"]


def test_no_secret_in_an_error_of_an_executor_is_kept(make: Make) -> None:
    hide(["hunter2secret"])
    acting = make(signals=GivenSignals(**WELL))

    def fails(action: Action, call: Call) -> Effect:
        raise ActionError("POST https://u:hunter2secret@h/ failed", effect="none")

    acting.executor.execute = fails  # type: ignore[method-assign]
    kept = carried_out(acting, plan([step("s1", add("a"))], now=NOW))
    texts: list[Any] = [
        acting.audit.page(limit=100).rows,
        acting.effects.of_plan(kept.id),
        acting.rows.get(kept.id),
    ]
    texts += [acting.rows.steps(kept.id), durable_of(acting).steps(kept.id), acting.handed_over]
    assert "hunter2secret" not in repr(texts)
    assert "failed" in repr(texts)
