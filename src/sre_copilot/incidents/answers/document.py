"""An answer as plain JSON values: each claim with its findings, each finding with its checks in words and what they evaluated to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from sre_copilot.agents.answer import Answer, Claim, Event
from sre_copilot.agents.toolkit.inert import inert, inert_value
from sre_copilot.clock import rfc3339
from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Diagnosis
from sre_copilot.domain.knowledge import Lang, Recalled, Retrieved
from sre_copilot.domain.signals import Window
from sre_copilot.incidents.report.checks import in_words, observed_in_words
from sre_copilot.incidents.report.clean import visible
from sre_copilot.incidents.report.model import CheckResult
from sre_copilot.incidents.report.words import say
from sre_copilot.perception.source import Asked

VERSION = 1
ASKED = 50  # queries that are listed; a question rarely sends more
WRITTEN = ("query", "code")  # kinds whose body was written by us to be copied: its signs are kept


def document(answer: Answer) -> dict[str, Any]:
    """Return the answer in its own language."""
    lang, understood = answer.lang, answer.understood
    found: dict[str, Any] = {
        "version": VERSION,
        "lang": lang,
        "kind": answer.kind,
        "headline": answer.headline,
        "intent": understood.intent,
        "services": list(understood.services),
        "window": window(understood.window),
        "claims": [{"text": each.text, "findings": list(each.finding_ids)} for each in claims(answer)],
        "findings": [finding(each, answer.observed.get(each.id, ()), lang) for each in answer.findings],
        "struck": [_struck(each.finding, each.check, each.observed, lang) for each in answer.struck],
        "gaps": list(dict.fromkeys(say(gap.message, lang) for gap in answer.gaps)),
        "reasons": [say(each, lang) for each in answer.reasons],
        "next_steps": [say(each, lang) for each in answer.next_steps],
        "diagnosis": diagnosis(answer.diagnosis) if answer.diagnosis else None,
        "quotes": [_quote(each) for each in answer.quotes],
        "known_faults": [_known(each) for each in answer.recalled],
        "partial": answer.partial,
        "usage": asdict(answer.usage),
    }
    safe: dict[str, Any] = inert_value(found)
    body = visible(answer.body) if answer.kind in WRITTEN else inert(answer.body)
    return {**safe, "body": body, "asked": [asked(each) for each in answer.asked[:ASKED]]}


def claims(answer: Answer) -> Iterator[Claim]:
    """The claims, each once; what only repeats another one's words names the findings of both."""
    together: dict[str, tuple[str, ...]] = {}
    for each in answer.claims:
        together[each.text] = tuple(dict.fromkeys((*together.get(each.text, ()), *each.finding_ids)))
    for text, names in together.items():
        yield Claim(text=text, finding_ids=names)


def finding(found: Finding, observed: tuple[float | None, ...], lang: Lang) -> dict[str, Any]:
    """A finding with its checks, fit to be run again by anybody."""
    values = observed or (None,) * len(found.checks)
    day = found.window.start if found.window else None
    return {
        "id": found.id,
        "kind": found.kind,
        "entity": found.entity,
        "modality": found.modality,
        "text": say(found.message, lang),
        "window": window(found.window),
        "checks": [
            check(each, value, lang, day=day) for each, value in zip(found.checks, values, strict=False)
        ],
    }


def check(made: Check, observed: float | None, lang: Lang, *, day: float | None = None) -> dict[str, Any]:
    """A check: in words, and each of its parts."""
    return {
        "text": in_words(made, lang, day=day),
        "observed_text": observed_in_words(CheckResult(check=made, observed=observed), lang),
        "observed": _number(observed),
        "aggregate": made.aggregate,
        "relation": made.relation,
        "bound": _number(made.bound),
        "combine": made.combine,
        "query": _query(made.query),
        "against": _query(made.against) if made.against else None,
    }


def diagnosis(found: Diagnosis) -> dict[str, Any]:
    """What was concluded."""
    culprit = found.culprit
    return {
        "outcome": found.outcome.value,
        "cause": culprit.entity if culprit else None,
        "fault_type": culprit.fault_type if culprit else None,
        "path": list(culprit.path) if culprit else [],
        "confidence": _number(found.probability),
        "suspects": [
            {"entity": each.entity, "fault_type": each.fault_type, "score": _number(each.score)}
            for each in found.suspects[:5]
        ],
    }


def window(found: Window | None) -> dict[str, str | None] | None:
    """A stretch of time at the edge: RFC 3339 UTC."""
    return {"start": rfc3339(found.start), "end": rfc3339(found.end)} if found else None


def event(told: Event) -> dict[str, Any]:
    """Something that happened on the way to an answer."""
    safe: dict[str, Any] = inert_value(
        {"agent": told.agent, "text": told.text, "data": _plain(dict(told.data))}
    )
    return safe


def _struck(found: Finding, made: Check, observed: float | None, lang: Lang) -> dict[str, Any]:
    return {"finding": found.id, "text": say(found.message, lang), "check": check(made, observed, lang)}


def _quote(each: Retrieved) -> dict[str, Any]:
    passage = each.passage
    return {
        "document": passage.title,
        "kind": passage.kind,
        "headings": list(passage.headings),
        "page": passage.page,
        "text": passage.text,
        "score": _number(each.score),
        "passage": passage.id,
    }


def _known(each: Recalled) -> dict[str, Any]:
    card, past = each.card, each.past
    title = card.title if card else (past.summary if past else "")
    return {
        "id": card.id if card else (past.id if past else ""),
        "title": title,
        "root_cause": card.root_cause if card else "",
        "fault_type": card.fault_type if card else (past.fault_type if past else ""),
        "measure": card.measure if card else (past.measure if past else ""),
        "at": rfc3339(past.at) if past else None,
        "entity": each.entity,
        "match": _number(each.match),
        "margin": _number(each.margin),
        "confirmed": each.confirmed,
        "certain": each.certain,
    }


def asked(each: Asked) -> dict[str, Any]:
    """A query as it was sent, its signs kept, so that it can be run again."""
    return {
        "source": visible(each.source),
        "query": visible(each.text),
        "window": window(each.window),
        "rows": each.rows,
    }


def _query(query: Query) -> dict[str, Any]:
    return {
        "source": query.source,
        "measure": query.measure,
        "where": [list(each) for each in query.where],
        "window": window(query.window),
        "origin": query.origin,
    }


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _plain(value: Any) -> Any:
    """What JSON can hold; anything else as its text."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return _number(value)
    return value if value is None or isinstance(value, str | int | bool) else str(value)
