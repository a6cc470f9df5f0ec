"""The report as JSON: the data free of any language, each sentence in one language besides, times as RFC 3339 UTC."""

from __future__ import annotations

import math
from typing import Any

from sre_copilot.clock import rfc3339
from sre_copilot.incidents.postmortem.model import Line, Postmortem
from sre_copilot.incidents.report.model import Language

VERSION = 1


def document(report: Postmortem, lang: Language) -> dict[str, Any]:
    """The report as plain JSON values."""
    return {
        "version": VERSION,
        "lang": lang,
        "incident_id": report.incident_id,
        "number": report.number,
        "title": report.title,
        "status": report.status,
        "severity": report.severity,
        "priority": report.priority,
        "services": list(report.services),
        "began_at": rfc3339(report.began_at),
        "opened_at": rfc3339(report.opened_at),
        "resolved_at": rfc3339(report.resolved_at),
        "made_at": rfc3339(report.made_at),
        "outcome": report.outcome,
        "headline": _line(report.headline, lang),
        "sections": {
            each.name: [_line(sentence, lang) for sentence in each.lines] for each in report.sections
        },
    }


def _line(each: Line, lang: Language) -> dict[str, Any]:
    return {
        "text": each.text(lang),
        "key": each.sentence.key,
        "params": {name: _plain(value) for name, value in each.sentence.params},
        "at": rfc3339(each.at),
        "who": each.who,
        "rests_on": list(each.rests_on),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, str) else value
