"""LogQL as far as it is written and explained here: a tree of what a query says, or why it is none."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sre_copilot.agents.queries.logql.parts import RANGE_FUNCTIONS, UNWRAPPED, VECTOR_FUNCTIONS
from sre_copilot.agents.queries.written import QueryProblem

_TOKEN = re.compile(
    r"\s*(?P<token>\"(?:[^\"\\]|\\.)*\"|`[^`]*`|\d+(?:\.\d+)?(?:ns|us|ms|s|m|h|d|w|y)(?:\d+(?:ms|s|m|h))*|\d+(?:\.\d+)?(?:[KMGT]i?B)?|[A-Za-z_][\w.]*|\|=|\|~|!=|!~|=~|==|>=|<=|[{}()\[\],|=<>+\-*/%^])|(?P<end>\s*$)|(?P<bad>\s*\S)"
)
_PARSERS = ("json", "logfmt", "pattern", "regexp", "unpack")
_FORMATS = ("line_format", "label_format", "keep", "drop", "decolorize", "distinct")
_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
    "y": 31536000.0,
}


@dataclass
class Said:
    """What a query says, flat: enough to check, to explain and to compare it."""

    streams: list[tuple[str, str, str]] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    fields: list[tuple[str, str, str]] = field(default_factory=list)
    parsers: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    by: list[str] = field(default_factory=list)
    ranges_s: list[float] = field(default_factory=list)
    offsets_s: list[float] = field(default_factory=list)
    unwrap: list[str] = field(default_factory=list)
    quantile: float | None = None
    k: int | None = None
    comparison: tuple[str, float] | None = None
    operators: list[str] = field(default_factory=list)

    @property
    def is_metric(self) -> bool:
        """Whether it gives numbers and not lines."""
        return bool(self.functions)


def parse(query: str) -> Said:
    """Read a query.

    Raises
    ------
    QueryProblem : names the place
    """
    reader = _Reader(_tokens(query))
    if reader.peek() == "{":
        reader.pipeline()
    else:
        reader.expression()
    if reader.peek():
        reader.wrong()
    return reader.said


def _tokens(query: str) -> list[str]:
    tokens, at = [], 0
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None or match["bad"]:
            raise QueryProblem(
                f"No LogQL at character {at + 1}: {query[at : at + 20]!r}.",
                f"第 {at + 1} 个字符处不是 LogQL：{query[at : at + 20]!r}。",
            )
        if match["token"]:
            tokens.append(match["token"])
        at = match.end()
    return tokens


def unquoted(token: str) -> str:
    """The text of a string literal."""
    return (
        token[1:-1]
        if token[0] == "`"
        else re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), token[1:-1])
    )


def length(token: str) -> float:
    """Seconds of a duration."""
    return sum(
        float(value) * _SECONDS[unit]
        for value, unit in re.findall(r"(\d+(?:\.\d+)?)(ns|us|ms|[smhdwy])", token)
    )


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self.said = Said()

    def peek(self, ahead: int = 0) -> str:
        place = self._at + ahead
        return self._tokens[place] if place < len(self._tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.peek()
        if not token or (expected and token not in expected):
            self.wrong(" or ".join(expected))
        self._at += 1
        return token

    def wrong(self, expected: str = "") -> None:
        found = self.peek() or "the end"
        hope = f", expected {expected}" if expected else ""
        raise QueryProblem(
            f"No LogQL: unexpected {found!r} at word {self._at + 1}{hope}.",
            f"不是 LogQL：第 {self._at + 1} 个词 {found!r} 出乎意料。",
        )

    def text(self) -> str:
        token = self.take()
        if token[0] not in '"`':
            self._at -= 1
            self.wrong("a text in quotes")
        return unquoted(token)

    def name(self) -> str:
        token = self.take()
        if not re.fullmatch(r"[A-Za-z_]\w*", token):
            self._at -= 1
            self.wrong("a name")
        return token

    def pipeline(self) -> None:
        self.take("{")
        while True:
            label, op = self.name(), self.take("=", "!=", "=~", "!~")
            self.said.streams.append((label, op, self.text()))
            if self.take(",", "}") == "}":
                break
        while self.peek() in ("|", "|=", "|~", "!=", "!~") and not (
            self.peek() == "|" and self.peek(1) == "unwrap"
        ):
            self._stage()

    def _stage(self) -> None:
        op = self.take()
        if op != "|":
            self.said.lines.append((op, self.text()))
            while self.peek() == "or":
                self.take("or")
                self.said.lines.append((op, self.text()))
            return
        word = self.peek()
        if word in _PARSERS:
            self.take()
            self.said.parsers.append(word)
            if self.peek()[:1] in ('"', "`"):
                self.text()
        elif word in _FORMATS:
            self._format()
        else:
            self._conditions()

    def _format(self) -> None:
        word = self.take()
        if word == "line_format":
            self.text()
        elif word != "decolorize":
            while True:
                self.name()
                if self.peek() == "=":
                    self.take("=")
                    self.take()
                if self.peek() != ",":
                    return
                self.take(",")

    def _conditions(self) -> None:
        while True:
            if self.peek() == "(":
                self.take("(")
                self._conditions()
                self.take(")")
            else:
                label, op = self.name(), self.take("=", "==", "!=", "=~", "!~", ">", ">=", "<", "<=")
                self.said.fields.append((label, op, self._operand()))
            if self.peek() not in ("and", "or", ","):
                return
            self.take()

    def _operand(self) -> str:
        token = self.peek()
        if token[:1] in ('"', "`"):
            return self.text()
        if not re.match(r"\d", token):
            self.wrong("a text in quotes or a number")
        return self.take()

    def expression(self) -> None:
        self._operand_of_expression()
        while self.peek() in (
            "+",
            "-",
            "*",
            "/",
            "%",
            "^",
            ">",
            ">=",
            "<",
            "<=",
            "==",
            "!=",
            "and",
            "or",
            "unless",
        ):
            op = self.take()
            if self.peek() == "bool":
                self.take()
            self.said.operators.append(op)
            if re.match(r"\d", self.peek()):
                value = float(re.match(r"[\d.]+", self.take())[0])  # type: ignore[index]
                if op in (">", ">=", "<", "<=", "==", "!="):
                    self.said.comparison = (op, value)
            else:
                self._operand_of_expression()

    def _operand_of_expression(self) -> None:
        word = self.peek()
        if word == "(":
            self.take("(")
            self.expression()
            self.take(")")
        elif word in RANGE_FUNCTIONS:
            self._range_function()
        elif word in VECTOR_FUNCTIONS:
            self._vector_function()
        elif re.match(r"\d", word):
            self.take()
        else:
            self.wrong("a function")

    def _grouping(self) -> None:
        if self.peek() not in ("by", "without"):
            return
        kind = self.take()
        self.take("(")
        while self.peek() != ")":
            label = self.name()
            if kind == "by":
                self.said.by.append(label)
            if self.peek() == ",":
                self.take(",")
        self.take(")")

    def _vector_function(self) -> None:
        function = self.take()
        self.said.functions.append(function)
        self._grouping()
        self.take("(")
        if function in ("topk", "bottomk"):
            self.said.k = int(float(self.take()))
            self.take(",")
        self.expression()
        self.take(")")
        self._grouping()

    def _range_function(self) -> None:
        function = self.take()
        self.said.functions.append(function)
        self.take("(")
        if function == "quantile_over_time":
            self.said.quantile = float(self.take())
            self.take(",")
        self.pipeline()
        is_unwrapped = self._unwrap()
        self.take("[")
        self.said.ranges_s.append(length(self.take()))
        self.take("]")
        is_unwrapped = self._unwrap() or is_unwrapped
        if self.peek() == "offset":
            self.take("offset")
            self.said.offsets_s.append(length(self.take()))
        self.take(")")
        self._grouping()
        if is_unwrapped != (function in UNWRAPPED) and function != "rate":
            raise QueryProblem(
                f"{function} {'needs' if function in UNWRAPPED else 'takes no'} `| unwrap FIELD`.",
                f"{function} {'需要' if function in UNWRAPPED else '不接受'} `| unwrap 字段`。",
            )

    def _unwrap(self) -> bool:
        if self.peek() != "|" or self.peek(1) != "unwrap":
            return False
        self.take("|")
        self.take("unwrap")
        name = self.name()
        if name in ("duration", "duration_seconds", "bytes") and self.peek() == "(":
            self.take("(")
            name = self.name()
            self.take(")")
        self.said.unwrap.append(name)
        while self.peek() == "|":
            self.take("|")
            self._conditions()
        return True
