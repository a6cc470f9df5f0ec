"""Log lines of an incident and of its reference as one table of statements in their traces."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from sre_copilot.cognition.logs.classify import Classification, classify
from sre_copilot.cognition.logs.miner import mine
from sre_copilot.domain.signals import Window

CURRENT, REFERENCE, PAST = 1, 0, 2
"""Where a line comes from: the incident, fault-free telemetry, or the incident's own fault-free past."""


@dataclass(frozen=True)
class Statement:
    """A logging statement: a template of one service."""

    service: str
    template: str
    level: str

    @cached_property
    def classification(self) -> Classification:
        """What it is about."""
        return classify(self.template, self.level)


@dataclass(frozen=True)
class Lines:
    """All lines, sorted by trace and time.

    `table` columns: origin (Int8), t (Float64, s), trace_id (String, '' = none), service, level, statement
    (Int64, key of `statements`), position (UInt32).
    `recorded` is the time that the incident's lines cover, `past` the stretch of it that counts as normal.
    """

    table: pl.DataFrame
    statements: dict[int, Statement]
    recorded: Window
    past: Window | None

    def of(self, *origins: int) -> pl.DataFrame:
        """The lines of some origins."""
        return self.table.filter(pl.col("origin").is_in(origins))

    def statement_ids(self, *, dependency: bool | None = None, error: bool | None = None) -> list[int]:
        """Statements by class; None takes both."""
        return [
            key
            for key, statement in self.statements.items()
            if (dependency is None or statement.classification.about_dependency is dependency)
            and (error is None or statement.classification.is_error is error)
        ]

    @property
    def warnings(self) -> list[int]:
        """Statements that warn."""
        return [
            key
            for key, statement in self.statements.items()
            if statement.level.upper() in ("WARN", "WARNING")
        ]


_COLUMNS = ("ts_ns", "service", "level", "trace_id", "message")


def combine(current: pl.DataFrame, reference: pl.DataFrame | None, past: Window | None) -> Lines:
    """Mine the lines of both tables together, so that a statement has one identity in both.

    Parameters
    ----------
    current, reference : log tables with times (rows without are left out)
    past : stretch of `current` that counts as normal, or None
    """
    parts = [_part(current, CURRENT)]
    if reference is not None and reference.height:
        parts.append(_part(reference, REFERENCE))
    table = pl.concat(parts)
    mined = mine(table["message"])
    width = max(len(mined.templates), 1)
    services = table["service"].unique().sort()
    code = pl.col("service").replace_strict(
        services, pl.int_range(services.len(), eager=True), return_dtype=pl.Int64
    )
    table = table.drop("message").with_columns(statement=code * width + mined.template_id.cast(pl.Int64))
    if past is not None:
        in_past = (pl.col("origin") == CURRENT) & pl.col("t").is_between(past.start, past.end, closed="left")
        table = table.with_columns(origin=pl.when(in_past).then(PAST).otherwise("origin").cast(pl.Int8))
    table = table.sort("trace_id", "t", "statement", "origin").with_row_index("position")
    own = table.filter(pl.col("origin") != REFERENCE)["t"]
    recorded = Window(float(own.min() or 0.0), float(own.max() or 0.0))  # type: ignore[arg-type]
    return Lines(table, _statements(table, mined.templates, width), recorded, past)


def _part(logs: pl.DataFrame, origin: int) -> pl.DataFrame:
    return (
        logs.select(*(_column(logs, name) for name in _COLUMNS))
        .filter(pl.col("ts_ns").is_not_null())
        .select(
            pl.lit(origin, dtype=pl.Int8).alias("origin"),
            (pl.col("ts_ns") / 1e9).alias("t"),
            *(pl.col(name).fill_null("") for name in ("service", "level", "trace_id", "message")),
        )
    )


def _column(logs: pl.DataFrame, name: str) -> pl.Expr:
    if name in logs.columns:
        return pl.col(name)
    return pl.lit(None, dtype=pl.Int64 if name == "ts_ns" else pl.String).alias(name)


def _statements(table: pl.DataFrame, templates: tuple[str, ...], width: int) -> dict[int, Statement]:
    each = table.group_by("statement").agg(pl.col("service").first(), pl.col("level").max())
    return {
        key: Statement(service, templates[key % width], level)
        for key, service, level in each.sort("statement").iter_rows()
    }
