"""The part of LogQL that the stand-in for Loki understands: selectors, line filters, `| json`, `| logfmt`, counts over time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sre_copilot.perception.lines.rows import dig, expression, structured

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_QUOTED = r'"(?:[^"\\]|\\.)*"|`[^`]*`'
_MATCHER = re.compile(rf"\s*({_NAME})\s*(=~|!~|!=|=)\s*({_QUOTED})\s*(,|(?=\}}))")
_FILTER = re.compile(rf"\s*(\|=|!=|\|~|!~)\s*({_QUOTED})")
_PARSER = re.compile(r"\s*\|\s*(json|logfmt)\b")
_METRIC = re.compile(r"\s*(count_over_time|rate)\s*\((.*)\[(\d+)(ms|s|m|h)\]\s*\)\s*$", re.DOTALL)
_UNITS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


class QueryError(ValueError):
    """The query cannot be read; Loki answers 400 with a parse error."""


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison: of a label where `label` is set, else of the line."""

    label: str
    operator: str
    operand: str

    def holds(self, text: str) -> bool:
        """Whether it holds for a text."""
        if self.operator in {"=", "!="} and self.label:
            return (text == self.operand) == (self.operator == "=")
        if self.operator in {"|=", "!="}:
            return (self.operand in text) == (self.operator == "|=")
        pattern = f"^(?:{self.operand})$" if self.label else self.operand
        return (expression(pattern).search(text) is not None) == (self.operator in {"=~", "|~"})


@dataclass(frozen=True, slots=True)
class Query:
    """A log query, and, for a metric query, its function and range."""

    matchers: tuple[Test, ...]
    filters: tuple[Test, ...] = ()
    parser: str = ""
    function: str = ""
    range_ns: int = 0

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether a stream is selected."""
        return all(test.holds(labels.get(test.label, "")) for test in self.matchers)

    def keeps(self, line: str) -> bool:
        """Whether a line passes the filters."""
        return all(test.holds(line) for test in self.filters)

    def parsed(self, line: str) -> dict[str, str]:
        """Labels that the parser draws out of a line."""
        if self.parser == "logfmt":
            return dict(re.findall(rf'(?:^|\s)({_NAME})=("[^"]*"|\S+)', line))
        if self.parser == "json":
            document = structured(line)
            return {name: text for name in document if (text := dig(document, name))}
        return {}


def parse(text: str, *, empty_allowed: bool = False) -> Query:
    """Read a query.

    Raises
    ------
    QueryError : when it is none, or of a kind that the stand-in does not know
    """
    if metric := _METRIC.match(text):
        inner = _log_query(metric[2], empty_allowed)
        length = int(metric[3]) * _UNITS[metric[4]]
        return Query(inner.matchers, inner.filters, inner.parser, metric[1], length)
    return _log_query(text, empty_allowed)


def _log_query(text: str, empty_allowed: bool) -> Query:
    text = text.strip()
    if not text.startswith("{"):
        raise QueryError("parse error at line 1, col 1: syntax error: expected a stream selector")
    matchers, place = _matchers(text)
    if not empty_allowed and not any(_refuses_empty(test) for test in matchers):
        raise QueryError(
            "parse error : queries require at least one regexp or equality matcher that does not have an "
            "empty-compatible value"
        )
    filters, place = _all(_FILTER, text, place)
    parser = _PARSER.match(text, place)
    more, place = _all(_FILTER, text, parser.end() if parser else place)
    if text[place:].strip():
        raise QueryError(
            f"parse error at line 1, col {place + 1}: syntax error: unexpected {text[place:].strip()[:20]}"
        )
    return Query(matchers, (*filters, *more), parser[1] if parser else "")


def _matchers(text: str) -> tuple[tuple[Test, ...], int]:
    place, found = 1, []
    while matched := _MATCHER.match(text, place):
        found.append(_test(matched[1], matched[2], matched[3]))
        place = matched.end()
    end = re.compile(r"\s*\}").match(text, place)
    if end is None:
        raise QueryError(f"parse error at line 1, col {place + 1}: syntax error: unexpected matcher")
    return tuple(found), end.end()


def _all(form: re.Pattern[str], text: str, place: int) -> tuple[Iterable[Test], int]:
    found = []
    while matched := form.match(text, place):
        found.append(_test("", matched[1], matched[2]))
        place = matched.end()
    return found, place


def _test(label: str, operator: str, quoted: str) -> Test:
    operand = quoted[1:-1] if quoted[0] == "`" else re.sub(r"\\(.)", r"\1", quoted[1:-1])
    if operator.endswith("~"):
        try:
            expression(operand)
        except ValueError as error:
            raise QueryError(f"parse error : error parsing regexp: {error}") from None
    return Test(label, operator, operand)


def _refuses_empty(test: Test) -> bool:
    return test.operator in {"=", "=~"} and not test.holds("")
