"""From words to what there is: which metric, table, column, label or value a request names."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sre_copilot.agents.queries.text import FORMAL, Text, lexicon, parts, stem
from sre_copilot.agents.understanding.wording import Span, overlaps

LITERAL = 9.0  # an identifier that stands there as it is written outweighs all that its words could score
JOINED = re.compile(r"^\s*(?:,|and|&|、|和|与|及|以及|\+)\s*(?:by\s+|per\s+|每个|各)?$")
_ERROR_WORDS = ("error", "err", "failed", "failure", "fail", "fatal", "declined")


@dataclass(frozen=True, slots=True)
class Linked:
    """A name, how well it fits, and where it is named."""

    name: str
    score: float
    spans: tuple[Span, ...]


def link(text: Text, names: Iterable[str], *, boost: Mapping[str, float] | None = None) -> list[Linked]:
    """Names that the text speaks of, best first: each of their words counts by how few others have it, and what nobody said counts against."""
    names = list(names)
    often = Counter(word for name in names for word in set(map(stem, parts(name))))
    found = [
        each
        for name in names
        if (each := _linked(text, name, often, len(names), (boost or {}).get(name, 0.0)))
    ]
    return sorted(found, key=lambda each: (-each.score, names.index(each.name)))


def _linked(text: Text, name: str, often: Mapping[str, int], count: int, boost: float) -> Linked | None:
    spans = list(text.literal(name))
    if spans and (len(name) > 3 or name.lower() in {word for word, _ in text.words}):
        return Linked(name, LITERAL + boost, tuple(spans))
    words = [stem(word) for word in parts(name)]
    meaning = [word for word in words if word not in FORMAL] or words
    score, named = 0.0, 0
    for word in dict.fromkeys(meaning):
        weight = 0.5 + math.log((count + 1) / often[word])
        here = text.called(word)
        score += weight if here else -0.35 * weight
        named += bool(here)
        spans += here
    if not named:
        return None
    whole = [
        place
        for phrase in lexicon().get(stem("_".join(parts(name))), ((), ()))[0]
        for place in text.phrase(phrase)
    ]
    return Linked(name, score + boost + (1.0 if whole else 0.0), tuple(sorted(set(spans + whole))))


def surfaces(text: Text, name: str) -> list[Span]:
    """Where a label, field or column is named: whole, else by its telling words."""
    spans = text.literal(name)
    if spans:
        return spans
    whole = lexicon().get(name.lower())
    if whole is not None and len(parts(name)) > 1:
        found = text.called(name.lower())
        if found:
            return found
    words = [stem(word) for word in parts(name)]
    telling = [word for word in words if word not in FORMAL] or words
    each = [text.called(word) for word in telling]
    return (
        sorted({span for spans in each for span in spans}) if each and (all(each) or len(telling) > 1) else []
    )


def grouped(text: Text, stretches: Sequence[Span], names: Iterable[str]) -> list[str]:
    """Names in the stretches that say what to group by, in the order said."""
    places = sorted((span, name) for name in names for span in surfaces(text, name))
    chosen: list[str] = []
    for start, end in stretches:
        at = start
        while True:
            here = [(span, name) for span, name in places if at <= span[0] <= at + 2 and span[0] < end] or (
                [(span, name) for span, name in places if start <= span[0] < min(end, start + 12)]
                if at == start
                else []
            )
            here = [pair for pair in here if _near(text, start if at == start else at, pair[0])]
            if not here:
                break
            span, name = max(here, key=lambda pair: (-pair[0][0], pair[0][1], -len(pair[1])))
            if name not in chosen:
                chosen.append(name)
            text.use((start, span[1]))
            follows = re.match(
                r"\s*(?:,|and\b|&|、|和|与|及)\s*(?:by\s+|per\s+|每个|各)?", text.plain[span[1] :]
            )
            if follows is None:
                break
            at = span[1] + follows.end()
    return chosen


def _near(text: Text, start: int, span: Span) -> bool:
    """Whether at most two words stand between `by` and the name."""
    between = text.plain[start : span[0]]
    return len(between.split()) <= 2 and not re.search(
        r"[,.;，。；]|\b(?:in|for|of|over|during|with)\b|的", between
    )


@dataclass(frozen=True, slots=True)
class ValueLink:
    """A value of a name that the text mentions; `negated` when it is to be left out."""

    name: str
    value: str
    span: Span
    negated: bool = False


_NOT_BEFORE = re.compile(
    r"(?:\b(?:not|except(?:\s+for)?|excluding|other\s+than|non|without|isn't|aren't)[\s-]+(?:the\s+|in\s+|from\s+|for\s+)?|不是|除了?|排除|非|不含|不包括)$"
)


def linked_values(
    text: Text, values: Mapping[str, Sequence[str]], *, skip: Sequence[Span] = ()
) -> list[ValueLink]:
    """Values that the text mentions: as they are written, then as people call them; one stretch of text means one value."""
    found: list[ValueLink] = []
    literal = [
        (span, name, value) for name, each in values.items() for value in each for span in text.literal(value)
    ]
    for span, name, value in sorted(literal, key=lambda each: (each[0][0] - each[0][1], each[0][0])):
        _take(found, text, ValueLink(name, value, span), skip)
    called = [
        (span, name, value)
        for name, each in values.items()
        for value in each
        for span in _value_called(text, value)
    ]
    for span, name, value in sorted(called, key=lambda each: (each[0][0] - each[0][1], each[0][0])):
        if not any(link.name == name and not link.negated for link in found):
            _take(found, text, ValueLink(name, value, span), skip)
    return sorted(found, key=lambda each: each.span)


def _take(found: list[ValueLink], text: Text, link: ValueLink, skip: Sequence[Span]) -> None:
    if any(overlaps(link.span, each.span) and link.name == each.name for each in found):
        return
    if any(overlaps(link.span, each) for each in skip) or any(
        overlaps(link.span, each.span) for each in found
    ):
        return
    negated = bool(_NOT_BEFORE.search(text.plain[: link.span[0]]))
    found.append(ValueLink(link.name, link.value, link.span, negated))


def _value_called(text: Text, value: str) -> list[Span]:
    """Where a value is called by other words: all of its words must be."""
    if value == "/":
        return [
            *text.phrase(("root",)),
            *text.chinese("根分区"),
            *text.chinese("根目录"),
            *text.chinese("根"),
        ]
    whole = lexicon().get(value.lower())
    if whole is not None:
        return text.called(value.lower())
    words = [stem(word) for word in parts(value) if not word.isdigit()]
    if not words or any(len(word) < 2 for word in words):
        return []
    each = [text.called(word) for word in words]
    if not all(each):
        return []
    return (
        [(min(spans[0][0] for spans in each), max(spans[0][1] for spans in each))]
        if len(each) > 1
        else each[0]
    )


def error_value(values: Sequence[str]) -> str:
    """The value that stands for an error; '' where none does."""
    return next((value for word in _ERROR_WORDS for value in values if value.lower() == word), "")


_PATHS = ("uri", "path", "url", "route", "endpoint", "request_uri")
_PATH = re.compile(r"(?<![\w/.])/[a-z0-9][\w/.\-]*", re.ASCII | re.IGNORECASE)
_AFTER_NAME = re.compile(r"\s*(?:is|=|==|为|是|等于)?\s*(?P<word>[A-Za-z][\w\-]*)", re.ASCII)
_NO_VALUES = frozenset(
    ["is", "and", "or", "of", "in", "on", "for", "by", "with", "the", "a", "an", "to", "from", "per", "over", "above", "below", "under", "not", "that", "which", "was", "were", "are", "has", "have", "had", "during", "since", "at", "greater", "less", "more", "between", "as", "how", "where", "when", "than", "last", "past", "first", "each", "sorted", "ordered", "descending", "ascending", "desc", "asc", "using", "they", "it", "made", "through", "via", "exceeds", "equal", "equals", "higher", "lower", "contains", "window", "rate", "ratio", "share", "sum", "count", "average", "percentage"]
)  # fmt: skip


def _paths(text: Text, names: Sequence[str], taken: Sequence[Span]) -> list[ValueLink]:
    """A path belongs to the label or field of paths, whether that is named or not."""
    name = next((each for each in _PATHS if each in names), "")
    spans = [match.span() for match in _PATH.finditer(text.raw)] if name else []
    return [
        ValueLink(name, text.raw[slice(*span)], span)
        for span in spans
        if not any(overlaps(span, each) for each in taken)
    ]


def _words_after(text: Text, names: Sequence[str], taken: Sequence[Span]) -> list[ValueLink]:
    """`with reason fraud`, `city Berlin`: a word right after the very name of a field, that names nothing else."""
    known = {stem(word) for name in names for word in parts(name)} | lexicon().keys()
    found = []
    for name in names:
        for match in re.finditer(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", text.plain, re.ASCII):
            after = _AFTER_NAME.match(text.raw, match.end())
            if after is None or any(overlaps(after.span("word"), each) for each in taken):
                continue
            word = after["word"]
            if word.lower() not in _NO_VALUES and stem(word.lower()) not in known:
                found.append(ValueLink(name, word, after.span("word")))
    return found


_TOKEN = re.compile(r"(?<![\w/.\-])(?=[\w.:\-]*\d)[a-z0-9][\w.:\-]*[a-z0-9]|(?<![\w/.])/[\w/.\-]+", re.ASCII)


def named_values(text: Text, names: Sequence[str], *, taken: Sequence[Span] = ()) -> list[ValueLink]:
    """Values that nobody listed: something like an id, a path or a quotation right beside the name of a label or field."""
    found: list[ValueLink] = list(_paths(text, names, taken))
    found += _words_after(text, names, taken)
    tokens = [(match.span(), text.raw[slice(*match.span())]) for match in _TOKEN.finditer(text.plain)]
    tokens += [(span, quote) for quote, span in text.quotes]
    for name in names:
        for place in surfaces(text, name):
            for span, token in tokens:
                if any(overlaps(span, each) for each in (*taken, *(link.span for link in found), place)):
                    continue
                before = text.plain[place[1] : span[0]] if place[1] <= span[0] else None
                after = text.plain[span[1] : place[0]] if span[1] <= place[0] else None
                if (
                    before is not None
                    and re.fullmatch(r"\s*(?:is|=|==|:|named|called|为|是|等于|叫|\bof\b)?\s*", before)
                ) or (after is not None and re.fullmatch(r"\s*的?\s*", after) and not token.isdigit()):
                    found.append(ValueLink(name, token, span))
    return found
