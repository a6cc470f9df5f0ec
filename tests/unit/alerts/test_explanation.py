"""Explaining: every decision in the pipeline's order, and what became of the messages."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sre_copilot.alerts.explanation import STAGES, explain_alert, explain_incident, reasons_of_alerts
from sre_copilot.incidents.report.words import has
from sre_copilot.testing.alerting import Rehearsing


def told() -> tuple[dict[str, Any], dict[str, Any], Rehearsing]:
    found = Rehearsing()
    found.fire("HighErrorRate", service="checkout", severity="critical")
    found.wait(120)
    return asdict(found.alerts[0]), asdict(found.incidents[0]), found


def test_decisions_come_in_the_order_in_which_they_are_made() -> None:
    alert, incident, _ = told()
    stages = [each.stage for each in explain_alert(alert, incident)]
    places = [STAGES.index(each) for each in stages if each in STAGES]
    assert places == sorted(places)
    assert {"identify", "inhibit", "silence", "route", "correlate", "worth", "notify"} <= set(stages)


def test_every_sentence_is_in_the_catalogue() -> None:
    alert, incident, _ = told()
    assert [each.key for each in explain_alert(alert, incident) if not has(each.key)] == []
    for status in ("sent", "failed", "pending", "started", "skipped"):
        found = explain_incident(incident, {"team": {"status": status, "problem": "refused"}})
        assert [each.key for each in found if each.stage == "notify"] == [f"incident.told.{status}"]
        assert all(has(each.key) for each in found)


def test_what_an_incident_is_worth_is_said_by_the_figure_that_was_noted() -> None:
    _, incident, _ = told()
    (worth,) = [each for each in explain_incident(incident) if each.stage == "worth"]
    assert worth.key == "correlation.wakes"
    assert worth.params["worth"] >= worth.params["limit"]
    assert reasons_of_alerts(incident)
    assert all(each["key"] != "correlation.wakes" for each in reasons_of_alerts(incident))
    fresh = {**incident, "reasons": [], "woken": False, "told": {}, "escalation": {}}
    assert [each.key for each in explain_incident(fresh)] == ["incident.worth.asleep"]


def test_an_alert_without_an_incident_is_explained_as_far_as_it_came() -> None:
    alert, _, _ = told()
    assert all(each.stage in STAGES for each in explain_alert(alert, None))
