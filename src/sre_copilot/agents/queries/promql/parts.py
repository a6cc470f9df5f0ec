"""PromQL out of typed parts, so that no value can become a part of the query's form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MatchOp = Literal["=", "!=", "=~", "!~"]


def duration(length_s: float) -> str:
    """A duration in the largest unit that divides it."""
    for unit, length in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60)):
        if length_s >= length and length_s % length == 0 and unit != "w":
            return f"{length_s / length:.0f}{unit}"
    return f"{max(1, round(length_s))}s"


def quoted(text: str) -> str:
    """A string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def number(value: float) -> str:
    """A number as a person would write it."""
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.12g}"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label."""

    name: str
    op: MatchOp
    value: str

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{self.name}{self.op}{quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Selector:
    """Series of a metric, at a moment or over a range, shifted back by an offset."""

    metric: str
    matchers: tuple[Matcher, ...] = ()
    range_s: float = 0.0
    offset_s: float = 0.0

    @property
    def text(self) -> str:
        """As it is written."""
        inner = ",".join(each.text for each in self.matchers)
        braces = f"{{{inner}}}" if inner else ""
        window = f"[{duration(self.range_s)}]" if self.range_s else ""
        shift = f" offset {duration(self.offset_s)}" if self.offset_s else ""
        return f"{self.metric}{braces}{window}{shift}"


@dataclass(frozen=True, slots=True)
class Number:
    """A number."""

    value: float

    @property
    def text(self) -> str:
        """As it is written."""
        return number(self.value)


@dataclass(frozen=True, slots=True)
class Apply:
    """A function with its arguments."""

    function: str
    arguments: tuple[Part, ...]

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{self.function}({', '.join(each.text for each in self.arguments)})"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregation over series; `parameter` is the k of topk."""

    op: str
    inner: Part
    by: tuple[str, ...] = ()
    parameter: float | None = None

    @property
    def text(self) -> str:
        """As it is written."""
        by = f" by ({', '.join(self.by)}) " if self.by else ""
        first = f"{number(self.parameter)}, " if self.parameter is not None else ""
        return f"{self.op}{by}({first}{self.inner.text})"


@dataclass(frozen=True, slots=True)
class Binary:
    """Two parts and an operator between them; `paired` are labels that must be equal on both sides where not all are."""

    op: str
    left: Part
    right: Part

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{_inner(self.left)} {self.op} {_inner(self.right)}"


Part = Selector | Number | Apply | Aggregate | Binary


def _inner(part: Part) -> str:
    return f"({part.text})" if isinstance(part, Binary) else part.text
