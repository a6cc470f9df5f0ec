"""What the data of each event hold, in one place: a model for each type and version, and from it the JSON Schema that others read.

A reader ignores fields that it does not know; a version rises only when a reader of the old form would fail.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from sre_copilot.bus.schemas.alerts import AlertReceived, AnomalyDetected
from sre_copilot.bus.schemas.data import Data
from sre_copilot.bus.schemas.incidents import (
    DiagnosisReady,
    FeedbackGiven,
    IncidentOpened,
    IncidentResolved,
    IncidentUpdated,
)
from sre_copilot.bus.schemas.plans import (
    ActionFinished,
    ActionStarted,
    PlanApproved,
    PlanProposed,
    PlanRejected,
)
from sre_copilot.domain.event import EventType

SCHEMAS: Mapping[EventType, type[Data]] = {
    EventType.ALERT_RECEIVED: AlertReceived,
    EventType.ANOMALY_DETECTED: AnomalyDetected,
    EventType.INCIDENT_OPENED: IncidentOpened,
    EventType.INCIDENT_UPDATED: IncidentUpdated,
    EventType.INCIDENT_RESOLVED: IncidentResolved,
    EventType.DIAGNOSIS_READY: DiagnosisReady,
    EventType.PLAN_PROPOSED: PlanProposed,
    EventType.PLAN_APPROVED: PlanApproved,
    EventType.PLAN_REJECTED: PlanRejected,
    EventType.ACTION_STARTED: ActionStarted,
    EventType.ACTION_FINISHED: ActionFinished,
    EventType.FEEDBACK_GIVEN: FeedbackGiven,
}
_VERSIONED = re.compile(r"(.+)\.v(\d+)")


def schema_id(kind: EventType) -> str:
    """What `dataschema` says of an event of this type."""
    return f"urn:sre-copilot:event-data:{kind.value}"


def json_schema(kind: EventType) -> dict[str, Any]:
    """The JSON Schema (2020-12) of the data of a type, as they are sent."""
    schema = SCHEMAS[kind].model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": schema_id(kind),
        **schema,
        "title": kind.value,
    }


def normal_form(kind: EventType, data: Mapping[str, Any]) -> dict[str, Any]:
    """The data as they are sent: fields checked, times as RFC 3339, fields that are not known kept.

    Raises
    ------
    ValueError : names the field and what is wrong with it
    """
    try:
        return SCHEMAS[kind].model_validate(data).model_dump(mode="json", exclude_unset=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in ("data", *first["loc"]))
        raise ValueError(f"{field}: {first['msg']} (schema {kind.value})") from None


def event_type(text: str) -> EventType:
    """The type that an event names.

    Raises
    ------
    ValueError : says whether the version is not known here, or the type at all, and what is known
    """
    try:
        return EventType(text)
    except ValueError:
        pass
    found = _VERSIONED.fullmatch(text)
    if found is None:
        raise ValueError(f"type {text!r} is none of ours; `sre-copilot events schema` lists them")
    known = [each.value for each in EventType if each.value.startswith(found[1] + ".v")]
    if known:
        raise ValueError(
            f"type {text}: version {found[2]} is not known here, which knows {', '.join(known)}; upgrade this reader"
        )
    raise ValueError(f"type {text!r} is not known here; `sre-copilot events schema` lists those that are")
