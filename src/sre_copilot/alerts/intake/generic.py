"""Any JSON whose places are configured: where the alerts are, and in each what is its name, its labels, its status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sre_copilot.alerts.intake.plain import Plain, Words, event_of
from sre_copilot.alerts.intake.reader import IntakeConfig, Unreadable, read_each
from sre_copilot.domain.alert import Batch
from sre_copilot.settings.alerting.intake import Fields
from sre_copilot.settings.alerting.json_path import is_path, parse_path, value_at

Getter = Callable[[Any], Any]
SINGLE = ("name", "status", "severity", "starts_at", "ends_at", "dedup_key", "url")
KEPT = 64  # mappings that are kept ready: as many as there are ways in


@dataclass(frozen=True, slots=True)
class Getters:
    """A mapping made ready: its paths parsed."""

    items: Getter
    single: Mapping[str, Getter]
    labels: Mapping[str, Getter]
    annotations: Mapping[str, Getter]
    words: Words


def read(body: Any, *, intake: IntakeConfig, received_at: float) -> Batch:
    """Read a document by the mapping of its way in."""
    if intake.fields is None:
        raise Unreadable("fields", f"are not configured; set alerting.intake.entries.{intake.name}.fields")
    get = _ready(intake.fields.model_dump_json())
    found = get.items(body)
    if found is None:
        raise Unreadable("items", f"nothing lies at {intake.fields.items}")
    return read_each(
        found if isinstance(found, list) else [found],
        lambda item: event_of(_told(item, get), words=get.words, intake=intake, received_at=received_at),
        intake=intake,
    )


def _told(item: Any, get: Getters) -> Plain:
    return Plain(
        labels={name: getter(item) for name, getter in get.labels.items()},
        annotations={name: getter(item) for name, getter in get.annotations.items()},
        **{name: getter(item) for name, getter in get.single.items()},
    )


@lru_cache(maxsize=KEPT)
def _ready(document: str) -> Getters:
    fields = Fields.model_validate_json(document)
    return Getters(
        items=_getter(fields.items),
        single={name: _getter(text) for name in SINGLE if (text := getattr(fields, name))},
        labels={name: _getter(text) for name, text in fields.labels.items()},
        annotations={name: _getter(text) for name, text in fields.annotations.items()},
        words=Words(
            resolved=frozenset(word.strip().lower() for word in fields.resolved),
            severities={word.strip().lower(): severity for word, severity in fields.severities.items()},
        ),
    )


def _getter(text: str) -> Getter:
    """What reads a path; a text that is none stands for itself."""
    if not is_path(text):
        return lambda _: text
    steps = parse_path(text)
    return lambda document: value_at(steps, document)
