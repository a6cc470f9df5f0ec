"""What travels is a CloudEvent that others can read, and what cannot be read is told clearly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.bus.envelope import dead_letter, decode, encode, key_of
from sre_copilot.bus.events_page import PAGE, fresh
from sre_copilot.bus.port import EventRefused
from sre_copilot.bus.schemas import SCHEMAS, json_schema, normal_form
from sre_copilot.domain.event import Event, EventType
from sre_copilot.errors import BusError

ROOT = Path(__file__).parents[3]
SENT = {"source": "/here", "max_bytes": 100_000}
TIMES = {"at", "starts_at", "received_at", "since", "resolved_at"}
PLAIN: dict[str, Any] = {"status": "firing", "severity": "high", "outcome": "fault", "labels": {"alertname": "A"}, "score": 0.8}  # fmt: skip


def least(kind: EventType) -> dict[str, Any]:
    """The least that the schema of a type takes."""
    needed = json_schema(kind).get("required", [])
    made = {name: 1_700_000_000.5 if name in TIMES else PLAIN.get(name, "x") for name in needed}
    return {**made, "outcome": "succeeded"} if kind is EventType.ACTION_FINISHED else made


@pytest.mark.parametrize("kind", EventType)
def test_every_type_has_a_schema_that_its_own_data_fulfil(kind: EventType) -> None:
    schema = json_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    event = Event(id="e", type=kind, key="k", at=1_700_000_000.25, data={**least(kind), "later": [1]})
    document = json.loads(encode(event, **SENT))  # type: ignore[arg-type]
    jsonschema.validate(document["data"], schema, format_checker=jsonschema.FormatChecker())
    assert document["dataschema"] == schema["$id"]
    assert document["data"]["later"] == [1]
    assert decode(json.dumps(document).encode()).type is kind


def test_all_types_are_described() -> None:
    assert set(SCHEMAS) == set(EventType)
    undescribed = [
        (kind, name)
        for kind in EventType
        for name, field in json_schema(kind)["properties"].items()
        if not field.get("description")
    ]
    assert undescribed == []


def test_the_page_of_events_says_what_the_schemas_say() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert text == fresh(text), "run python -m sre_copilot.bus.events_page --write"


@given(
    st.text(min_size=1).filter(lambda text: text.isprintable()), st.text(), st.floats(0, 4e9, allow_nan=False)
)
def test_what_is_sent_is_what_is_read(key: str, words: str, at: float) -> None:
    data = {"verdict": words, "by": "x", "at": "2026-01-01T00:00:00Z"}
    event = Event(id="e1", type=EventType.FEEDBACK_GIVEN, key=key, at=round(at, 3), data=data)
    body = encode(event, **SENT)  # type: ignore[arg-type]
    found = decode(body)
    assert (found.id, found.type, found.key, found.data) == (event.id, event.type, event.key, data)
    assert found.at == pytest.approx(event.at, abs=1e-5)
    assert key_of(body) == key


def test_times_are_sent_as_text_whichever_way_they_are_given() -> None:
    for given_at in (1_700_000_000, "2023-11-15T06:13:20+08:00", "2023-11-14T22:13:20Z"):
        found = normal_form(EventType.FEEDBACK_GIVEN, {"verdict": "right", "by": "x", "at": given_at})
        assert found["at"] == "2023-11-14T22:13:20Z"


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"id": ""}, "needs an id"),
        ({"key": ""}, "needs an id"),
        ({"at": float("nan")}, "needs an id, a key and a time"),
        ({"data": {"by": "x", "at": 1.0}}, r"data\.verdict: Field required"),
        ({"data": {"verdict": "x" * 200_000, "by": "x", "at": 1.0}}, "bus.max_event_bytes is 100000"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_way_out(changed: dict[str, Any], problem: str) -> None:
    right = {"id": "e1", "type": EventType.FEEDBACK_GIVEN, "key": "k", "at": 1.0, "data": {"verdict": "right", "by": "x", "at": 1.0}}  # fmt: skip
    with pytest.raises(EventRefused, match=problem):
        encode(Event(**{**right, **changed}), **SENT)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"\xff\xfe", "cannot be read as an event"),
        (b"[1]", "cannot be read as an event"),
        (b'{"specversion": "1.0", "id": "1"}', "source"),
        (b'{"specversion":"1.0","id":"1","source":"/x","type":"sre_copilot.feedback.given.v2","time":"2026-01-01T00:00:00Z"}', r"version 2 is not known here, which knows sre_copilot\.feedback\.given\.v1; upgrade"),
        (b'{"specversion":"1.0","id":"1","source":"/x","type":"org.other.thing","time":"2026-01-01T00:00:00Z"}', "none of ours"),
        (b'{"specversion":"1.0","id":"1","source":"/x","type":"sre_copilot.tea.made.v1","time":"2026-01-01T00:00:00Z"}', "is not known here"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(body: bytes, problem: str) -> None:
    with pytest.raises(BusError, match=problem):
        decode(body)


def test_a_dead_letter_holds_whatever_came() -> None:
    for body, kept in (
        (b'{"id": "7", "subject": "k", "x": 1}', {"id": "7", "subject": "k", "x": 1}),
        (b"\xffno", "�no"),
    ):
        key, letter = dead_letter(body, group="g", reason="why", attempts=3, at=1.0, source="/here")
        document = json.loads(letter)
        assert document["data"] == {"group": "g", "reason": "why", "attempts": 3, "event": kept}
        assert key == ("k" if isinstance(kept, dict) else "g")
