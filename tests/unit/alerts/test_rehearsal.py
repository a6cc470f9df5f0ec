"""A dry run: the same alerts through two sets of rules."""

from __future__ import annotations

from typing import Any

from sre_copilot.alerts.pipeline.memory import Memory
from sre_copilot.alerts.rehearsal import Rehearsal, Rehearsed, difference
from sre_copilot.app.alerting import make_parts
from sre_copilot.testing.alerting import START, alert, alerting_settings

BOTH = {
    "receivers": [
        {"name": name, "webhook_configs": [{"url": f"http://127.0.0.1:9/{name}"}]}
        for name in ("team", "other")
    ]
}


def rehearsed(receiver: str = "team", **alerting: Any) -> Rehearsed:
    routing = {"route": {"receiver": receiver, "group_by": ["service"], "group_wait": "30s"}}
    settings = alerting_settings(notify=BOTH, routing=routing, **alerting)
    memory = Memory()
    found = Rehearsal(memory, make_parts(settings, new_id=memory.new_id))
    for minute in range(3):
        at = START + 60.0 * minute
        found.take([alert(f"Fault{minute}", at=at, service="checkout", severity="critical")], at)
    return found.finish(START + 3600.0)


def test_time_passes_between_alerts_so_that_timers_run() -> None:
    found = rehearsed()
    assert found.alerts == 3
    assert found.woken >= 1
    assert found.states["firing"] >= 1
    assert set(found.told) == {"team"}


def test_the_same_rules_make_no_difference() -> None:
    found = difference(rehearsed(), rehearsed())
    assert found.before.told == found.after.told
    assert dict(found.other_receivers) == dict(found.other_incidents) == {}


def test_another_receiver_is_named_for_each_alert() -> None:
    found = difference(rehearsed("team"), rehearsed("other"))
    assert len(found.other_receivers) == 3
    assert set(found.other_receivers.values()) == {(("team",), ("other",))}


def test_a_limit_that_nothing_reaches_lets_nobody_be_told() -> None:
    found = rehearsed(correlation={"minimum_worth": 1.0})
    assert found.notifications == 0
    assert found.incidents >= 1
