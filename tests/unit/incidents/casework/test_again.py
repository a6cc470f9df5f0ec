"""When evidence has changed so much that an incident is investigated again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.incidents.casework.bench import FIRED, alert

from sre_copilot.incidents.casework.again import again
from sre_copilot.incidents.casework.picture import Picture, document, of_document, picture_of, united

INCIDENT = {"id": "INC-1", "number": 7, "title": "slow", "opened_at": FIRED}
BEFORE = picture_of(INCIDENT, [alert("Slow", "order"), alert("Slow", "billing")])
FAULT = {"outcome": "fault", "cause": "billing"}


def keys(now: Picture, concluded: dict[str, str] | None = None) -> list[str]:
    return [message.key for message in again(BEFORE, now, FAULT if concluded is None else concluded)]


def with_alerts(*alerts: dict[str, object]) -> Picture:
    return picture_of(INCIDENT, alerts)


def test_nothing_new_is_no_reason() -> None:
    assert keys(BEFORE) == []


@pytest.mark.parametrize(
    ("now", "key"),
    [
        (with_alerts(alert("Slow", "order"), alert("Slow", "billing"), alert("Slow", "stock")), "service"),
        (with_alerts(alert("Slow", "order"), alert("Slow", "billing"), alert("Errors", "order")), "kind"),
        (replace(BEFORE, severity="critical"), "severity"),
        (with_alerts(alert("Slow", "order", starts_at=FIRED - 600), alert("Slow", "billing")), "earlier"),
        (with_alerts(alert("Slow", "order"), alert("Slow", "billing", status="resolved")), "cause"),
    ],
)
def test_each_material_change_is_a_reason_of_its_own(now: Picture, key: str) -> None:
    assert keys(now) == [f"casework.again.{key}"]


def test_a_lower_severity_and_a_service_that_went_are_no_reasons() -> None:
    assert keys(replace(BEFORE, severity="info")) == []
    assert keys(with_alerts(alert("Slow", "billing"))) == []


def test_a_further_alert_contradicts_that_there_is_no_fault() -> None:
    more = with_alerts(
        alert("Slow", "order"), alert("Slow", "billing"), alert("Slow", "order", fingerprint="x")
    )
    assert keys(more, {"outcome": "no_fault", "cause": ""}) == ["casework.again.no_fault"]
    assert keys(more, {"outcome": "inconclusive", "cause": ""}) == []


def test_a_cause_whose_alerts_are_over_with_all_others_is_not_contradicted() -> None:
    over = with_alerts(alert("Slow", "order", status="resolved"), alert("Slow", "billing", status="resolved"))
    assert keys(over) == []


def test_an_investigation_that_failed_is_a_reason() -> None:
    assert keys(BEFORE, {"outcome": "failed", "cause": ""}) == ["casework.again.failed"]


def test_what_went_and_came_back_is_nothing_new() -> None:
    without = with_alerts(alert("Slow", "billing"))
    assert set(united(without, BEFORE).services) == {"order", "billing"}


def test_a_picture_is_the_same_after_it_was_kept() -> None:
    assert of_document(document(BEFORE)) == BEFORE


def test_the_leading_alert_is_the_most_severe_of_the_first_minute() -> None:
    picture = with_alerts(
        alert("A", "a"), alert("B", "b", severity="critical", starts_at=FIRED + 30),
        alert("C", "c", severity="critical", starts_at=FIRED + 300),
    )  # fmt: skip
    assert picture.leading is not None
    assert picture.leading.name == "B"


def test_of_a_storm_the_earliest_alerts_are_kept_and_all_are_counted() -> None:
    many = [alert("Slow", "order", fingerprint=f"{n:04}", starts_at=FIRED + 1000 - n) for n in range(900)]
    picture = picture_of(INCIDENT, many)
    assert len(picture.alerts) == 200
    assert picture.firing == {"order": 900}
    assert picture.started_at == FIRED + 101


@pytest.mark.parametrize(
    ("concluded", "key"),
    [
        ({"outcome": "fault", "cause": "billing", "confidence": 0.51}, "casework.again.unsure"),
        ({"outcome": "inconclusive", "cause": "", "confidence": 0.0}, "casework.again.inconclusive"),
        ({"outcome": "fault", "cause": "billing", "confidence": 0.71}, None),
        (
            {"outcome": "fault", "cause": "billing", "confidence": 0.95, "helpless": True},
            "casework.again.helpless",
        ),
        ({"outcome": "no_fault", "cause": "", "confidence": 0.4}, None),
    ],
)
def test_an_answer_that_is_not_sure_is_sought_again_while_the_incident_goes_on(
    concluded: dict[str, object], key: str | None
) -> None:
    over = with_alerts(alert("Slow", "order", status="resolved"), alert("Slow", "billing", status="resolved"))
    assert [each.key for each in again(BEFORE, BEFORE, concluded, sure=0.7)] == ([key] if key else [])
    assert again(BEFORE, over, concluded, sure=0.7) == ()
    assert again(BEFORE, BEFORE, concluded) == ()
