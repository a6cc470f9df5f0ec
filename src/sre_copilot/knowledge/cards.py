"""Experience cards as Markdown: one fault a file, written and read by people.

The head names what the machine needs (id, fault type, signature, scope, owner), the sections what people need: root cause, manifestation,
and the measure that stops the loss. Trust and standing are not in the file: they are earned.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sre_copilot.domain.faults import FAULT_TYPES
from sre_copilot.domain.knowledge import Card, Lang, Scope
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.markdown import Written, listed, put_together, take_apart, words
from sre_copilot.knowledge.signature import parse_token

SECTIONS: Mapping[str, Mapping[Lang, str]] = {
    "root_cause": {"en": "Root cause", "zh": "根因"},
    "manifestation": {"en": "Manifestation", "zh": "故障现象"},
    "measure": {"en": "Stop-loss measure", "zh": "止损措施"},
}
KEYS = ("id", "lang", "fault_type", "owner", "services", "severity", "labels", "signature", "origin")
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_LONGEST = {"title": 300, "owner": 200, "severity": 32, "origin": 200}


def parse_card(text: str, *, name: str = "card") -> Card:
    """Read a card; it is a draft until somebody accepts it.

    Raises
    ------
    UsageError : names the file, the field and the way out
    """
    written = take_apart(text, name=name)
    if unknown := sorted(set(written.head) - set(KEYS)):
        raise UsageError(f"{name}: {unknown[0]}: is no key of a card; there are: {', '.join(KEYS)}")
    head, lang = written.head, _language(written, name)
    card = Card(
        id=words(head, "id", name=name),
        title=written.title,
        root_cause=_section(written, "root_cause"),
        manifestation=_section(written, "manifestation"),
        measure=_section(written, "measure"),
        owner=words(head, "owner", name=name),
        scope=Scope(
            services=listed(head, "services", name=name),
            severity=words(head, "severity", name=name),
            labels=_labels(head.get("labels") or {}, name),
        ),
        fault_type=words(head, "fault_type", name=name),
        signature=listed(head, "signature", name=name),
        lang=lang,
        origin=words(head, "origin", name=name),
    )
    return checked(card, name=name)


def checked(card: Card, *, name: str = "card") -> Card:
    """The card, when it can be used.

    Raises
    ------
    UsageError : names the field and the way out
    """
    if not _ID.fullmatch(card.id):
        raise UsageError(
            f"{name}: id: {card.id!r} must be of a-z, 0-9, '.', '_' and '-', at most 100, for example disk-full"
        )
    for field in ("title", "root_cause", "manifestation", "measure"):
        if not getattr(card, field).strip():
            place = "# …" if field == "title" else f"## {SECTIONS[field][card.lang]}"
            raise UsageError(f"{name}: {field}: is missing; write it below '{place}'")
    for field, most in _LONGEST.items():
        value = card.scope.severity if field == "severity" else getattr(card, field)
        if len(value) > most:
            raise UsageError(f"{name}: {field}: has more than {most} characters; shorten it")
    if card.fault_type and card.fault_type not in FAULT_TYPES:
        raise UsageError(
            f"{name}: fault_type: {card.fault_type!r} is not known; there are: {', '.join(FAULT_TYPES)}"
        )
    if not card.signature and not card.fault_type:
        raise UsageError(
            f"{name}: signature: is missing, and so is fault_type; give one of them, or it is never recalled"
        )
    for token in card.signature:
        try:
            parse_token(token)
        except UsageError as error:
            raise UsageError(f"{name}: {error}") from None
    return card


def write_card(card: Card) -> str:
    """The card as Markdown; `parse_card` reads it back."""
    head: dict[str, Any] = {
        "id": card.id,
        "lang": card.lang,
        "fault_type": card.fault_type,
        "owner": card.owner,
        "services": list(card.scope.services),
        "severity": card.scope.severity,
        "labels": dict(card.scope.labels),
        "signature": list(card.signature),
        "origin": card.origin,
    }
    return put_together(
        head, card.title, {SECTIONS[field][card.lang]: getattr(card, field) for field in SECTIONS}
    )


def card_document(card: Card) -> dict[str, Any]:
    """The card as JSON."""
    return asdict(card)


def card_from(document: Mapping[str, Any]) -> Card:
    """The card from JSON."""
    return Card(
        **{**document, "scope": scope_from(document["scope"]), "signature": tuple(document["signature"])}
    )


def scope_from(document: Mapping[str, Any]) -> Scope:
    """The scope from JSON."""
    return Scope(
        services=tuple(document["services"]),
        severity=document["severity"],
        labels=tuple((key, value) for key, value in document["labels"]),
    )


def _language(written: Written, name: str) -> Lang:
    lang = words(written.head, "lang", name=name)
    if lang not in ("", "en", "zh"):
        raise UsageError(f"{name}: lang: {lang!r} must be en or zh")
    if lang:
        return "zh" if lang == "zh" else "en"
    return "zh" if any(SECTIONS[field]["zh"] in written.sections for field in SECTIONS) else "en"


def _section(written: Written, field: str) -> str:
    for heading in SECTIONS[field].values():
        if heading in written.sections:
            return written.sections[heading]
    return ""


def _labels(value: Any, name: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or not all(
        isinstance(k, str) and isinstance(v, str) for k, v in value.items()
    ):
        raise UsageError(f"{name}: labels: must be names with texts, for example labels: {{env: production}}")
    return tuple(sorted(value.items()))
