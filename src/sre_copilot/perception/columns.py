"""The tables of a case: their columns, what each must hold, and what becomes of a cell that holds nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from sre_copilot.domain.signals import Modality

Kind = Literal["seconds", "nanoseconds", "text", "integer", "number"]
Blank = Literal["leave out", "keep", "unknown"]

DTYPES: dict[Kind, pl.DataType] = {
    "seconds": pl.Int64(),
    "nanoseconds": pl.Int64(),
    "text": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    `blank` says what becomes of a row whose cell is null or cannot be read (and, where the row is left out, empty): the row is left out, the
    null is kept, or the text becomes '' (unknown). `absent` says what an optional column that was not recorded becomes:
    filled with blanks, or left away.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = True
    blank: Blank = "unknown"
    absent: Literal["fill", "leave away"] = "fill"
    words: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One table: the columns in canonical order, those that identify a row, and those that rows are sorted by first."""

    name: Modality
    columns: tuple[Column, ...]
    order: tuple[str, ...]

    @property
    def file(self) -> str:
        """Name of its file."""
        return f"{self.name}.parquet"

    @property
    def required(self) -> tuple[Column, ...]:
        """The columns that must be there."""
        return tuple(column for column in self.columns if column.required)


def _optional(name: str, meaning: str) -> Column:
    return Column(name, "text", meaning, required=False)


def _name(name: str, meaning: str) -> Column:
    return Column(name, "text", meaning, blank="leave out")


# Words that OpenTelemetry's exporters write, lower case and without their prefix, and what they are here.
_KINDS = (
    ("client", "client"),
    ("server", "server"),
    ("internal", "internal"),
    ("producer", "client"),
    ("consumer", "server"),
    ("unspecified", ""),
    ("", ""),
)
_STATUSES = (("ok", "ok"), ("error", "error"), ("unset", ""), ("", ""))

METRICS = Table(
    "metrics",
    (
        Column("ts", "seconds", "time of the sample", blank="leave out"),
        _name("service", "the service"),
        _optional("instance", "the pod, process or host; '' = of the service as a whole"),
        _name("metric", "what is measured, with its unit"),
        Column("value", "number", "the sample; null = not measured", blank="keep"),
    ),
    ("ts", "service", "instance", "metric"),
)
LOGS = Table(
    "logs",
    (
        Column("ts_ns", "nanoseconds", "time of the line; null = not recorded", required=False, blank="keep"),
        _name("service", "the service"),
        _optional("instance", "the pod, process or host"),
        _optional("level", "severity as written"),
        _optional("trace_id", "trace that the line belongs to"),
        _optional("span_id", "span that the line belongs to"),
        Column("message", "text", "the line", blank="leave out"),
    ),
    ("ts_ns", "service", "instance", "message"),
)
TRACES = Table(
    "traces",
    (
        _name("trace_id", "the trace"),
        _name("span_id", "the span, unique in its trace"),
        Column("parent_id", "text", "span_id of the caller; '' = root"),
        _name("service", "the service"),
        _optional("instance", "the pod, process or host"),
        _optional("operation", "what was called"),
        Column("start_ns", "nanoseconds", "start of the span", blank="leave out"),
        Column("duration_us", "integer", "duration in microseconds, not negative", blank="leave out"),
        Column(
            "kind", "text", "client, server, internal; '' = unknown", False, absent="leave away", words=_KINDS
        ),
        Column("status", "text", "ok, error; '' = unknown", False, absent="leave away", words=_STATUSES),
    ),
    ("start_ns", "trace_id", "span_id"),
)
TRANSACTIONS = Table(
    "transactions",
    (
        Column("ts", "seconds", "start of the interval", blank="leave out"),
        _name("service", "the service"),
        _optional("channel", "way in: web, app, partner …"),
        Column("count", "integer", "transactions in the interval", blank="leave out"),
        Column("success", "integer", "those that succeeded, at most `count`", blank="leave out"),
        Column(
            "amount", "number", "money moved, in the currency of the system", required=False, blank="keep"
        ),
        Column("latency_ms", "number", "mean latency in milliseconds", required=False, blank="keep"),
    ),
    ("ts", "service", "channel"),
)
STATE = Table(
    "state",
    (_name("key", "the command"), Column("text", "text", "its output")),
    ("key", "text"),
)
TABLES = (METRICS, LOGS, TRACES, TRANSACTIONS, STATE)
