"""`/openapi.json` says of every route what it answers."""

from __future__ import annotations

from typing import Any

import pytest

from sre_copilot.api.server import routes

NOT_YET = [
    "",
    "GET /healthz",
    "GET /status",
    "GET /api/v1/status",
    "GET /api/v1/anomalies",
    "GET /api/v1/anomalies/{key}",
    "POST /api/v1/baseline/learn",
    "GET /api/v1/baseline/metrics",
    "GET /api/v1/predictions",
    "GET /api/v1/forecast",
    "GET /api/v1/investigations",
    "GET /api/v1/investigations/{key}",
    "GET /api/v1/changes",
    "POST /api/v1/changes",
    "GET /api/v1/tokens",
    "POST /api/v1/tokens",
    "DELETE /api/v1/tokens/{key}",
    "POST /api/v1/invitations",
    "GET /api/v1/knowledge/cards",
    "GET /api/v1/knowledge/cards/{key}",
    "POST /api/v1/knowledge/cards",
    "GET /api/v1/knowledge/past-faults",
    "GET /api/v1/knowledge/review",
    "POST /api/v1/knowledge/review/{key}",
    "GET /api/v1/knowledge/labels",
    "POST /api/v1/knowledge/labels",
    "GET /api/v1/knowledge/proposals",
    "POST /api/v1/knowledge/proposals",
    "POST /api/v1/knowledge/proposals/{key}",
    "GET /api/v1/rooms",
    "POST /api/v1/rooms",
    "GET /api/v1/rooms/{key}",
    "POST /api/v1/rooms/{key}/members",
    "POST /api/v1/rooms/{key}/close",
    "GET /api/v1/rooms/{key}/messages",
    "POST /api/v1/rooms/{key}/messages",
    "GET /api/v1/rooms/{key}/facts",
    "GET /api/v1/rooms/{key}/tasks",
    "POST /api/v1/rooms/{key}/tasks/{task}",
    "GET /api/v1/rooms/{key}/decisions",
    "GET /api/v1/rooms/{key}/timeline",
    "GET /api/v1/rooms/{key}/summary",
    "GET /api/v1/sessions",
    "POST /api/v1/sessions",
    "GET /api/v1/sessions/{key}",
    "DELETE /api/v1/sessions/{key}",
    "GET /api/v1/agents",
    "GET /api/v1/tools",
    "POST /api/v1/tools/{key}",
    "GET /api/v1/model",
    "",
][1:-1]
"""Routes that answer JSON of which no field is declared: each that gets a shape leaves this list, and none joins it."""
NO_JSON = {
    "GET /readyz": "its status is the answer, and an orchestrator reads nothing else",
    "POST /api/v1/chat": "JSON or a stream of events: declared by its forms",
    "POST /api/v1/investigate": "as chat",
    "POST /api/v1/stream/investigate": "as chat",
    "POST /api/v2/alerts": "answers without a body, as upstream does",
    "POST /api/v1/intake/{name}/api/v2/alerts": "as above",
    "DELETE /api/v2/silence/{key}": "as above",
}


def declared() -> dict[str, Any]:
    """What each route of the document declares that it answers, without pages, pictures and streams."""
    found = {}
    for path, route in routes():
        media = getattr(route.response_class, "media_type", "application/json")
        if path.startswith("/api/") and not path.startswith(("/api/v1/", "/api/v2/")):
            continue  # the same by another address, not in the document
        if media in (None, "application/json"):
            found |= {f"{method} {path}": route.response_model for method in route.methods or ()}
    return found


def untyped(model: Any) -> bool:
    """Whether a model says nothing of fields."""
    return model is None or model is Any or getattr(model, "__origin__", model) is dict


def test_every_answer_is_declared_field_by_field_or_named_as_one_that_is_not() -> None:
    bare = {name for name, model in declared().items() if untyped(model)}
    bare -= {each for each in bare if each.endswith(("/metrics", "/updates"))}
    assert sorted(bare - set(NOT_YET) - set(NO_JSON)) == []


@pytest.mark.parametrize("name", [*NOT_YET, *NO_JSON])
def test_what_is_excepted_is_still_there_and_still_bare(name: str) -> None:
    assert untyped(declared().get(name, "gone"))
