"""What the timeline of an incident tells of a repair: each thing once, in the reader's language."""

from __future__ import annotations

import pytest
from tests.unit.incidents.remediation.bench import NOW, WELL, Make, carried_out, durable_of, two_steps

from sre_copilot.incidents.report.words import LANGUAGES, has, told
from sre_copilot.settings.acting.remediation import Remediation
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.testing.acting import Acting, GivenSignals

TURNED = [
    "plan.proposed", "remediation.begun", "action.started", "action.finished", "action.started", "action.finished",
    "remediation.undoing", "action.undone", "action.undone", "remediation.rolled_back", "remediation.handed_over",
]  # fmt: skip


def entries(acting: Acting) -> list[str]:
    """The keys of the timeline, each of which can be said in full in every language."""
    rows = AlertRecords(acting.database).timeline("INC-1")
    for row in rows:
        assert row["data"].get("plan_id") or row["kind"] == "killswitch"
        for lang in LANGUAGES:
            said = told(row["key"], row["params"], lang)
            assert has(row["key"]), row["key"]
            assert row["key"] not in said, said
            assert "None" not in said
    return [row["key"] for row in rows]


def test_what_did_not_help_is_told_from_the_proposal_to_the_handing_over(make: Make) -> None:
    acting = make(signals=GivenSignals(errors=0.9, latency=0.2))
    carried_out(acting, two_steps())
    assert entries(acting) == TURNED


@pytest.mark.parametrize("name", ["do s1 0", "turn back", "undo s2 0", "undone s2", "end", "hand over"])
def test_a_crash_tells_nothing_twice(make: Make, name: str) -> None:
    acting = make(signals=GivenSignals(errors=0.9, latency=0.2))
    durable_of(acting).crash_in(name)
    carried_out(acting, two_steps())
    assert entries(acting) == TURNED


def test_a_reason_is_said_in_the_language_of_the_reader(make: Make) -> None:
    acting = make(signals=GivenSignals(errors=0.9, latency=0.2))
    carried_out(acting, two_steps())
    row = next(
        row
        for row in AlertRecords(acting.database).timeline("INC-1")
        if row["key"] == "remediation.rolled_back"
    )
    assert "A signal that showed the fault is still bad" in told(row["key"], row["params"], "en")
    assert "反映故障的信号仍未恢复" in told(row["key"], row["params"], "zh")


def test_who_called_a_plan_off_is_named_and_people_are_not_handed_it(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL))
    kept = acting.approved(two_steps())
    acting.remedies.start(kept.id)
    durable_of(acting).run_until(NOW + 1)
    acting.wish(kept.id, "cancel", who="bob")
    durable_of(acting).run_until_idle()
    found = entries(acting)
    assert found[-1] == "remediation.ended"
    assert "remediation.handed_over" not in found
    last = AlertRecords(acting.database).timeline("INC-1")[-1]
    assert told(last["key"], last["params"], "en") == f"{kept.id} is over: bob has called it off"


def test_the_kill_switch_is_told_to_incidents_whose_plans_it_concerns(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL), settings=Remediation(on_kill_switch="undo"))
    acting.switch.throw(who="alice", reason="before there was any plan")
    acting.switch.reset(who="alice", reason="well again")
    acting.approved(two_steps())
    acting.switch.throw(who="alice", reason="too much at once")
    assert entries(acting) == ["plan.proposed", "killswitch.on"]
    last = AlertRecords(acting.database).timeline("INC-1")[-1]
    assert last["who"] == "alice"
    assert "too much at once" in told(last["key"], last["params"], "en")


def test_a_plan_that_ends_before_it_begins_is_told_so(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL))
    kept, now = acting.approved(two_steps()), acting.clock.now()
    assert acting.plans.set_status(kept.id, "expired", expected="approved", who="sre-copilot", at=now)
    other = acting.plans.propose(two_steps())
    assert acting.plans.set_status(
        other.id, "cancelled", expected="proposed", who="ann", at=now, reason="not needed"
    )
    assert entries(acting) == ["plan.proposed", "plan.expired_unused", "plan.proposed", "plan.cancelled"]
