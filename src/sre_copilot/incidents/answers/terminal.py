"""An answer in a terminal: Rich text objects only, so that nothing in it is read as markup."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from sre_copilot.domain.knowledge import Lang
from sre_copilot.incidents.answers.lines import (
    confidence,
    headline_findings,
    known_line,
    other_claims,
    partial,
    quote_line,
    usage,
)
from sre_copilot.incidents.report.clean import visible
from sre_copilot.incidents.report.words import word
from sre_copilot.incidents.report.wrap import Prose

Document = Mapping[str, Any]
TONES = {"fault": "red", "no_fault": "green", "inconclusive": "yellow"}
LISTS = ("reasons", "next_steps", "gaps")


def print_answer(
    document: Document, console: Console, *, evidence: bool = False, asked: bool = False
) -> None:
    """Print an answer; `evidence` shows each check, `asked` each query that was sent."""
    for part in _parts(document, evidence=evidence, asked=asked):
        console.print(part)


def render(document: Document, *, evidence: bool = False, asked: bool = False) -> str:
    """The same as plain text of 110 columns."""
    console = Console(file=io.StringIO(), width=110, color_system=None, force_terminal=False)
    with console.capture() as capture:
        print_answer(document, console, evidence=evidence, asked=asked)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def print_evidence(document: Document, console: Console, *, only: str = "") -> None:
    """Print the findings with their checks in words, or one of them."""
    for part in _evidence(document, document["lang"], only=only):
        console.print(part)


def _parts(document: Document, *, evidence: bool, asked: bool) -> Iterator[RenderableType]:
    lang: Lang = document["lang"]
    outcome = (document["diagnosis"] or {}).get("outcome", "")
    head = Prose(_safe(document["headline"]), style=f"bold {TONES.get(outcome, '')}".strip())
    if sure := confidence(document):
        head.append(f"  {sure}", style="not bold dim")
    if names := headline_findings(document):
        head.append(f"  {' '.join(names)}", style="not bold dim")
    yield head
    for claim in other_claims(document):
        told = Prose(f"• {_safe(claim['text'])}").append(f"  {' '.join(claim['findings'])}", style="dim")
        yield Padding(told, (0, 0, 0, 2), expand=False)
    if document["body"]:
        yield Prose(visible(document["body"]))
    yield from _quotes(document, lang)
    yield from _known(document, lang)
    for name in LISTS:
        yield from _section(name, document[name], lang)
    if evidence and document["findings"]:
        yield _heading("evidence", lang)
        yield from _evidence(document, lang)
        yield from _struck(document, lang)
    if asked:
        yield from _section(
            "asked", [f"{each['source']}: {each['query']}" for each in document["asked"]], lang
        )
    for line in (partial(document), usage(document)):
        if line:
            yield Prose(line, style="dim")


def _quotes(document: Document, lang: Lang) -> Iterator[RenderableType]:
    if document["quotes"]:
        yield _heading("quotes", lang)
    for each in document["quotes"]:
        yield Padding(Prose(f"“{_safe(each['text'])}”"), (0, 0, 0, 2), expand=False)
        yield Padding(Prose(f"— {_safe(quote_line(each, lang))}", style="dim"), (0, 0, 0, 4), expand=False)


def _known(document: Document, lang: Lang) -> Iterator[RenderableType]:
    yield from _section("known_faults", [known_line(each, lang) for each in document["known_faults"]], lang)


def _section(name: str, lines: list[str], lang: Lang) -> Iterator[RenderableType]:
    if lines:
        yield _heading(name, lang)
    for line in lines:
        yield Padding(Prose(f"• {_safe(line)}"), (0, 0, 0, 2), expand=False)


def _evidence(document: Document, lang: Lang, *, only: str = "") -> Iterator[RenderableType]:
    for finding in document["findings"]:
        if only and finding["id"] != only:
            continue
        yield Padding(
            Prose(_safe(finding["text"]), style="bold").append(f"  {finding['id']}", style="not bold dim"),
            (0, 0, 0, 2),
        )
        for check in finding["checks"]:
            yield Padding(_check(check, lang), (0, 0, 0, 4), expand=False)


def _check(check: Mapping[str, Any], lang: Lang) -> Text:
    observed = word("ask.observed", lang, value=check["observed_text"])
    return Prose(_safe(check["text"])).append(f"  ({_safe(observed)})", style="bold")


def _struck(document: Document, lang: Lang) -> Iterator[RenderableType]:
    if document["struck"]:
        yield _heading("struck", lang)
    for each in document["struck"]:
        yield Padding(
            Prose(_safe(each["text"]), style="strike dim").append(f"  {each['finding']}"), (0, 0, 0, 2)
        )
        yield Padding(_check(each["check"], lang), (0, 0, 0, 4), expand=False)


def _heading(name: str, lang: Lang) -> Prose:
    return Prose(f"\n{word(f'ask.{name}', lang)}", style="bold")


def _safe(text: str) -> str:
    return visible(text.replace("\n", " "))
