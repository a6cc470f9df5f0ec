"""Values within queries: what stands between quotation marks cannot end them, whoever wrote the value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sre_copilot.workflows.cel import ExpressionProblem, compiled
from sre_copilot.workflows.templates import Part, parts, shown

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_COMMENTS = {"sql": re.compile(r"--[^\n]*|/\*.*?(?:\*/|$)", re.DOTALL), "promql": re.compile(r"#[^\n]*"), "logql": re.compile(r"#[^\n]*")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Placed:
    """A piece of a query; `quote` is the mark that it stands between, '' outside; `escaped` when a backslash stands right before it."""

    part: Part
    quote: str
    escaped: bool = False


def placed(text: str, language: str) -> Iterator[Placed]:
    """The pieces of a query, each with the quotation that it stands in."""
    quote, escaped = "", False
    for part in parts(text):
        yield Placed(part, quote, escaped)
        if not part.expression:
            quote, escaped = _after(part.text, language, quote)
        else:
            escaped = False


def filled_query(text: Any, language: Any, scope: Mapping[str, Any]) -> Any:
    """A query with its expressions replaced; a value between quotation marks is written as a literal of the language.

    Raises
    ------
    ExpressionProblem : when one has no value, or one that cannot stand there
    """
    if not isinstance(text, str):
        return text
    pieces = list(placed(text, str(language)))
    if len(pieces) == 1 and pieces[0].part.expression:
        return compiled(pieces[0].part.text).evaluate(scope)
    return "".join(_filled(each, str(language), scope) for each in pieces)


def _filled(piece: Placed, language: str, scope: Mapping[str, Any]) -> str:
    if not piece.part.expression:
        return piece.part.text
    value = shown(compiled(piece.part.text).evaluate(scope))
    if not piece.quote:
        return value
    try:
        return _literal(value, piece, language)
    except ValueError as problem:
        raise ExpressionProblem(piece.part.text, str(problem)) from None


def _literal(value: str, piece: Placed, language: str) -> str:
    """A value as it stands in a literal; databases disagree on a backslash, so that in SQL none is let in."""
    refused = ("`",) if piece.quote == "`" else ("\\", "\0") if language == "sql" else ()
    for each in refused:
        if each in value:
            raise ValueError(
                f"gives text with {each!r}, which cannot stand between {piece.quote} in {language}"
            )
    if piece.escaped:
        raise ValueError("stands right after a backslash; leave the backslash out")
    if piece.quote == "`":
        return value
    if language == "sql":
        return value.replace(piece.quote, piece.quote * 2)
    escapes = {**_ESCAPES, piece.quote: f"\\{piece.quote}"}
    return "".join(escapes.get(each, each) for each in value)


def _after(text: str, language: str, quote: str) -> tuple[str, bool]:
    """In which quotation a plain piece ends that begins in one, and whether with a backslash that escapes."""
    place, comment = 0, _COMMENTS.get(language)
    while place < len(text):
        if not quote and comment is not None and (skipped := comment.match(text, place)):
            place = skipped.end()
            continue
        if quote and quote != "`" and language != "sql" and text[place] == "\\":
            if place + 1 == len(text):
                return quote, True
            place += 2
            continue
        if text[place] == quote:
            quote = ""
        elif not quote and text[place] in "'\"`":
            quote = text[place]
        place += 1
    return quote, False
