"""Expressions of workflows, in CEL: compiled when a workflow is applied, evaluated within limits, on what they name alone.

The library keeps two limits itself: 10,000 iterations and 32 levels of nesting. What is left is memory, which texts and lists that are made of each
other could fill: `MOST_GROWTH` bounds it when an expression is compiled, and `cel_bounds` by what it is given, before it is evaluated. Whatever comes out
is JSON.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, cast

from cel_expr_python import cel

from sre_copilot.errors import UsageError
from sre_copilot.workflows.cel_bounds import MOST_BUILT, Repeated, built, repeated

MOST_CHARACTERS = 1_000  # of an expression: what is longer nobody reads
MOST_GROWTH = 256  # by what a result can be larger than what it is made of: with 256 kB of outputs some 64 MB
MOST_VALUES = 100_000  # in a result
MOST_TEXT = 256_000  # characters of a text in a result, as of a step's output
COMPILED = 2_048  # expressions that are kept compiled: those of a hundred workflows
VARIABLES = ("inputs", "steps", "consts", "trigger", "item", "index", "run")
_INT64 = 2**63
_TOKEN = re.compile(
    r"[rRbB]{0,2}(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")|[A-Za-z_]\w*|\d[\w.]*|\s+|.", re.DOTALL
)
_MACROS = ("map", "filter")
_COLUMN = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): ([^\n]*)")
_CODE = re.compile(r"^[A-Z_]+: | ?\[[A-Z_]+\]$")


class ExpressionProblem(UsageError):  # noqa: N818 - a kind of UsageError, and it reads better so
    """An expression cannot be compiled, or has no value; `column` counts from 1, 0 where it is not known."""

    def __init__(self, expression: str, problem: str, *, column: int = 0) -> None:
        self.expression, self.problem, self.column = expression, problem, column
        super().__init__(f"expression {expression[:200]!r}: {problem}.")


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression; `names` are the variables that it reads, each with the first name below it ('' for all)."""

    text: str
    names: frozenset[tuple[str, str]]
    in_no_order: bool
    """Whether it may go through a map, whose order differs between processes: such a result is to be kept."""
    program: Any
    repeats: tuple[Repeated, ...] = ()
    joins: int = 0

    def evaluate(self, scope: Mapping[str, Any]) -> Any:
        """Its value, as JSON.

        Raises
        ------
        ExpressionProblem : when it has none
        """
        data = self._data(scope)
        if self.repeats and built(self.repeats, data, joins=self.joins) > MOST_BUILT:
            raise ExpressionProblem(
                self.text,
                f"could make more than {MOST_BUILT} characters of what it is given; filter it before",
            )
        found = self._evaluated(data)
        if found.type() == cel.Type.ERROR and "out of range for" in str(found.plain_value()):
            found = self._evaluated(cast("dict[str, Any]", _in_range(data)))
        if found.type() in (cel.Type.ERROR, cel.Type.UNKNOWN):
            raise ExpressionProblem(self.text, _said(str(found.plain_value())))
        return _Plain(self.text).of(found.plain_value())

    def _evaluated(self, data: dict[str, Any]) -> Any:
        try:
            return self.program.eval(data=data)
        except (RuntimeError, ValueError, TypeError, OverflowError) as error:
            raise ExpressionProblem(self.text, _said(str(error))) from None

    def _data(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for variable, name in self.names:
            value = scope.get(variable)
            if name and isinstance(value, Mapping):
                data.setdefault(variable, {})
                if name in value:
                    data[variable][name] = value[name]
            elif variable in scope:
                data[variable] = value
        return data


@lru_cache(maxsize=COMPILED)
def compiled(text: str) -> Compiled:
    """Compile an expression.

    Raises
    ------
    ExpressionProblem : says what is wrong, and at which column
    """
    if len(text) > MOST_CHARACTERS:
        raise ExpressionProblem(
            text, f"has more than {MOST_CHARACTERS} characters; compute a part in a step of its own"
        )
    tokens = _tokens(text)
    if _growth(tokens) > MOST_GROWTH:
        raise ExpressionProblem(
            text, "could make far more than it is given; compute a part in a step of its own"
        )
    try:
        program = _environment().compile(text)
    except (RuntimeError, ValueError) as error:
        raise _uncompiled(text, str(error)) from None
    walks = any(each in _MACROS for each in tokens)
    return Compiled(text, _names(tokens), walks, program, repeated(tokens, VARIABLES), tokens.count("+"))


def evaluate(text: str, scope: Mapping[str, Any]) -> Any:
    """Value of an expression."""
    return compiled(text).evaluate(scope)


def holds(text: str, scope: Mapping[str, Any]) -> bool:
    """Whether a condition is true.

    Raises
    ------
    ExpressionProblem : when it is neither true nor false
    """
    found = evaluate(text, scope)
    if not isinstance(found, bool):
        raise ExpressionProblem(text, f"gives {_kind(found)}, and a condition needs true or false")
    return found


@cache
def _environment() -> Any:
    below = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    kinds = {"item": cel.Type.DYN, "index": cel.Type.INT}
    return cel.NewEnv(variables={name: kinds.get(name, below) for name in VARIABLES})


def _tokens(text: str) -> list[str]:
    return [each for each in _TOKEN.findall(text) if not each.isspace()]


def _growth(tokens: list[str]) -> float:
    """At most by what the result is larger than what it is made of: each level of a macro can repeat its variable as often as it joins or lists it."""
    levels = sum(1 for each in tokens if each in _MACROS)
    joins = sum(1 for each in tokens if each in ("+", ",")) - levels
    return (1 + joins / levels) ** levels if levels > 1 and joins > 0 else 1.0


def _names(tokens: list[str]) -> frozenset[tuple[str, str]]:
    found = set()
    for place, word in enumerate(tokens):
        if word not in VARIABLES or (place and tokens[place - 1] == "."):
            continue
        after = tokens[place + 1 : place + 3]
        quoted = re.fullmatch(r"(['\"])(\w+)\1", after[1]) if len(after) == 2 else None
        if len(after) == 2 and after[0] == "." and after[1].isidentifier():
            found.add((word, after[1]))
        elif len(after) == 2 and after[0] == "[" and quoted:
            found.add((word, quoted[2]))
        else:
            found.add((word, ""))
    whole = {variable for variable, name in found if not name}
    return frozenset(each for each in found if not each[1] or each[0] not in whole)


def _uncompiled(text: str, said: str) -> ExpressionProblem:
    match = _COLUMN.search(said)
    if match is None:
        return ExpressionProblem(text, _said(said))
    problem = match[3].replace(" (in container '')", "")
    if "undeclared reference" in problem:
        problem += f"; variables are {', '.join(VARIABLES)}"
    return ExpressionProblem(text, problem, column=max(0, int(match[2])))


def _said(words: str) -> str:
    first = words.strip().splitlines()[0] if words.strip() else "has no value"
    return _CODE.sub("", _CODE.sub("", first)).rstrip(".")


def _in_range(value: Any) -> Any:
    """Whole numbers beyond 64 bits as decimals: CEL knows no others."""
    if isinstance(value, dict):
        return {key: _in_range(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_in_range(each) for each in value]
    if isinstance(value, int) and not isinstance(value, bool) and not -_INT64 <= value < _INT64:
        return float(value)
    return value


class _Plain:
    """Makes JSON of what came out, of a bounded size."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._left = MOST_VALUES
        self._characters = MOST_BUILT

    def of(self, value: Any) -> Any:
        """As JSON."""
        self._left -= 1
        if self._left < 0:
            raise ExpressionProblem(self._text, f"gives more than {MOST_VALUES} values")
        if isinstance(value, dict):
            return {self._key(key): self.of(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.of(each) for each in value]
        return self._scalar(value)

    def _key(self, key: Any) -> str:
        return key if isinstance(key, str) else str(key).lower() if isinstance(key, bool) else str(key)

    def _scalar(self, value: Any) -> Any:
        if isinstance(value, str) and len(value) > MOST_TEXT:
            raise ExpressionProblem(self._text, f"gives a text of more than {MOST_TEXT} characters")
        self._characters -= len(value) if isinstance(value, str) else 0
        if self._characters < 0:
            raise ExpressionProblem(self._text, f"gives texts of more than {MOST_BUILT} characters together")
        if isinstance(value, float) and not math.isfinite(value):
            raise ExpressionProblem(self._text, "gives a number that is not finite")
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if isinstance(value, timedelta):
            return value.total_seconds()
        raise ExpressionProblem(self._text, f"gives {_kind(value)}, which cannot be kept")


def _kind(value: Any) -> str:
    names = {
        bool: "a truth value",
        int: "a number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "a map",
    }
    return "nothing (null)" if value is None else names.get(type(value), type(value).__name__)
