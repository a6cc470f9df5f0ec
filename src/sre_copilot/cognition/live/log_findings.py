"""Anomalies of log statements, each with its check."""

from __future__ import annotations

from dataclasses import dataclass

from sre_copilot.cognition.live.telling import Param, anomaly
from sre_copilot.cognition.logs.classify import Classification
from sre_copilot.cognition.logs.evidence import at_least, at_most
from sre_copilot.cognition.logs.templates import pattern
from sre_copilot.domain.anomaly import Anomaly, Severity
from sre_copilot.domain.evidence import Check, Query
from sre_copilot.domain.signals import Window

SEPARATOR = "\x1f"
TEXT = 120  # characters of a statement in a sentence


@dataclass(frozen=True, slots=True)
class Seen:
    """What one statement wrote in a window: `count` rows, `most` in its fullest minute."""

    service: str
    template: int
    level: str
    count: int
    most: int

    @property
    def name(self) -> str:
        """Its key among the counts."""
        return f"{self.service}{SEPARATOR}{self.template}"


def told_of(
    kind: str,
    each: Seen,
    window: Window,
    *,
    text: str,
    about: Classification,
    expected: float,
    nats: float,
    needed: float,
    severity: Severity,
    since: float | None = None,
) -> Anomaly:
    """Make the anomaly of one statement, or of all that its service writes."""
    params: tuple[Param, ...] = (
        ("statement", text if len(text) <= TEXT else text[: TEXT - 1] + "…"),
        ("seen", each.count),
        ("expected", round(expected, 1)),
        ("topic", about.topic),
    )
    return anomaly(
        kind,
        each.service,
        modality="logs",
        window=window,
        checks=checks_of(each, text, window),
        params=params,
        metric="log_lines",
        current=float(each.count),
        expected=expected,
        nats=nats,
        needed=needed,
        severity=severity,
        method="logs",
        since=since,
        fault_type=about.fault_type,
    )


def checks_of(each: Seen, text: str, window: Window) -> tuple[Check, ...]:
    """As many lines as were seen; none where it is silent."""
    where: tuple[tuple[str, str], ...] = (("service", each.service),)
    if words := pattern(text):
        where = (*where, ("pattern", words))
    query = Query(source="logs", measure="rows", where=where, window=window)
    return (at_least(query, each.count),) if each.count else (at_most(query, 0),)
