"""LogQL out of typed parts, so that no value can become a part of the query's form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sre_copilot.agents.queries.promql.parts import Matcher, MatchOp, duration, number, quoted

LineOp = Literal["|=", "!=", "|~", "!~"]
FieldOp = Literal["=", "!=", "=~", "!~", ">", ">=", "<", "<="]
RANGE_FUNCTIONS = (
    "count_over_time", "rate", "bytes_over_time", "bytes_rate", "absent_over_time", "sum_over_time", "avg_over_time", "max_over_time", "min_over_time",
    "first_over_time", "last_over_time", "stddev_over_time", "stdvar_over_time", "quantile_over_time", "rate_counter",
)  # fmt: skip
UNWRAPPED = frozenset(RANGE_FUNCTIONS[5:])
VECTOR_FUNCTIONS = (
    "sum",
    "avg",
    "max",
    "min",
    "count",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "sort",
    "sort_desc",
)


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Lines that hold a text, or do not."""

    op: LineOp
    value: str

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{self.op} {quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Parser:
    """What draws fields out of a line: json, logfmt, or a pattern."""

    name: str
    argument: str = ""

    @property
    def text(self) -> str:
        """As it is written."""
        return f"| {self.name} {quoted(self.argument)}" if self.argument else f"| {self.name}"


@dataclass(frozen=True, slots=True)
class FieldFilter:
    """A condition on a field or label; numbers are compared as numbers."""

    name: str
    op: FieldOp
    value: str | float

    @property
    def text(self) -> str:
        """As it is written."""
        value = quoted(self.value) if isinstance(self.value, str) else number(self.value)
        return (
            f"| {self.name}{self.op}{value}"
            if isinstance(self.value, str)
            else f"| {self.name} {self.op} {value}"
        )


Stage = LineFilter | Parser | FieldFilter


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Streams, and what is done with their lines."""

    matchers: tuple[Matcher, ...]
    stages: tuple[Stage, ...] = ()

    @property
    def text(self) -> str:
        """As it is written."""
        braces = ", ".join(each.text for each in self.matchers)
        return " ".join([f"{{{braces}}}", *(stage.text for stage in self.stages)])


@dataclass(frozen=True, slots=True)
class OverTime:
    """A function of the lines, or of a field of theirs, over a range."""

    function: str
    pipeline: Pipeline
    range_s: float
    unwrap: str = ""
    quantile: float | None = None
    offset_s: float = 0.0

    @property
    def text(self) -> str:
        """As it is written."""
        first = f"{number(self.quantile)}, " if self.quantile is not None else ""
        field = f" | unwrap {self.unwrap}" if self.unwrap else ""
        shift = f" offset {duration(self.offset_s)}" if self.offset_s else ""
        return f"{self.function}({first}{self.pipeline.text}{field} [{duration(self.range_s)}]{shift})"


@dataclass(frozen=True, slots=True)
class Over:
    """An aggregation over series."""

    op: str
    inner: MetricPart
    by: tuple[str, ...] = ()
    parameter: int | None = None

    @property
    def text(self) -> str:
        """As it is written."""
        by = f" by ({', '.join(self.by)}) " if self.by else ""
        first = f"{self.parameter}, " if self.parameter is not None else ""
        return f"{self.op}{by}({first}{self.inner.text})"


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison or quotient."""

    op: str
    left: MetricPart
    right: MetricPart | float

    @property
    def text(self) -> str:
        """As it is written."""
        right = number(self.right) if isinstance(self.right, float) else f"{self.right.text}"
        left = f"({self.left.text})" if isinstance(self.left, Compared) else self.left.text
        return f"{left} {self.op} {right}"


MetricPart = OverTime | Over | Compared
__all__ = [
    "FieldFilter",
    "FieldOp",
    "LineFilter",
    "MatchOp",
    "Matcher",
    "Over",
    "OverTime",
    "Parser",
    "Pipeline",
    "Stage",
]
