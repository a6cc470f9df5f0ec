"""Words of other systems for how severe something is and whether it goes on, and what they mean here."""

from __future__ import annotations

from collections.abc import Mapping

from sre_copilot.domain.anomaly import Severity

LABELS = ("severity", "priority", "level")
"""Labels that say how severe it is, the most usual first."""
_WORDS: Mapping[Severity, str] = {
    "critical": "critical crit fatal emergency emerg disaster panic alert page blocker p1 sev1 s1 sev-1 p0 sev0",
    "high": "high error err major severe urgent p2 sev2 s2 sev-2",
    "warning": "warning warn average medium moderate minor p3 sev3 s3 sev-3",
    "info": "info information informational notice p4 sev4 s4 sev-4",
    "low": "low debug trace none ok p5 sev5 s5 sev-5 not_classified unknown indeterminate",
}
_SEVERITIES: dict[str, Severity] = {
    word: severity for severity, words in _WORDS.items() for word in words.split()
}
"""From Prometheus' and Grafana's conventions, syslog (RFC 5424), Zabbix, PagerDuty, Nagios, X.733 and the P1 to P5 of service desks."""
_OVER = "resolved resolve ok okay closed close recovered recovery normal clear cleared inactive up healthy success"
RESOLVED = frozenset(_OVER.split())
"""Words for: it is over."""
_LONGEST = 40  # characters: no word is longer


def severity_of(word: object) -> Severity | None:
    """The severity that a word stands for; None for a word that is not known, for a guess could be wrong.

    >>> severity_of("Not classified"), severity_of("MAJOR"), severity_of("purple")
    ('low', 'high', None)
    """
    if not isinstance(word, str) or len(word) > _LONGEST:
        return None
    found = _SEVERITIES.get(word)
    return found or _SEVERITIES.get(word.strip().lower().replace(" ", "_"))


def severity_in(labels: Mapping[str, str]) -> Severity | None:
    """The severity that labels tell of."""
    for name in LABELS:
        if name in labels and (found := severity_of(labels[name])):
            return found
    return None


def is_over(word: str) -> bool:
    """Whether a word says that it is over."""
    return word.strip().lower() in RESOLVED
