"""A body that is not said to be JSON is refused with the way out, by every route that reads one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from sre_copilot.api.server import routes
from sre_copilot.testing.alerting_service import Deciding, deciding

FORM = {"Content-Type": "application/x-www-form-urlencoded"}  # what `curl -d` says


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("bodies")) as found:
        yield found


def reading() -> list[str]:
    return [
        path
        for path, route in routes()
        if route.body_field is not None and "POST" in (route.methods or ()) and not path.startswith("/api/v2")
    ]


def test_every_route_with_a_json_body_says_what_to_send(there: Deciding) -> None:
    client = there.client("admin")
    assert len(reading()) > 50
    for path in reading():
        answer = client.post(re.sub(r"\{[^}]*\}", "some-1", path), content=b'{"a": 1}', headers=FORM)
        assert (answer.status_code, path) == (415, path)
        assert answer.json()["detail"] == "send Content-Type: application/json"


def test_without_a_token_the_token_is_asked_for_first(there: Deciding) -> None:
    answer = TestClient(there.application).post("/api/v1/killswitch/on", content=b"{}", headers=FORM)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "media", ["application/json", "application/json; charset=utf-8", "application/x+json"]
)
def test_json_is_taken(there: Deciding, media: str) -> None:
    answer = there.client("admin").post(
        "/api/v1/workflows/lint", content=b'{"text": "workflow: {}"}', headers={"Content-Type": media}
    )
    assert answer.status_code == 200


def test_where_nothing_is_sent_the_missing_fields_are_named(there: Deciding) -> None:
    answer = there.client("admin").post("/api/v1/workflows/lint")
    assert answer.status_code == 422
