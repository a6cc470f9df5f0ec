"""How severe an alert is, by the conventions of its labels, and what priority an incident has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sre_copilot.alerts.state import AlertState, Priority
from sre_copilot.domain.alert import SEVERITIES, AlertEvent
from sre_copilot.domain.anomaly import Severity
from sre_copilot.settings.alerting.correlation import Correlation

DEFAULT: Severity = "warning"
NAMES = ("severity", "priority", "level", "urgency", "impact")
"""Labels, then annotations, that say how severe an alert is, in the order in which they are asked."""

_WORDS: dict[Severity, tuple[str, ...]] = {
    "critical": (
        *("critical", "crit", "emergency", "emerg", "panic", "fatal", "disaster", "page", "blocker"),
        *("p1", "p0", "sev0", "sev1", "sev-1", "s1", "紧急", "严重", "致命", "灾难"),
    ),
    "high": ("high", "error", "err", "major", "alert", "p2", "sev2", "sev-2", "s2", "高", "重要", "错误"),
    "warning": (
        *("warning", "warn", "average", "medium", "moderate", "minor", "ticket"),
        *("p3", "sev3", "sev-3", "s3", "警告", "告警", "中", "一般"),
    ),
    "info": ("info", "information", "informational", "notice", "p4", "sev4", "sev-4", "s4", "信息", "提示"),
    "low": ("low", "debug", "none", "ok", "not classified", "p5", "sev5", "sev-5", "s5", "低"),
}
_MEANING: dict[str, Severity] = {word: severity for severity, words in _WORDS.items() for word in words}
PRIORITIES: tuple[Priority, ...] = ("P1", "P2", "P3", "P4", "P5")
WIDE = 5  # services that depend on what failed: one more step of urgency, for more than one team hears of it
_STEP_OF_TIER = {1: -1, 2: 0, 3: 0, 4: 1}


def read_severity(word: str) -> Severity | None:
    """What a word of any system says about severity, None when it says nothing.

    >>> read_severity("Sev-1"), read_severity("average"), read_severity("blue")
    ('critical', 'warning', None)
    """
    return _MEANING.get(word.strip().lower())


class Declared(NamedTuple):
    """A severity, and where it stands; `name` is empty where nobody gave one."""

    severity: Severity
    name: str


def declared(labels: Mapping[str, str], annotations: Mapping[str, str]) -> Declared | None:
    """The severity that an alert itself gives."""
    for name in NAMES:
        for place in (labels, annotations):
            value = place.get(name)
            if value is not None and (found := read_severity(value)) is not None:
                return Declared(found, name)
    return None


@dataclass(frozen=True, slots=True)
class Rating:
    """Severity of alerts, severity and priority of incidents."""

    default: Severity = DEFAULT
    default_tier: int = 3

    @classmethod
    def of(cls, settings: Correlation) -> Rating:
        """As the configuration says."""
        return cls(default_tier=settings.default_tier)

    def severity(self, event: AlertEvent, context: Mapping[str, Any]) -> Severity:
        """What the sender's system says, else the alert's labels and annotations, else the default (`context` tells that it was not declared)."""
        if event.severity is not None:
            return event.severity
        found = declared(event.labels, event.annotations)
        return found.severity if found is not None else self.default

    def incident(self, alerts: Iterable[AlertState]) -> tuple[Severity, Priority]:
        """Severity of the most severe alert, and the priority that it has at the most vital service and with the widest reach among them."""
        place, tier, upstream = len(SEVERITIES) - 1, 4, 0
        some = False
        for alert in alerts:
            some = True
            place = min(place, SEVERITIES.index(alert.severity))
            tier = min(tier, int(alert.context.get("tier", self.default_tier)))
            upstream = max(upstream, int(alert.context.get("upstream", 0)))
        if not some:
            place, tier = SEVERITIES.index(self.default), self.default_tier
        return SEVERITIES[place], priority(SEVERITIES[place], tier=tier, upstream=upstream)


def priority(severity: Severity, *, tier: int, upstream: int) -> Priority:
    """P1..P5: a step a severity, one more urgent in tier 1 or where many depend on it, one less in tier 4.

    Nothing below warning becomes urgent by where it is.

    >>> priority("critical", tier=1, upstream=9), priority("high", tier=3, upstream=9), priority("info", tier=1, upstream=9)
    ('P1', 'P1', 'P4')
    """
    place = SEVERITIES.index(severity)
    step = _STEP_OF_TIER.get(tier, 0) - (upstream >= WIDE)
    least = 3 if place >= SEVERITIES.index("info") else 0
    return PRIORITIES[min(4, max(least, place + step))]
