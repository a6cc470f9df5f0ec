"""Explaining an incident whole: every stage in its order, each sentence in the catalogue."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sre_copilot.alerts.incident_explanation import HAPPENINGS, ORDER, Kept, explain_whole
from sre_copilot.incidents.report.words import has
from sre_copilot.testing.alerting import Rehearsing


def told() -> tuple[dict[str, Any], Kept]:
    found = Rehearsing()
    found.fire("HighErrorRate", service="checkout", severity="critical")
    found.wait(120)
    message = {
        "receiver": "team",
        "state": "firing",
        "sequence": 1,
        "status": "sent",
        "last_error": "",
        "created_at": 9.0,
    }
    happening = {"kind": "merged", "at": 5.0, "who": "ann", "key": "incident.merged", "params": {"other": "INC-2"}}  # fmt: skip
    kept = Kept(
        alerts=[asdict(each) for each in found.alerts],
        happenings=[happening, {**happening, "kind": "comment"}],
        messages=[message, {**message, "state": "resolved", "sequence": 2, "created_at": 8.0}],
    )
    return asdict(found.incidents[0]), kept


def test_stages_come_in_their_order_and_within_a_stage_by_time() -> None:
    found = explain_whole(*told())
    assert [ORDER.index(each.stage) for each in found] == sorted(ORDER.index(each.stage) for each in found)
    assert [each.params["number"] for each in found if each.stage == "notify"] == [2, 1]


def test_every_sentence_is_in_the_catalogue_and_every_stage_has_a_place() -> None:
    found = explain_whole(*told())
    assert [each.key for each in found if not has(each.key)] == []
    assert [part["key"] for each in found for part in each.parts if not has(part["key"])] == []
    assert set(HAPPENINGS.values()) <= set(ORDER)


def test_what_was_said_or_found_is_no_decision() -> None:
    found = explain_whole(*told())
    assert [(each.outcome, each.who) for each in found if each.stage == "merge"] == [("merged", "ann")]
    assert "comment" not in {each.outcome for each in found}


def test_a_receiver_whose_messages_were_forgotten_is_still_named_by_the_last_one() -> None:
    incident, kept = told()
    found = explain_whole(incident, Kept(alerts=kept.alerts, happenings=kept.happenings))
    (last,) = [each for each in found if each.stage == "notify"]
    assert last.params["receiver"] == "team"
