"""A check in words: query, window, aggregate, relation, bound, and what it evaluated to."""

from __future__ import annotations

import math

from sre_copilot.domain.evidence import Check, Query
from sre_copilot.domain.signals import Window
from sre_copilot.incidents.report.clean import one_line
from sre_copilot.incidents.report.model import CheckResult, Language
from sre_copilot.incidents.report.numbers import clock, date, number, unit_of
from sre_copilot.incidents.report.words import Said, has, word


def in_words(check: Check, lang: Language, *, day: float | None = None) -> str:
    """Say a check in a sentence; times carry their date where it is not that of `day` (epoch s)."""
    left = _side(check, check.query, lang, day)
    bound = number(_bound(check))
    if check.combine != "ratio":
        bound = with_unit(bound, _unit(check), lang)
    relation = word(f"relation.{check.relation}", lang, bound=bound)
    if check.against is None or check.combine == "value":
        return word("check.value", lang, left=left, relation=relation)
    right = _side(check, check.against, lang, day)
    if (check.against.source, check.against.measure, check.against.where) == _subject_of(check.query):
        right = word("check.same", lang, window=_window(check.against, lang, day))
    return word(f"check.{check.combine}", lang, left=left, right=right, relation=relation)


def observed_in_words(result: CheckResult, lang: Language) -> str:
    """Say what a check evaluated to, with its aggregate and unit; a ratio or share is a bare number."""
    if result.observed is None:
        return word("observed.none", lang)
    text = number(result.observed)
    check = result.check
    if check.combine == "ratio" or check.query.measure == "error":
        return text
    value, key = with_unit(text, _unit(check), lang), f"observed.{check.aggregate}"
    return word(key, lang, value=Said(value)) if check.combine == "value" and has(key) else value


def with_unit(text: str, unit: str, lang: Language) -> str:
    """Write a unit after a number: words in the language, symbols as they are."""
    if text == "1" and has(f"unit.{unit}.one"):
        unit = f"{unit}.one"
    if unit == "%":
        return word("value.percent", lang, percent=text)
    return f"{text} {unit_in_words(unit, lang)}".rstrip()


def unit_in_words(unit: str, lang: Language) -> str:
    """Say a unit in the language; one that the catalogue lacks is a symbol."""
    return word(f"unit.{unit}", lang) if has(f"unit.{unit}") else one_line(unit, 24)


def subject(query: Query, lang: Language) -> str:
    """Say what a query measures, and of which rows."""
    noun_key = f"measure.{query.source}.{query.measure}"
    noun = word(noun_key, lang) if has(noun_key) else one_line(f"{query.source} {query.measure}")
    rows = [_filter(name, value, lang) for name, value in query.where]
    return (
        word("check.subject", lang, noun=noun, rows=Said(word("list.and", lang).join(rows))) if rows else noun
    )


def _subject_of(query: Query) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return query.source, query.measure, query.where


def _side(check: Check, query: Query, lang: Language, day: float | None) -> str:
    share = ".error" if (check.aggregate, query.measure) == ("mean", "error") else ""
    measured = word(f"aggregate.{check.aggregate}{share}", lang, subject=subject(query, lang))
    return word("check.side", lang, measured=measured, window=_window(query, lang, day))


def _filter(name: str, value: str, lang: Language) -> str:
    key = f"where.{name}"
    return word(key, lang, value=value) if has(key) else f"{one_line(name, 40)} = {one_line(value)}"


def _window(query: Query, lang: Language, day: float | None) -> str:
    place = "reference" if query.origin == "reference" else "incident"
    if query.window is None:
        return word(f"window.{place}.all", lang)
    start, end = _ends(query.window, lang, day)
    return word(f"window.{place}.between", lang, start=start, end=end)


def _ends(window: Window, lang: Language, day: float | None) -> tuple[str, str]:
    first, last = date(window.start, lang), date(window.end, lang)
    start, end = clock(window.start), clock(window.end)
    if day is None or first != date(day, lang):
        start = f"{first} {start}"
    if last != first:
        end = f"{last} {end}"
    return start, end


def _bound(check: Check) -> float:
    """Return the bound; that of a number of rows as the whole number that means the same."""
    if check.aggregate != "count" or check.combine == "ratio" or not math.isfinite(check.bound):
        return check.bound
    whole = {">=": math.ceil, "<": math.ceil, "<=": math.floor, ">": math.floor}.get(check.relation)
    return float(whole(check.bound)) if whole else check.bound


def _unit(check: Check) -> str:
    if check.aggregate == "rate":
        return "per_second"
    unit = unit_of(check.query)
    return _ROWS.get(check.query.source, "") if check.aggregate == "count" and not unit else unit


_ROWS = {"metrics": "samples", "traces": "spans", "transactions": "samples"}
