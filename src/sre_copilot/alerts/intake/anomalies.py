"""Our own anomalies, as they are kept and as `GET /api/v1/anomalies` gives them: each is an alert that fires while it goes on."""

from __future__ import annotations

from typing import Any

from sre_copilot.alerts.intake.reader import IntakeConfig, Unreadable, an_object, read_each
from sre_copilot.alerts.intake.texts import annotations_of, cleaned, labels_from
from sre_copilot.alerts.intake.times import moment_or_number
from sre_copilot.alerts.intake.words import severity_of
from sre_copilot.domain.alert import ALERTNAME, AlertEvent, Batch

NAME = "Anomaly"
"""The `alertname` of every anomaly: a route for all of them needs one matcher."""
NUMBERS = ("current", "expected", "deviation", "score")
LONGEST_ID = 100  # characters


def read(body: Any, *, intake: IntakeConfig, received_at: float) -> Batch:
    """Read one anomaly, a list, or a page of them (`items`)."""
    items = body.get("items", [body]) if isinstance(body, dict) else body
    return read_each(
        items, lambda item: event_of(item, intake=intake, received_at=received_at), intake=intake, field="items"
    )  # fmt: skip


def event_of(item: Any, *, intake: IntakeConfig, received_at: float) -> AlertEvent:
    """One anomaly; severity and score are no labels, for they change while it goes on and its identity does not."""
    item = an_object(item, "anomaly")
    key = item.get("id")
    if not isinstance(key, str) or not key or len(key) > LONGEST_ID:
        raise Unreadable("id", f"must be text of 1 to {LONGEST_ID} characters")
    if not item.get("entity") or not item.get("metric"):
        raise Unreadable("entity, metric", "say what is abnormal; give both")
    since = moment_or_number(item.get("since"), "since")
    closed = moment_or_number(item.get("closed_at"), "closed_at")
    since = received_at if since is None else since
    pairs = ((name, item.get(name)) for name in ("metric", "instance", "modality"))
    return AlertEvent(
        labels=labels_from([(ALERTNAME, NAME), ("service", item["entity"]), *pairs], intake=intake),
        annotations=annotations_of(_words(item), limits=intake.limits),
        status="firing" if closed is None else "resolved",
        severity=severity_of(item.get("severity")),
        starts_at=since,
        ends_at=None if closed is None else max(since, closed),
        received_at=received_at,
        source=intake.name,
        provider=intake.provider,
        anomaly_id=cleaned(key, LONGEST_ID),
    )


def _words(item: dict[str, Any]) -> dict[str, Any]:
    """Its sentence in each language, and its figures."""
    finding = item.get("finding")
    said = finding.get("sentences") if isinstance(finding, dict) else None
    sentences = said if isinstance(said, dict) else {}
    return {
        "summary": sentences.get("en") or item.get("sentence"),
        "summary_zh": sentences.get("zh"),
        "source": item.get("source"),
        **{name: item.get(name) for name in NUMBERS},
    }
