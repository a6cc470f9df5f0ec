"""What a webhook media type of Zabbix sends: its parameters, each filled from a macro, as one object or a list of them.

Names of parameters are read without case, dots, hyphens and underscores (`event_nseverity`, `EventNSeverity` and `EVENT.NSEVERITY` are one), for every
media type writes them its own way. A macro that Zabbix could not fill stays as it is written (`{EVENT.TAGS}`) and counts as absent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from sre_copilot.alerts.intake.reader import IntakeConfig, Limits, Unreadable, an_object, read_each
from sre_copilot.alerts.intake.texts import address_of, annotations_of, as_text, labels_from
from sre_copilot.alerts.intake.times import moment_or_number
from sre_copilot.alerts.intake.words import is_over, severity_of
from sre_copilot.domain.alert import ALERTNAME, AlertEvent, Batch
from sre_copilot.domain.anomaly import Severity

NUMBERED: tuple[Severity, ...] = ("low", "info", "warning", "warning", "high", "critical")
"""Not classified, information, warning, average, high, disaster."""
TRIGGER_EVENTS = (
    "0"  # {EVENT.SOURCE}: discovery, autoregistration and internal events are about Zabbix itself
)
TAGS_AS_LABELS = 64
LONGEST_NAME = 64  # characters of the name of a parameter
_UNFILLED = re.compile(r"\{[A-Z0-9.?$#]+\}")
_UNKNOWN = "*UNKNOWN*"
_WORDS = {"yes", "true", "1", "acknowledged"}
ANNOTATIONS = {
    "summary": ("alertsubject", "eventname"),
    "description": ("alertmessage", "message", "triggerdescription"),
    "opdata": ("eventopdata",),
    "host_ip": ("hostip",),
    "event_id": ("eventid",),
    "update": ("eventupdatemessage",),
}


def read(body: Any, *, intake: IntakeConfig, received_at: float) -> Batch:
    """Read the parameters of one event, or a list of such."""
    items = body if isinstance(body, list) else [an_object(body, "body")]
    return read_each(
        items, lambda item: _event(item, intake=intake, received_at=received_at), intake=intake, field="body"
    )


def _event(item: Any, *, intake: IntakeConfig, received_at: float) -> AlertEvent:
    told = _parameters(an_object(item, "event"), intake.limits)
    if told.get("eventsource", TRIGGER_EVENTS) != TRIGGER_EVENTS:
        raise Unreadable("event_source", "is not 0; send the events of triggers only")
    over = _over(told)
    starts_at = _time(told, "event", "timestamp", "date", "time") or received_at
    ended = _time(told, "eventrecovery", "timestamp", "date", "time") or received_at
    trigger, problem = told.get("triggerid", ""), told.get("eventid", "")
    return AlertEvent(
        labels=_labels(told, intake),
        annotations=_annotations(told, intake),
        status="resolved" if over else "firing",
        severity=_severity(told),
        starts_at=starts_at,
        ends_at=max(starts_at, ended) if over else None,
        received_at=received_at,
        source=intake.name,
        provider=intake.provider,
        generator_url=address_of(told.get("triggerurl") or _page(told), limits=intake.limits),
        dedup_key=told.get("dedupkey") or trigger or problem,
        acknowledged=not over and told.get("eventackstatus", "").lower() in _WORDS,
    )


def _parameters(item: Mapping[str, Any], limits: Limits) -> dict[str, str]:
    """Parameters by their bare names, without those that were not filled."""
    found: dict[str, str] = {}
    for name, value in item.items():
        text = (
            value if isinstance(value, str) else as_text(value, name[:LONGEST_NAME] or "event", limits=limits)
        )
        if (
            0 < len(name) <= LONGEST_NAME
            and text
            and text != _UNKNOWN
            and not (text[0] == "{" and _UNFILLED.fullmatch(text))
        ):
            found[_bare(name)] = text
    return found


@lru_cache(maxsize=1024)
def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


def _over(told: Mapping[str, str]) -> bool:
    """Whether the problem is solved; `{EVENT.VALUE}` is 1 for a problem and 0 for its recovery."""
    value = told.get("eventvalue") or told.get("triggervalue", "")
    if value in ("0", "1"):
        return value == "0"
    word = value or told.get("eventstatus") or told.get("triggerstatus", "")
    if not word:
        raise Unreadable(
            "event_value", "is missing; send the macro {EVENT.VALUE}, which says whether it is a problem"
        )
    return is_over(word)


def _severity(told: Mapping[str, str]) -> Severity | None:
    number = told.get("eventnseverity") or told.get("triggernseverity", "")
    if number in {"0", "1", "2", "3", "4", "5"}:
        return NUMBERED[int(number)]
    return severity_of(told.get("eventseverity") or told.get("triggerseverity", ""))


def _labels(told: Mapping[str, str], intake: IntakeConfig) -> dict[str, str]:
    name = told.get("triggername") or told.get("eventname") or told.get("alertsubject")
    if not name:
        raise Unreadable("event_name", "is missing; send the macro {EVENT.NAME}")
    fixed = {
        ALERTNAME: name,
        "host": told.get("hostname") or told.get("hosthost"),
        "trigger_id": told.get("triggerid"),
    }
    return labels_from({**_tags(told), **fixed}.items(), intake=intake)


def _tags(told: Mapping[str, str]) -> dict[str, str]:
    """Tags of the event: JSON as `{EVENT.TAGSJSON}` gives it, or `name:value, name:value` as `{EVENT.TAGS}` does."""
    if written := told.get("eventtagsjson"):
        try:
            listed = orjson.loads(written)
        except orjson.JSONDecodeError:
            raise Unreadable("event_tags_json", "is no JSON; send the macro {EVENT.TAGSJSON}") from None
        if not isinstance(listed, list):
            raise Unreadable("event_tags_json", "is no list; send the macro {EVENT.TAGSJSON}")
        pairs = [(each.get("tag"), each.get("value")) for each in listed if isinstance(each, dict)]
    else:
        parts = (each.partition(":") for each in told.get("eventtags", "").split(","))
        pairs = [(name, value) for name, _, value in parts]
    named = ((str(name or "").strip(), str(value or "").strip()) for name, value in pairs[:TAGS_AS_LABELS])
    return {name: value for name, value in named if name and value}


def _annotations(told: Mapping[str, str], intake: IntakeConfig) -> dict[str, str]:
    found = {
        name: next((told[each] for each in places if each in told), "")
        for name, places in ANNOTATIONS.items()
    }
    return annotations_of(found, limits=intake.limits)


def _page(told: Mapping[str, str]) -> str:
    """The page of the event in the frontend, whose address is the parameter `zabbix_url`."""
    base = (told.get("zabbixurl") or "").rstrip("/")
    trigger, problem = told.get("triggerid", ""), told.get("eventid", "")
    return f"{base}/tr_events.php?triggerid={trigger}&eventid={problem}" if base and trigger else ""


def _time(told: Mapping[str, str], prefix: str, stamp: str, date: str, clock: str) -> float | None:
    """An epoch, else date and time of the server in UTC or with the parameter `time_zone` (`+08:00`); None where it cannot be told."""
    if given := told.get(prefix + stamp):
        return moment_or_number(given, f"{prefix}_{stamp}")
    day, hour = told.get(prefix + date, "").replace(".", "-"), told.get(prefix + clock, "")
    zone = told.get("timezone", "")
    if not (day and hour and zone):
        return None
    try:
        return datetime.fromisoformat(f"{day}T{hour}{zone}").astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise Unreadable(
            f"{prefix}_{date}", "cannot be read with time_zone; send 2026.11.21, 06:04:19 and +08:00"
        ) from None
