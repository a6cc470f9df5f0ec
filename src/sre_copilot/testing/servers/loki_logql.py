"""The part of LogQL that the stand-in for Loki understands of log queries: selectors, line filters, `| json`, `| logfmt`, conditions on fields."""

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
_FIELD = re.compile(rf"\s*\|\s*({_NAME})\s*(=~|!~|!=|==|>=|<=|=|>|<)\s*({_QUOTED}|-?\d+(?:\.\d+)?)")


class QueryError(ValueError):
    """The query cannot be read; Loki answers 400 with a parse error."""


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison: of a label where `label` is set, else of the line."""

    label: str
    operator: str
    operand: str
    is_number: bool = False

    def holds(self, text: str) -> bool:
        """Whether it holds for a text; a number is compared as one."""
        if self.is_number:
            return _compared(text, self.operator, float(self.operand))
        if self.operator in {"=", "!="} and self.label:
            return (text == self.operand) == (self.operator == "=")
        if self.operator in {"|=", "!="}:
            return (self.operand in text) == (self.operator == "|=")
        pattern = f"^(?:{self.operand})$" if self.label else self.operand
        return (expression(pattern).search(text) is not None) == (self.operator in {"=~", "|~"})


@dataclass(frozen=True, slots=True)
class Query:
    """A log query."""

    matchers: tuple[Test, ...]
    filters: tuple[Test, ...] = ()
    parser: str = ""
    fields: tuple[Test, ...] = ()

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether a stream is selected."""
        return all(test.holds(labels.get(test.label, "")) for test in self.matchers)

    def keeps(self, line: str) -> bool:
        """Whether a line passes the filters."""
        return all(test.holds(line) for test in self.filters)

    def passes(self, labels: Mapping[str, str]) -> bool:
        """Whether a line passes the conditions on its labels and fields."""
        return all(test.holds(labels.get(test.label, "")) for test in self.fields)

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
    return log_query(text, empty_allowed=empty_allowed)


def log_query(text: str, *, empty_allowed: bool = False) -> Query:
    """Read a log query."""
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
    fields, place = _fields(text, place)
    if text[place:].strip():
        raise QueryError(
            f"parse error at line 1, col {place + 1}: syntax error: unexpected {text[place:].strip()[:20]}"
        )
    return Query(matchers, (*filters, *more), parser[1] if parser else "", fields)


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


def _fields(text: str, place: int) -> tuple[tuple[Test, ...], int]:
    """Conditions on fields, a stage each."""
    found = []
    while matched := _FIELD.match(text, place):
        quoted = matched[3][0] in '"`'
        if quoted:
            found.append(_test(matched[1], "=" if matched[2] == "==" else matched[2], matched[3]))
        else:
            found.append(Test(matched[1], matched[2], matched[3], is_number=True))
        place = matched.end()
    return tuple(found), place


def _compared(text: str, operator: str, number: float) -> bool:
    try:
        value = float(text)
    except ValueError:  # Loki marks such a line with __error__; here it is left out
        return False
    holds = {
        "=": value == number, "==": value == number, "!=": value != number, ">": value > number, ">=": value >= number, "<": value < number, "<=": value <= number,
    }  # fmt: skip
    return holds.get(operator, False)


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
