"""A rehearsal of changed rules over REST."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sre_copilot.testing.alerting_service import Deciding, deciding

OTHERS = {"name": "others", "webhook_configs": [{"url": "http://127.0.0.1:9/others"}]}
TEAM = {"name": "team", "webhook_configs": [{"url": "http://127.0.0.1:9/team"}]}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("rules"), notify={"receivers": [TEAM, OTHERS]}) as found:
        yield found


def changed(receiver: str) -> dict[str, object]:
    return {"alerting": {"routing": {"route": {"receiver": receiver, "group_wait": "0s"}}}, "days": 1}


def test_what_people_would_notice_is_shown_and_nothing_happens(there: Deciding) -> None:
    key = there.fire("HighErrorRate", service="a", severity="critical")
    events = there.service.alerting.records.last_event()
    found = there.client("approver").post("/api/v1/rules/replay", json=changed("others")).json()
    assert found["noticed"] is True
    assert found["other_receivers"] == {key: {"before": ["team"], "after": ["others"]}}
    assert found["before"]["alerts"] == found["after"]["alerts"] == 1
    assert there.service.alerting.records.last_event() == events
    same = there.client("approver").post("/api/v1/rules/replay", json=changed("team")).json()
    assert same["other_receivers"] == {}


def test_rules_that_cannot_be_used_are_refused_with_their_place(there: Deciding) -> None:
    approver = there.client("approver")
    unknown = approver.post("/api/v1/rules/replay", json=changed("otherz"))
    assert unknown.status_code == 400
    assert "others" in unknown.json()["detail"]
    beside = approver.post("/api/v1/rules/replay", json={"alerting": {"notify": {}}})
    assert "alerting.notify" in beside.json()["detail"]
    file = {"alerting": {"routing": {"alertmanager_file": "/etc/passwd"}}}
    assert "file of the server" in approver.post("/api/v1/rules/replay", json=file).json()["detail"]
    assert approver.post("/api/v1/rules/replay", json={**changed("team"), "days": 400}).status_code == 422


def test_who_rehearsed_stands_in_the_audit_and_who_was_refused(there: Deciding) -> None:
    approver = there.client("approver")
    approver.post("/api/v1/rules/replay", json=changed("team"))
    approver.post("/api/v1/rules/replay", json=changed("otherz"))
    refused, done = there.service.alerting.records.audit_page(limit=2).rows
    assert (done["verb"], done["outcome"]) == ("rules.replay", "done")
    assert done["detail"] == {"arguments": {"alerting": ["routing"], "days": 1.0}}
    assert (refused["outcome"], "others" in refused["detail"]["problem"]) == ("refused", True)
    assert done["who"].startswith("approver (token ")


def test_it_is_for_approvers_and_one_at_a_time(there: Deciding) -> None:
    assert there.client("responder").post("/api/v1/rules/replay", json=changed("team")).status_code == 403
    with there.application.state.rehearsing:
        busy = there.client("approver").post("/api/v1/rules/replay", json=changed("team"))
    assert busy.status_code == 429
    assert busy.headers["Retry-After"]
