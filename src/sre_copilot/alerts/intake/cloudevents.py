"""CloudEvents 1.0 (structured, batch, and binary once its headers are put back): the envelope says who and what, the data says the rest.

Data that is a webhook of Alertmanager or Grafana (it has `alerts`) is read as one; data of a form of its own by the configured `fields`, which see
the whole event (`$.data.host`, `$.subject`). Else `data` may have `name`, `labels`, `annotations`, `status`, `severity`, `starts_at`, `ends_at`, `url`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from sre_copilot.alerts.intake import alertmanager, generic
from sre_copilot.alerts.intake.plain import Plain, Words, event_of
from sre_copilot.alerts.intake.reader import IntakeConfig, TooMany, Unreadable, an_object
from sre_copilot.domain.alert import AlertEvent, Batch, Rejected

PREFIX = "ce-"
REQUIRED = ("id", "source", "type")
LONGEST = 1024  # characters of an attribute
OWN_LABELS = ("source", "subject")


def from_headers(headers: Mapping[str, str], data: Any) -> dict[str, Any]:
    """An event in binary mode as the structured one that it stands for; names of headers are in small letters."""
    attributes = {
        name.removeprefix(PREFIX): unquote(value)
        for name, value in headers.items()
        if name.startswith(PREFIX)
    }
    return {**attributes, "data": data}


def is_binary(headers: Mapping[str, str]) -> bool:
    """Whether the attributes are in the headers."""
    return f"{PREFIX}specversion" in headers


def read(body: Any, *, intake: IntakeConfig, received_at: float) -> Batch:
    """Read one event, or a batch; what an event holds that cannot be read is told by the place of the event."""
    items = body if isinstance(body, list) else [an_object(body, "body")]
    if len(items) > intake.limits.items:
        raise TooMany("body", f"holds {len(items):,}; send at most {intake.limits.items:,} at once")
    events: list[AlertEvent] = []
    rejected: list[Rejected] = []
    for index, item in enumerate(items):
        try:
            batch = _read_one(item, intake=intake, received_at=received_at)
        except Unreadable as error:
            rejected.append(Rejected(index=index, field=error.field, problem=error.problem))
            continue
        events += batch.events
        rejected += [
            Rejected(index=index, field=f"data.{each.index}.{each.field}", problem=each.problem)
            for each in batch.rejected
        ]
        if len(events) > intake.limits.items:
            raise TooMany("body", f"holds more than {intake.limits.items:,} alerts; send fewer at once")
    return Batch(events=tuple(events), rejected=tuple(rejected))


def _read_one(item: Any, *, intake: IntakeConfig, received_at: float) -> Batch:
    event = {**an_object(item, "event")}
    if event.get("specversion") != "1.0":
        raise Unreadable("specversion", 'must be "1.0"')
    for name in REQUIRED:
        value = event.get(name)
        if not isinstance(value, str) or not value or len(value) > LONGEST:
            raise Unreadable(name, f"must be text of 1 to {LONGEST:,} characters")
    event["data"] = _data(event)
    if intake.fields is not None:
        return generic.read(event, intake=intake, received_at=received_at)
    if isinstance(event["data"], dict) and isinstance(event["data"].get("alerts"), list):
        return alertmanager.read(event["data"], intake=intake, received_at=received_at)
    made = event_of(_own(event), words=Words(), intake=intake, received_at=received_at)
    return Batch(events=(made,))


def _data(event: Mapping[str, Any]) -> Any:
    """The data; base64 of JSON is decoded."""
    if "data_base64" not in event:
        return event.get("data")
    try:
        return orjson.loads(base64.b64decode(event["data_base64"], validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise Unreadable("data_base64", "is no JSON in base64") from None


def _own(event: Mapping[str, Any]) -> Plain:
    """What `data` says in our own form, and the envelope where it does not."""
    data = event["data"] if isinstance(event["data"], dict) else {"annotations": {"data": event["data"]}}
    labels = an_object(data.get("labels") or {}, "data.labels")
    annotations = an_object(data.get("annotations") or {}, "data.annotations")
    summary = data.get("summary") or data.get("message")
    return Plain(
        name=data.get("name") or labels.get("alertname") or event["type"],
        labels={**{name: event.get(name) for name in OWN_LABELS}, **labels},
        annotations={"summary": summary, **annotations, "event_id": event["id"]},
        status=data.get("status"),
        severity=data.get("severity") or event.get("severity") or labels.get("severity"),
        starts_at=data.get("starts_at") or event.get("time"),
        ends_at=data.get("ends_at"),
        dedup_key=data.get("dedup_key"),
        url=data.get("url"),
    )
