"""An event as it travels: a CloudEvent 1.0 in structured JSON, and the dead letter that holds one."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from sre_copilot.bus.port import EventRefused
from sre_copilot.bus.schemas import event_type, normal_form, schema_id
from sre_copilot.domain.event import Event
from sre_copilot.errors import BusError

CONTENT_TYPE = "application/cloudevents+json"
DEAD_LETTER = "sre_copilot.bus.dead_letter.v1"
_FORMAT = JSONFormat()


def encode(event: Event, *, source: str, max_bytes: int) -> bytes:
    """The event in structured JSON.

    Raises
    ------
    EventRefused : when its data do not fit its schema, when it has no id or key, or when it is too large
    """
    if not event.id or not event.key or not math.isfinite(event.at):
        raise EventRefused(event.id, "needs an id, a key and a time; whoever makes it must give them")
    try:
        body = _written(event, source, normal_form(event.type, event.data))
    except (ValueError, TypeError, CloudEventValidationError) as error:
        raise EventRefused(event.id, str(error)) from None
    if len(body) > max_bytes:
        raise EventRefused(
            event.id,
            f"is {len(body)} bytes long and bus.max_event_bytes is {max_bytes}; say less, or raise it here and at the broker",
        )
    return body


def decode(body: bytes) -> Event:
    """The event in a body.

    Raises
    ------
    BusError : says what it is that cannot be read: no CloudEvent, a type or a version that is not known here
    """
    try:
        found = _FORMAT.read(None, body)
        kind = event_type(found.get_type())
        data, moment = found.get_data(), found.get_time()
    except (ValueError, TypeError, AttributeError, CloudEventValidationError) as error:
        raise BusError(f"cannot be read as an event: {_reason(error)}") from None
    if not isinstance(data, dict | None) or moment is None:
        raise BusError("cannot be read as an event: its data are no object, or it has no time")
    at = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return Event(
        id=found.get_id(), type=kind, key=found.get_subject() or "", at=at.timestamp(), data=data or {}
    )


def key_of(body: bytes) -> str:
    """The key by which a body keeps its order; '' where it has none that can be read."""
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    return str(found.get("subject", "")) if isinstance(found, dict) else ""


def event_id(body: bytes) -> str:
    """The id of what a body holds."""
    return str(json.loads(body)["id"])


def dead_letter(
    body: bytes, *, group: str, reason: str, attempts: int, at: float, source: str
) -> tuple[str, bytes]:
    """Key and body of the letter that tells why a group could not handle an event; it holds the event as it was."""
    original = _document(body)
    key = str(original.get("subject") or "") if isinstance(original, dict) else ""
    number = original.get("id", "") if isinstance(original, dict) else ""
    letter = CloudEvent(
        {
            "id": f"{group}/{number or crc32(body)}",
            "source": source,
            "type": DEAD_LETTER,
            "subject": key or group,
            "time": datetime.fromtimestamp(at, UTC),
            "datacontenttype": "application/json",
        },
        {"group": group, "reason": reason, "attempts": attempts, "event": original},
    )
    return key or group, _FORMAT.write(letter)


def _written(event: Event, source: str, data: dict[str, Any]) -> bytes:
    return _FORMAT.write(
        CloudEvent(
            {
                "id": event.id,
                "source": source,
                "type": event.type.value,
                "subject": event.key,
                "time": datetime.fromtimestamp(event.at, UTC),
                "datacontenttype": "application/json",
                "dataschema": schema_id(event.type),
            },
            data,
        )
    )


def _document(body: bytes) -> Any:
    """The body as JSON, or, where it is none, as text."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", errors="replace")


def _reason(error: Exception) -> str:
    if isinstance(error, CloudEventValidationError):
        return "; ".join(
            f"{name}: {', '.join(map(str, problems))}" for name, problems in error.errors.items()
        )
    return str(error)
