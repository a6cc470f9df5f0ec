"""Events of PagerDuty's API, version 2: trigger, acknowledge, resolve."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sre_copilot.alerts.intake.reader import IntakeConfig, Unreadable, an_object, kind, one_of, read_each
from sre_copilot.alerts.intake.texts import address_of, annotations_of, cleaned, labels_from
from sre_copilot.alerts.intake.times import moment
from sre_copilot.domain.alert import ALERTNAME, AlertEvent, Batch, Status
from sre_copilot.domain.anomaly import Severity

LARGEST_BODY = 524_288  # bytes
LONGEST_KEY = 255  # characters
LONGEST_SUMMARY = 1024  # characters; longer ones are cut, as the service itself does
LONGEST_NAME = 200  # characters of a summary that stands for a class
MOST_LINKS = 50
ACTIONS: dict[str, Status] = {"trigger": "firing", "acknowledge": "firing", "resolve": "resolved"}
SEVERITIES: dict[str, Severity] = {"critical": "critical", "error": "high", "warning": "warning", "info": "info"}  # fmt: skip
LABELS = ("source", "component", "group", "class")


def read(body: Any, *, intake: IntakeConfig, received_at: float) -> Batch:
    """Read one event."""
    body = an_object(body, "body")
    return read_each([body], lambda item: _event(item, intake=intake, received_at=received_at), intake=intake)


def _event(item: dict[str, Any], *, intake: IntakeConfig, received_at: float) -> AlertEvent:
    status: Status = one_of(ACTIONS, item.get("event_action"), "event_action")
    _filled(item, "routing_key")
    key = _key(item)
    if item["event_action"] == "trigger":
        return _trigger(item, key, intake=intake, received_at=received_at)
    if not key:
        raise Unreadable("dedup_key", f"is missing; {item['event_action']} needs the key of the trigger")
    return AlertEvent(
        labels=labels_from([(ALERTNAME, key)], intake=intake),
        status=status,
        starts_at=received_at,
        ends_at=received_at if status == "resolved" else None,
        received_at=received_at,
        source=intake.name,
        provider=intake.provider,
        dedup_key=key,
        acknowledged=item["event_action"] == "acknowledge",
    )


def _trigger(item: dict[str, Any], key: str, *, intake: IntakeConfig, received_at: float) -> AlertEvent:
    payload = an_object(item.get("payload"), "payload")
    summary = cleaned(_filled(payload, "summary", "payload."), LONGEST_SUMMARY)
    _filled(payload, "source", "payload.")
    severity: Severity = one_of(SEVERITIES, payload.get("severity"), "payload.severity")
    starts_at = moment(payload.get("timestamp"), "payload.timestamp")
    name = payload.get("class") or cleaned(summary, LONGEST_NAME)
    pairs = [(each, payload.get(each)) for each in LABELS]
    return AlertEvent(
        labels=labels_from([(ALERTNAME, name), *pairs, ("service", payload.get("component"))], intake=intake),
        annotations=_annotations(item, payload, summary, intake),
        severity=severity,
        starts_at=received_at if starts_at is None else starts_at,
        received_at=received_at,
        source=intake.name,
        provider=intake.provider,
        generator_url=address_of(item.get("client_url"), limits=intake.limits),
        dedup_key=key,
        links=tuple(_links(item, intake)),
    )


def _annotations(
    item: dict[str, Any], payload: dict[str, Any], summary: str, intake: IntakeConfig
) -> dict[str, str]:
    details = payload.get("custom_details")
    told = details if isinstance(details, dict) else {"details": details}
    kept = annotations_of(told, limits=intake.limits, field="payload.custom_details")
    client = annotations_of({"client": item.get("client")}, limits=intake.limits)
    return {**kept, **client, "summary": summary}


def _links(item: dict[str, Any], intake: IntakeConfig) -> Iterable[tuple[str, str]]:
    """Links, then images by what they lead to."""
    for field, address, text in (("links", "href", "text"), ("images", "src", "alt")):
        listed = item.get(field) or []
        if not isinstance(listed, list) or len(listed) > MOST_LINKS:
            raise Unreadable(field, f"must be a list of at most {MOST_LINKS}")
        for index, each in enumerate(listed):
            found = _filled(an_object(each, f"{field}.{index}"), address, f"{field}.{index}.")
            if shown := address_of(found, limits=intake.limits):
                yield shown, cleaned(str(each.get(text) or field[:-1]), intake.limits.name)


def _key(item: dict[str, Any]) -> str:
    key = item.get("dedup_key")
    if key is None:
        return ""
    if not isinstance(key, str) or len(key) > LONGEST_KEY or "\0" in key:
        raise Unreadable("dedup_key", f"must be text of at most {LONGEST_KEY} characters")
    return key


def _filled(item: dict[str, Any], name: str, within: str = "") -> str:
    value = item.get(name)
    if not isinstance(value, str) or not value.strip():
        said = "is missing or empty" if value is None or isinstance(value, str) else f"is {kind(value)}"
        raise Unreadable(f"{within}{name}", f"{said}; it must be text")
    return value
