"""Hands: what they refuse, what they do once, and what they know after an attempt that was cut off."""

from __future__ import annotations

import ast
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sre_copilot
from sre_copilot.action.limits import lock_name
from sre_copilot.action.order import Direction, Order, Performed
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode, Plan
from sre_copilot.settings.acting.actions import ActionLimits
from sre_copilot.settings.acting.remediation import Remediation
from sre_copilot.store import remediation as book
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.leases import Lease
from sre_copilot.testing.acting import Acting, GivenSignals, add, plan, step, thing
from sre_copilot.testing.counted_target import CountedTarget
from sre_copilot.testing.durable import MemoryDurable

NOW = 1_770_000_000.0
Make = Callable[..., Acting]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database whose schema is the current one, to be copied."""
    folder = tmp_path_factory.mktemp("empty")
    Database(sqlite_url(folder)).close()
    return folder / "sre-copilot.db"


@pytest.fixture
def make(tmp_path: Path, empty: Path) -> Iterator[Make]:
    """Makes a world with a thing of value 10."""
    shutil.copy(empty, tmp_path / empty.name)
    database = Database(sqlite_url(tmp_path))
    target = CountedTarget(tmp_path / "target.sqlite")
    target.put("a", 10.0)

    def made(**parts: Any) -> Acting:
        clock = TurnedClock(NOW)
        durable = MemoryDurable(clock)
        acting = Acting(database, durable, target, **{"clock": clock, "elapsed": clock.now, **parts})
        durable.launch()
        return acting

    yield made
    database.close()


def begun(acting: Acting, action: Any = None, **more: Any) -> Plan:
    """A plan of one step that was approved and begun; its run does not move by itself."""
    made = plan([step("s1", action or add("a"))], now=acting.clock.now())
    kept = acting.approved(replace(made, **more))
    assert acting.remedies.start(kept.id).begun
    return kept


def do(acting: Acting, kept: Plan, direction: Direction = "do") -> Performed:
    """Give the order."""
    return acting.hands.perform(Order(plan_id=kept.id, step_id="s1", direction=direction))


def turn(acting: Acting, seconds: float) -> None:
    """Let time pass."""
    acting.clock.wait(seconds, threading.Event())


def test_an_order_is_carried_out_once_however_often_it_is_given(make: Make) -> None:
    acting = make()
    kept = begun(acting)
    assert [do(acting, kept).outcome for _ in range(3)] == ["done"] * 3
    assert acting.target.counts() == {f"{kept.id}/s1/do": 1}


def test_intent_and_outcome_are_written_with_event_and_audit(make: Make) -> None:
    acting = make()
    kept = begun(acting)
    do(acting, kept)
    told = [row["type"].split(".")[2] for row in AlertRecords(acting.database).changes_since(0)]
    assert told == ["proposed", "started", "finished"]
    noted = [(row["verb"], row["outcome"]) for row in acting.audit.page(verb="action.").rows]
    assert noted == [("action.do", "done"), ("action.do", "begun")]
    assert acting.audit.verify().broken is None


@pytest.mark.parametrize("status", ["proposed", "approved", "rejected", "expired", "succeeded"])
def test_a_plan_that_was_not_begun_has_no_effect_and_the_refusal_is_audited(make: Make, status: Any) -> None:
    acting = make()
    kept = acting.plans.propose(plan([step("s1", add("a"))], now=NOW))
    acting.plans.set_status(kept.id, status, expected="proposed", who="x", at=NOW)
    assert do(acting, kept).outcome == "refused"
    assert acting.target.counts() == {}
    assert acting.audit.page(verb="action.").rows[0]["outcome"] == "refused"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mode=st.sampled_from(list(Mode)),
    direction=st.sampled_from(["do", "undo"]),
    turns=st.lists(st.sampled_from(["turn", "start", "perform", "run"]), max_size=5),
)
def test_with_autonomy_off_nothing_at_all_happens_without_an_approval(
    make: Make, mode: Mode, direction: Direction, turns: list[str]
) -> None:
    acting = make(signals=GivenSignals(), lease=Lease("autonomy", "x", 1))
    kept = acting.plans.propose(plan([step("s1", add("a"))], now=NOW, mode=mode))
    ways: dict[str, Callable[[], object]] = {
        "turn": acting.remedies.turn,
        "start": lambda: acting.remedies.start(kept.id),
        "perform": lambda: do(acting, kept, direction),
        "run": acting.durable.run_until_idle,  # type: ignore[attr-defined]
    }
    for each in turns:
        ways[each]()
    assert acting.target.made(f"{kept.id}/s1/{direction}") == 0


def test_an_altered_plan_is_refused(make: Make) -> None:
    acting = make()
    kept = begun(acting)
    with acting.database.begin() as connection:
        book.change(connection, kept.id, ("running",), now=NOW, fingerprint="0" * 64)
    performed = do(acting, kept)
    assert performed.reason == Message(key="remediation.altered", params=(("plan", kept.id),))
    assert acting.target.counts() == {}


def test_an_attempt_that_was_cut_off_after_its_effect_is_found_and_not_made_again(make: Make) -> None:
    acting = make()
    kept = begun(acting, add("a", fail="after"))
    assert do(acting, kept).outcome == "unknown"
    assert do(acting, kept).outcome == "done"
    assert acting.target.counts() == {f"{kept.id}/s1/do": 1}


def test_an_attempt_that_was_cut_off_before_its_effect_is_made(make: Make) -> None:
    acting = make()
    kept = begun(acting, add("a", fail="unknown"))
    assert do(acting, kept).outcome == "unknown"
    assert do(acting, kept).outcome == "done"
    assert acting.target.counts() == {f"{kept.id}/s1/do": 1}


def test_what_keeps_no_key_is_never_tried_again_after_an_unknown_outcome(make: Make) -> None:
    acting = make()
    kept = begun(acting, replace(add("a", fail="after"), name="counted.send"))
    assert [do(acting, kept).outcome for _ in range(3)] == ["unknown"] * 3
    assert sum(acting.target.counts().values()) == 1


def test_what_keeps_no_key_is_never_done_without_a_person(make: Make) -> None:
    acting = make(enabled=True, lease=None)
    acting.leader = None
    lease = acting.leases.acquire("autonomy", "worker-1", 60.0)
    acting.lease = lease
    made = plan([step("s1", replace(add("a"), name="counted.send"))], now=NOW, mode=Mode.AUTO)
    kept = acting.plans.propose(made)
    assert acting.remedies.turn() == 1
    assert do(acting, kept).reason.key == "action.never_autonomous"  # type: ignore[union-attr]
    assert acting.target.counts() == {}


def test_a_target_that_somebody_changed_meanwhile_is_not_touched(make: Make) -> None:
    acting = make()
    state = acting.hands.look(add("a")).digest
    kept = begun(acting, steps=(replace(step("s1", add("a")), state=state),))
    acting.target.put("a", 11.0)
    assert do(acting, kept).reason.key == "action.changed_meanwhile"  # type: ignore[union-attr]
    assert acting.target.counts() == {}


def test_a_target_that_another_holds_is_waited_for_and_free_after_its_lease(make: Make) -> None:
    acting = make()
    kept = begun(acting)
    acting.leases.acquire(lock_name(thing("a")), "somebody", 30.0)
    assert do(acting, kept).reason.key == "limits.target_busy"  # type: ignore[union-attr]
    turn(acting, 31.0)
    assert do(acting, kept).outcome == "done"


def test_an_effect_does_not_start_when_its_time_does_not_fit_into_the_lease(make: Make) -> None:
    moments = iter([0.0, 12.0])
    acting = make(elapsed=lambda: next(moments))
    kept = begun(acting)
    assert do(acting, kept).reason.key == "limits.late"  # type: ignore[union-attr]
    assert acting.target.counts() == {}


def test_whoever_was_overtaken_before_its_intent_is_fenced(make: Make) -> None:
    acting = make()
    kept = begun(acting)
    look = acting.executor.look

    def overtaken(action: Any) -> Any:
        acting.leases.free(lock_name(thing("a")))
        acting.leases.acquire(lock_name(thing("a")), "another", 30.0)
        return look(action)

    acting.executor.look = overtaken  # type: ignore[method-assign]
    assert do(acting, kept).reason.key == "limits.fenced"  # type: ignore[union-attr]
    assert acting.target.counts() == {}


def test_no_more_effects_at_once_than_allowed(make: Make) -> None:
    acting = make(limits=ActionLimits(at_once=1))
    acting.leases.acquire("acting/0", "somebody", 30.0)
    assert do(acting, begun(acting)).reason.key == "limits.all_busy"  # type: ignore[union-attr]


def over(acting: Acting, kept: Plan) -> None:
    """End a plan, so that its target is free for the next."""
    acting.durable.run_until_idle()  # type: ignore[attr-defined]
    assert acting.status(kept.id) == "succeeded"


def test_the_rate_of_an_action_on_a_target_is_limited_and_free_again_after_the_hour(make: Make) -> None:
    acting = make(limits=ActionLimits(per_target_per_hour=2))
    for _ in range(2):
        over(acting, begun(acting))
    kept = begun(acting)
    performed = do(acting, kept)
    assert performed.reason.key == "limits.rate"  # type: ignore[union-attr]
    assert performed.wait_s is not None
    turn(acting, performed.wait_s + 1)
    assert do(acting, kept).outcome == "done"


def test_after_a_failed_attempt_another_plan_waits_for_the_cooldown(make: Make) -> None:
    acting = make()
    failed = begun(acting, add("a", fail="none", times=9))
    acting.durable.run_until_idle()  # type: ignore[attr-defined]
    assert acting.status(failed.id) == "failed"
    kept = begun(acting)
    assert do(acting, kept).reason.key == "limits.cooldown"  # type: ignore[union-attr]
    turn(acting, 601.0)
    assert do(acting, kept).outcome == "done"


def test_people_at_work_are_not_disturbed_unless_a_person_approved_it(make: Make) -> None:
    approved = make(maintenance=lambda target, service, now: True)
    kept = begun(approved)
    assert do(approved, kept).outcome == "done"
    strict = make(
        maintenance=lambda target, service, now: True, settings=Remediation(in_maintenance="nobody")
    )
    over(approved, kept)
    assert do(strict, begun(strict)).reason.key == "remediation.maintenance"  # type: ignore[union-attr]


def test_the_switch_stops_what_was_approved_and_what_is_reset_goes_on(make: Make) -> None:
    acting = make()
    kept = acting.approved(plan([step("s1", add("a"))], now=NOW))
    acting.switch.throw(who="alice", reason="stop")
    assert acting.remedies.start(kept.id).reason.key == "remediation.switch"  # type: ignore[union-attr]
    acting.switch.reset(who="alice", reason="go on")
    assert acting.remedies.start(kept.id).begun


def autonomous(make: Make, **parts: Any) -> Acting:
    """A world in which plans may begin by themselves, led by this worker."""
    acting = make(enabled=True, signals=GivenSignals(), **parts)
    acting.lease = acting.leases.acquire("autonomy", "worker-1", 600.0)
    return acting


def by_itself(acting: Acting, thing_: str = "a") -> Plan:
    """A plan that needs nobody."""
    return acting.plans.propose(plan([step("s1", add(thing_))], now=NOW, mode=Mode.AUTO))


def test_a_plan_of_low_risk_begins_by_itself_on_the_leader_alone(make: Make) -> None:
    acting = autonomous(make)
    lease, acting.lease = acting.lease, None
    kept = by_itself(acting)
    assert acting.remedies.turn() == 0
    acting.lease = lease
    assert acting.remedies.turn() == 1
    over(acting, kept)
    assert acting.rows.get(kept.id)["autonomous"]  # type: ignore[index]


def test_a_leader_that_was_overtaken_begins_nothing(make: Make) -> None:
    acting = autonomous(make)
    acting.leases.free("autonomy")
    acting.leases.acquire("autonomy", "another", 600.0)
    by_itself(acting)
    assert acting.remedies.turn() == 0


def test_after_a_crash_no_new_plan_begins_by_itself_until_a_person_releases_it_and_the_begun_one_is_completed(
    make: Make,
) -> None:
    first = autonomous(make)
    kept = by_itself(first)
    first.remedies.turn()
    assert isinstance(first.durable, MemoryDurable)
    second = make(enabled=True, signals=GivenSignals(), worker="worker-2")
    second.lease, second.alone = first.lease, first.alone
    second.target.put("b", 1.0)
    other = by_itself(second, "b")
    assert second.remedies.turn() == 0
    assert second.switch.standing().held
    assert second.switch.standing().held_plan == kept.id
    second.durable.run_until_idle()  # type: ignore[attr-defined]
    assert second.status(kept.id) == "succeeded"
    assert second.remedies.turn() == 0
    second.switch.reset(who="alice", reason="looked at it")
    assert second.remedies.turn() == 1
    assert second.status(other.id) == "running"


def test_an_orderly_end_holds_nothing_up(make: Make) -> None:
    first = autonomous(make)
    by_itself(first)
    first.remedies.turn()
    first.remedies.close()
    second = make(enabled=True, signals=GivenSignals(), worker="worker-2")
    second.lease, second.alone = first.lease, first.alone
    second.remedies.turn()
    assert not second.switch.standing().held


CALLED = ("execute", "undo")


def test_only_hands_call_execute_and_undo_of_an_executor() -> None:
    root = Path(sre_copilot.__file__).parent
    callers: set[str] = set()
    for file in root.rglob("*.py"):
        name = str(file.relative_to(root))
        if name.startswith(("action/executors/", "testing/", "store/migrations/")):
            continue
        text = file.read_text(encoding="utf-8")
        if not any(name_of in text for name_of in CALLED):  # to parse all takes seconds
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and node.attr in CALLED:
                owner = ast.unparse(node.value)
                if not owner.endswith(("connection", "cursor", "pipe", "session", "step", "outcome", "own")):
                    callers.add(f"{name}: {owner}.{node.attr}")
    assert callers == {"action/hands.py: work.executor.execute", "action/hands.py: work.executor.undo"}


def test_only_hands_its_catalogue_and_the_composition_root_name_the_port_of_executors() -> None:
    root = Path(sre_copilot.__file__).parent
    named = {
        str(file.relative_to(root))
        for file in root.rglob("*.py")
        if "action.executor import" in file.read_text(encoding="utf-8")
        and not str(file.relative_to(root)).startswith(("action/", "app/", "testing/"))
    }
    assert named == set()
