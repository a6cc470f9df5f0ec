"""Experience over REST: viewers read, responders add and label, approvers decide, each in their own name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, SourceRoles, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.knowledge import Card
from sre_copilot.knowledge.cards import parse_card
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0
ROOT = Path(__file__).parents[3]
CARD = (ROOT / "examples/knowledge/cards/disk-full.md").read_text(encoding="utf-8")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = Settings.model_validate({"store": {"folder": tmp_path}})
    made = make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> TestClient:
    return TestClient(create_app(service), raise_server_exceptions=False)


def bearer(service: Service, role: Role, name: str = "") -> dict[str, str]:
    _, plain = service.tokens.create(name or role, role=role, now=NOW)
    return {"Authorization": f"Bearer {plain}"}


def call(client: TestClient, method: str, path: str, headers: dict[str, str], **body: Any) -> Any:
    answer = client.request(method, f"/api/v1/knowledge{path}", headers=headers, json=body or None)
    return answer.status_code, answer.json()


def test_a_card_is_added_by_a_responder_and_accepted_by_an_approver(
    service: Service, client: TestClient
) -> None:
    viewer, responder, approver = (bearer(service, role) for role in ("viewer", "responder", "approver"))
    assert call(client, "POST", "/cards", viewer, markdown=CARD)[0] == 403
    status, added = call(client, "POST", "/cards", responder, markdown=CARD)
    assert (status, added["standing"], added["revision"]) == (201, "draft", 1)
    assert [each["id"] for each in call(client, "GET", "/review", viewer)[1]["cards"]] == ["disk-full"]
    assert call(client, "POST", "/review/disk-full", responder, decision="accept")[0] == 403
    accepted = call(client, "POST", "/review/disk-full", approver, decision="accept", revision=1)[1]
    assert accepted["standing"] == "accepted"
    status, shown = call(client, "GET", "/cards/disk-full", viewer)
    assert (status, shown["trust"], len(shown["revisions"])) == (200, 0.75, 2)
    assert shown["revisions"][0]["by"].startswith("approver (token ")
    assert shown["markdown"].startswith("---\nid: disk-full\n")
    assert call(client, "GET", "/cards?standing=accepted&fault_type=resource/disk", viewer)[1]["items"]
    assert call(client, "GET", "/cards?of_service=cart", viewer)[1]["items"]


def test_a_changed_card_waits_again(service: Service, client: TestClient) -> None:
    approver = bearer(service, "approver")
    call(client, "POST", "/cards", approver, markdown=CARD)
    call(client, "POST", "/review/disk-full", approver, decision="accept", revision=1)
    changed = call(client, "POST", "/cards", approver, markdown=CARD.replace("扩容", "告警"))[1]
    assert (changed["standing"], changed["revision"]) == ("draft", 3)


def test_what_is_wrong_with_a_card_is_a_problem_that_names_the_field(
    service: Service, client: TestClient
) -> None:
    responder = bearer(service, "responder")
    bad = CARD.replace("resource/disk", "resource/tape")
    status, problem = call(client, "POST", "/cards", responder, markdown=bad)
    assert status == 400
    assert "fault_type: 'resource/tape' is not known" in problem["detail"]
    assert call(client, "GET", "/cards/none", responder)[0] == 404
    assert call(client, "POST", "/review/none", bearer(service, "approver"), decision="reject")[0] == 404


def test_labels_of_two_people_make_a_proposal_that_an_approver_decides(
    service: Service, client: TestClient
) -> None:
    approver = bearer(service, "approver")
    label = {
        "investigation_id": "i",
        "target": "finding",
        "right": False,
        "subject": "http_errors",
        "score": 0.75,
    }
    for name in ("ada", "bob"):
        headers = bearer(service, "responder", name)
        assert call(client, "POST", "/labels", headers, target_id=f"F-{name}", **label)[0] == 201
    assert len(call(client, "GET", "/labels?investigation_id=i", approver)[1]["items"]) == 2
    (made,) = call(client, "POST", "/proposals", approver)[1]["items"]
    assert (made["kind"], made["subject"], made["change"]["to"]) == ("threshold", "http_errors", 0.76)
    decided = call(client, "POST", f"/proposals/{made['id']}", approver, decision="accept")[1]
    assert decided["decided_by"].startswith("approver")
    assert service.settings.anomaly_detection.threshold == 0.7
    assert call(client, "POST", f"/proposals/{made['id']}", approver, decision="reject")[0] == 400


def test_one_person_with_two_tokens_is_shown_as_what_they_are(service: Service, client: TestClient) -> None:
    headers = bearer(service, "responder", "ada")
    said = call(
        client, "POST", "/labels", headers, investigation_id="i", target="mood", target_id="F", right=True
    )
    assert said[0] == 422
    status, label = call(
        client, "POST", "/labels", headers, investigation_id="i", target="claim", target_id="c1", right=True
    )
    assert (status, label["role"]) == (201, "responder")
    assert label["by"].startswith("ada (token ")


def test_only_the_revision_that_was_read_is_accepted(service: Service, client: TestClient) -> None:
    responder, approver = (bearer(service, role) for role in ("responder", "approver"))
    call(client, "POST", "/cards", responder, markdown=CARD)
    call(client, "POST", "/cards", responder, markdown=CARD.replace("扩容", "告警"))
    status, problem = call(client, "POST", "/review/disk-full", approver, decision="accept", revision=1)
    assert (status, problem["errors"][0]["field"]) == (409, "revision")
    assert "is at revision 2, not at 1" in problem["detail"]
    status, problem = call(client, "POST", "/review/disk-full", approver, decision="accept")
    assert (status, problem["errors"][0]["field"]) == (422, "revision")
    assert Experience(service.database, service.clock).card("disk-full").standing == "draft"
    assert call(client, "POST", "/review/disk-full", approver, decision="accept", revision=2)[0] == 200
    assert call(client, "POST", "/review/disk-full", approver, decision="accept", revision=2)[0] == 409


def test_a_card_that_changes_while_it_is_decided_is_not_accepted(
    service: Service, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    approver = bearer(service, "approver")
    call(client, "POST", "/cards", approver, markdown=CARD)
    read = Experience.card

    def changes(shelf: Experience, key: str) -> Card:
        monkeypatch.setattr(Experience, "card", read)
        found = read(shelf, key)
        shelf.save(replace(found, measure="rm -rf /"), by="somebody else")
        return found

    monkeypatch.setattr(Experience, "card", changes)
    assert call(client, "POST", "/review/disk-full", approver, decision="accept", revision=1)[0] == 409
    assert Experience(service.database, service.clock).card("disk-full").standing == "draft"


def test_drafts_hide_what_cards_hide(service: Service, client: TestClient) -> None:
    role = next(iter(service.roles))
    service.roles = {role: SourceRoles(query="admin", see="admin")}
    shelf = Experience(service.database, service.clock)
    shelf.save(
        replace(parse_card(CARD, name="card"), origin="I-1", manifestation="secret line"), by="the copilot"
    )
    viewer, approver, admin = (bearer(service, each) for each in ("viewer", "approver", "admin"))
    for path, key in (("/review", "cards"), ("/cards", "items")):
        assert call(client, "GET", path, viewer)[1][key][0]["manifestation"] == ""
        assert call(client, "GET", path, admin)[1][key][0]["manifestation"] == "secret line"
    decided = call(client, "POST", "/review/disk-full", approver, decision="accept", revision=1)[1]
    assert (decided["standing"], decided["manifestation"]) == ("accepted", "")
    assert shelf.card("disk-full").manifestation == "secret line"


def test_labels_are_as_long_as_the_store_keeps(service: Service, client: TestClient) -> None:
    headers = bearer(service, "responder", "n" * 200)
    said = {"target": "claim", "target_id": "c", "right": True}
    assert call(client, "POST", "/labels", headers, investigation_id="i" * 101, **said)[0] == 422
    status, kept = call(client, "POST", "/labels", headers, investigation_id="i" * 100, **said)
    assert (status, len(kept["by"]) <= 200) == (201, True)
