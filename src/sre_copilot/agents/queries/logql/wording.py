"""Texts that log lines must hold, or must not."""

from __future__ import annotations

from collections.abc import Iterable

from sre_copilot.agents.queries.text import Text, parts, stem
from sre_copilot.agents.understanding.wording import Span, overlaps, pattern

_WORD_AFTER = pattern(
    r"(?:\b(?:contain(?:s|ing)?|mention(?:s|ing|ed)?|includ(?:e|es|ing)|match(?:es|ing)?|say(?:s|ing)?|saying|about|holding|with)\b|写着|(?<=[里中])有|包含|含有|含|提到|出现过?|带有?|关键[字词](?:是|为)?)"
    r"\s*(?:of\s+|the\s+(?:word|text|string|phrase)\s+|了)?(?P<word>[a-z0-9][\w.:/\-]*|[\u3400-\u9fff]{2,8}?(?=的|$|[,，。 ]))"
)


_NO_WORD = pattern(
    r"(?:\b(?:but\s+)?(?:not|without|excluding|except|no)\s+(?:(?:the\s+)?(?:word|text)\s+|containing\s+|contain\s+|mentioning\s+|those\s+with\s+|lines?\s+with\s+|any\s+|with\s+)?|(?:但)?(?:不(?:含|包含|包括|带|要)有?|排除|除去|没有)\s*)(?P<word>[a-z0-9][\w.:/\-]*)"
)


NEGATED = pattern(
    r"(?:\b(?:not|without|excluding|except|no|never)\s+(?:\w+\s+){0,2}|不(?:含|包含|包括|带)有?\s*|排除\s*|没有\s*)$"
)


_FILLER = frozenset(
    {
        "the",
        "a",
        "an",
        "any",
        "in",
        "on",
        "of",
        "for",
        "log",
        "logs",
        "line",
        "lines",
        "user",
        "least",
        "most",
        "error",
        "errors",
        "level",
    }
)


def texts(text: Text, taken: list[Span], *, names: Iterable[str]) -> list[tuple[bool, str]]:
    """Texts that are asked for, whether each is to be left out, in the order said."""
    found: list[tuple[int, int, bool, str]] = []
    ours = {
        stem(word) for name in names for word in parts(name)
    }  # `with trace id …` names a field and no text
    for quote, span in text.quotes:
        if not any(overlaps(span, each) for each in taken):
            found.append((*span, bool(NEGATED.search(text.plain[: span[0]])), quote))
            text.use(span)
    for words, negated in ((_NO_WORD, True), (_WORD_AFTER, False)):
        for match in words.finditer(text.plain):
            span = match.span("word")
            known = (
                *taken,
                *(each for _, each in text.quotes),
                *((start, end) for start, end, _, _ in found),
            )
            if (
                match["word"] not in _FILLER
                and stem(match["word"]) not in ours
                and not any(overlaps(span, each) for each in known)
            ):
                found.append((*span, negated, text.raw[slice(*span)]))
                text.use(match.span())
    return [(negated, said) for _, _, negated, said in sorted(found)]
