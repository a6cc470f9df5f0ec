"""Alerts as numbers: what each says to have changed, on which entity, from what to what."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sre_copilot.domain.signals import Alert

_NUMBER = r"(-?[\d.]+)\s*([A-Za-z%/]*)"
_CHANGE = re.compile(
    rf"(?:normal|baseline|before)\s*[=:]\s*{_NUMBER}\s*(?:->|→|,|\s)\s*(?:cur(?:rent)?|now|value)\s*[=:]\s*{_NUMBER}",
    re.I,
)
_VALUE = re.compile(rf"val(?:ue)?\s*[=:]\s*{_NUMBER}", re.IGNORECASE)
_GONE = re.compile(r"vanish|missing|nan\b|no data|dropped to zero", re.IGNORECASE)
_TOPICS = (
    ("retransmission", re.compile(r"retrans|packet.?loss", re.I)),
    ("throttling", re.compile(r"throttl|cfs", re.I)),
    ("cpu", re.compile(r"\bcpu\b|processor", re.I)),
    ("latency", re.compile(r"latency|slow|duration|response.?time", re.I)),
    ("errors", re.compile(r"error|success", re.I)),
    ("requests", re.compile(r"throughput|\brps\b|request", re.I)),
    ("traffic", re.compile(r"traffic|network|pps", re.I)),
)


@dataclass(frozen=True, slots=True)
class Symptom:
    """One sentence of an alert; `before` and `now` in the alert's own unit, None where it does not say."""

    alert: Alert
    topic: str
    before: float | None
    now: float | None
    text: str

    @property
    def vanished(self) -> bool:
        """The measurement itself is gone: nothing was answered in time to be measured."""
        return self.now is None and bool(_GONE.search(self.text))

    @property
    def factor(self) -> float:
        """How many times its normal value it is; 1 where unknown, large where it was nothing before."""
        if self.before is None or self.now is None:
            return 1.0
        return self.now / self.before if self.before > 0 else float("inf") if self.now > 0 else 1.0


def symptoms(alerts: Iterable[Alert]) -> tuple[Symptom, ...]:
    """Every sentence of every alert whose topic is known."""
    found = []
    for alert in alerts:
        for text in alert.text:
            topic = next((name for name, pattern in _TOPICS if pattern.search(text)), None)
            if topic is not None:
                found.append(_symptom(alert, topic, text))
    return tuple(found)


def _symptom(alert: Alert, topic: str, text: str) -> Symptom:
    changes = [(_number(each[0]), _number(each[2])) for each in _CHANGE.findall(text)]
    if changes:
        before, now = max(changes, key=lambda pair: abs((pair[1] or 0.0) - (pair[0] or 0.0)))
        return Symptom(alert, topic, before, now, text)
    value = _VALUE.search(text)
    return Symptom(alert, topic, None, _number(value[1]) if value else None, text)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
