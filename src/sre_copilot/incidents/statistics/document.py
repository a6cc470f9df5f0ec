"""The figures as JSON, each with its sentence."""

from __future__ import annotations

from typing import Any

from sre_copilot.clock import rfc3339
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import word
from sre_copilot.incidents.statistics.build import Statistics
from sre_copilot.incidents.statistics.figures import Figure

COUNTS = ("incidents", "quiet", "false_alarms", "alerts", "messages", "repairs", "autonomous")


def document(found: Statistics, lang: Language) -> dict[str, Any]:
    """As the interface answers it."""
    return {
        "since": rfc3339(found.since),
        "until": rfc3339(found.until),
        "lang": lang,
        "figures": {each.name: _figure(each, lang) for each in found.figures},
        "counts": {name: getattr(found, name) for name in COUNTS},
        "problems": problems(found, lang),
    }


def problems(found: Statistics, lang: Language) -> list[str]:
    """What the window lacks."""
    said = []
    if found.cut:
        said.append(word("statistics.cut", lang))
    if found.earliest is None:
        said.append(word("statistics.nothing", lang))
    elif found.earliest > found.since:
        said.append(word("statistics.earliest", lang, since=found.earliest))
    return said


def problem(each: Figure, lang: Language) -> str:
    """Why there is no figure; '' where there is one."""
    return "" if each.value is not None else word("statistics.few", lang, n=each.n, least=each.least)


def _figure(each: Figure, lang: Language) -> dict[str, Any]:
    return {
        "title": word(f"statistics.{each.name}", lang),
        "definition": word(f"statistics.{each.name}.definition", lang),
        "unit": each.unit,
        "value": each.value,
        "median": each.median,
        "p90": each.p90,
        "interval": None if each.low is None else [each.low, each.high],
        "n": each.n,
        "of": each.of,
        "least": each.least,
        "missing": dict(each.missing),
        "missing_words": [
            word(f"statistics.missing.{reason}", lang, count=count) for reason, count in each.missing.items()
        ],
        "target": each.target,
        "traditional": each.traditional,
        "met": each.met,
        "problem": problem(each, lang),
    }
