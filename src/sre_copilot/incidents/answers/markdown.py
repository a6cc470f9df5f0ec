"""An answer as Markdown, in which whatever came from outside is literal text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sre_copilot.domain.knowledge import Lang
from sre_copilot.incidents.answers.document import WRITTEN
from sre_copilot.incidents.answers.lines import (
    confidence,
    headline_findings,
    known_line,
    other_claims,
    partial,
    quote_line,
    usage,
)
from sre_copilot.incidents.report.clean import markdown as literal
from sre_copilot.incidents.report.words import word

Document = Mapping[str, Any]
LISTS = ("reasons", "next_steps", "gaps")
_FENCE = re.compile(r"`{3,}")


def render(document: Document, *, evidence: bool = False, asked: bool = False) -> str:
    """Write an answer as Markdown (CommonMark)."""
    lines = list(_lines(document, evidence=evidence, asked=asked))
    return "\n".join(lines).rstrip() + "\n"


def _lines(document: Document, *, evidence: bool, asked: bool) -> Iterator[str]:
    lang: Lang = document["lang"]
    sure = confidence(document)
    names = "".join(f" `{name}`" for name in headline_findings(document))
    yield f"**{literal(document['headline'])}**" + (f" ({literal(sure)})" if sure else "") + names
    yield ""
    for claim in other_claims(document):
        yield f"- {literal(claim['text'])} {' '.join(f'`{name}`' for name in claim['findings'])}"
    if document["body"]:
        yield from ("", *_body(document))
    if document["quotes"]:
        yield from _heading("quotes", lang)
        for each in document["quotes"]:
            yield from (f"> {literal(each['text'])}", ">", f"> — {literal(quote_line(each, lang))}", "")
    yield from _section("known_faults", [known_line(each, lang) for each in document["known_faults"]], lang)
    for name in LISTS:
        yield from _section(name, document[name], lang)
    if evidence:
        yield from _evidence(document, lang)
    if asked:
        yield from _section(
            "asked", [f"{each['source']}: {each['query']}" for each in document["asked"]], lang
        )
    for line in (partial(document), usage(document)):
        if line:
            yield from ("", f"*{literal(line)}*")


def _body(document: Document) -> Iterator[str]:
    """What we wrote to be copied stands in a fence that nothing in it can close; other text is literal, line by line."""
    text: str = document["body"]
    if document["kind"] in WRITTEN:
        longest = max((len(found) for found in _FENCE.findall(text)), default=2)
        fence = "`" * (longest + 1)
        yield from (fence, text, fence)
    else:
        yield from (f"{literal(line)}  " if line else "" for line in text.splitlines())


def _evidence(document: Document, lang: Lang) -> Iterator[str]:
    if document["findings"]:
        yield from _heading("evidence", lang)
    for finding in document["findings"]:
        yield f"- **{literal(finding['text'])}** `{finding['id']}`"
        yield from (f"    - {_check(check, lang)}" for check in finding["checks"])
    if document["struck"]:
        yield from _heading("struck", lang)
    for each in document["struck"]:
        yield f"- ~~{literal(each['text'])}~~ `{each['finding']}`"
        yield f"    - {_check(each['check'], lang)}"


def _check(check: Mapping[str, Any], lang: Lang) -> str:
    observed = word("ask.observed", lang, value=check["observed_text"])
    return f"{literal(check['text'])} (**{literal(observed)}**)"


def _section(name: str, lines: list[str], lang: Lang) -> Iterator[str]:
    if lines:
        yield from _heading(name, lang)
    yield from (f"- {literal(line)}" for line in lines)


def _heading(name: str, lang: Lang) -> tuple[str, str, str]:
    return "", f"## {word(f'ask.{name}', lang)}", ""
