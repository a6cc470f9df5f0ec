"""Text as people write it, made plain without moving a character: width, case, quotations, language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from sre_copilot.domain.knowledge import Lang

LONGEST = 4000  # characters that are read of a question: more is a document, and it is kept out of the rules
CJK = r"\u3400-\u9fff"
Span = tuple[int, int]

_QUOTED = re.compile(
    r"```.*?```|`[^`]*`|\"[^\"]*\"|\u201c[^\u201d]*\u201d|「[^」]*」|『[^』]*』|(?<![\w])'[^']+'(?!\w)",
    re.DOTALL,
)


def pattern(text: str) -> re.Pattern[str]:
    """A pattern for plain texts: Chinese characters are no part of a Latin word, so that both can stand side by side."""
    return re.compile(text, re.ASCII)


def plain(text: str) -> str:
    """Lower case and half width, character by character, so that positions stay."""
    return "".join(lower if len(lower := c.lower()) == 1 else c for c in narrow(text))


def narrow(text: str) -> str:
    """Half width, character by character, so that positions stay."""
    return "".join(map(_narrow, text[:LONGEST]))


def _narrow(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character)
    return {"\u2019": "'", "\u2018": "'"}.get(character, folded if len(folded) == 1 else character)


def quoted(text: str) -> tuple[Span, ...]:
    """Where something is quoted, marks included."""
    return tuple(match.span() for match in _QUOTED.finditer(text))


def blanked(text: str, spans: Iterable[Span], *, by: str = " ") -> str:
    """The text with some stretches made blank; positions stay."""
    for start, end in spans:
        text = text[:start] + by * (end - start) + text[end:]
    return text


def language(text: str) -> Lang:
    """Chinese when there are at least as many Chinese characters as Latin words: names and jargon are Latin in both."""
    chinese = len(re.findall(f"[{CJK}]", text))
    latin = len(re.findall(r"[A-Za-z][\w.\-']*", text))
    return "zh" if chinese and chinese >= latin else "en"


def overlaps(first: Span, second: Span) -> bool:
    """Whether two stretches share a character."""
    return first[0] < second[1] and second[0] < first[1]
