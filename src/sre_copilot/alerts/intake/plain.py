"""An alert as a plain document, to which mappings and envelopes are brought: what fires, labels, words, status, severity, times, key, address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.alerts.intake.reader import IntakeConfig, Unreadable
from sre_copilot.alerts.intake.texts import address_of, annotations_of, as_text, labels_from
from sre_copilot.alerts.intake.times import moment_or_number
from sre_copilot.alerts.intake.words import is_over, severity_in, severity_of
from sre_copilot.domain.alert import ALERTNAME, AlertEvent
from sre_copilot.domain.anomaly import Severity

LONGEST_KEY = 1024  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """What a document says, each value as it was sent."""

    name: Any
    labels: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, Any] = field(default_factory=dict)
    status: Any = None
    severity: Any = None
    starts_at: Any = None
    ends_at: Any = None
    dedup_key: Any = None
    url: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The sender's own words, in small letters, beside the usual ones."""

    resolved: frozenset[str] = frozenset()
    severities: Mapping[str, Severity] = field(default_factory=dict)


def event_of(told: Plain, *, words: Words, intake: IntakeConfig, received_at: float) -> AlertEvent:
    """The alert that a document tells of."""
    if not isinstance(told.name, str) or not told.name.strip():
        raise Unreadable("name", "is not there, or is no text; an alert needs a name")
    limits = intake.limits
    labels = labels_from([*told.labels.items(), (ALERTNAME, told.name)], intake=intake)
    over = _over(told.status, words, intake)
    starts_at, ends_at = _span(told, over=over, received_at=received_at)
    return AlertEvent(
        labels=labels,
        annotations=annotations_of(told.annotations, limits=limits),
        status="resolved" if over else "firing",
        severity=_severity(told.severity, words, intake) or severity_in(labels),
        starts_at=starts_at,
        ends_at=ends_at,
        received_at=received_at,
        source=intake.name,
        provider=intake.provider,
        generator_url=address_of(told.url, limits=limits),
        dedup_key=_key(told.dedup_key, intake),
    )


def _span(told: Plain, *, over: bool, received_at: float) -> tuple[float, float | None]:
    starts_at = moment_or_number(told.starts_at, "starts_at")
    ends_at = moment_or_number(told.ends_at, "ends_at")
    starts_at = received_at if starts_at is None else starts_at
    if over:
        ends_at = max(starts_at, received_at if ends_at is None else ends_at)
    return starts_at, ends_at


def _key(value: Any, intake: IntakeConfig) -> str:
    key = as_text(value, "dedup_key", limits=intake.limits)
    if len(key) > LONGEST_KEY or "\0" in key:
        raise Unreadable("dedup_key", f"must be text of at most {LONGEST_KEY:,} characters")
    return key


def _over(status: Any, words: Words, intake: IntakeConfig) -> bool:
    """Whether it is over; a word that is not known leaves it firing, for an alert too many is seen and one too few is not."""
    word = as_text(status, "status", limits=intake.limits).strip().lower()
    return word in words.resolved or is_over(word)


def _severity(value: Any, words: Words, intake: IntakeConfig) -> Severity | None:
    word = as_text(value, "severity", limits=intake.limits).strip().lower()
    return words.severities.get(word) or severity_of(word)
