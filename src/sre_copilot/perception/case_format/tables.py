"""The tables of a case in canonical form: types as documented, impossible rows left out, rows in one order."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from sre_copilot.errors import BadCaseError
from sre_copilot.perception.case_format.case_files import read_parquet
from sre_copilot.perception.case_format.cast import canonical, uncastable
from sre_copilot.perception.case_format.duplicates import ordered, without_duplicates
from sre_copilot.perception.case_format.remarks import Remark, remark
from sre_copilot.perception.case_format.spans import linked
from sre_copilot.perception.columns import DTYPES, Column, Table

Read = tuple[pl.DataFrame, tuple[Remark, ...]]


def read(folder: Path, table: Table) -> Read | None:
    """Read one table of a case, or None when it was not recorded.

    Raises
    ------
    BadCaseError : when the file or a required column cannot be read
    """
    raw = read_parquet(folder, table.file)
    if raw is None:
        return None
    for problem in missing(raw, table):
        raise problem
    return normalise(raw, table)


def problems(raw: pl.DataFrame, table: Table) -> Iterator[BadCaseError]:
    """Say all that makes a table unreadable: required columns that are missing or hold something else."""
    yield from missing(raw, table)
    for column in table.columns:
        if column.name in raw.columns and (error := uncastable(raw[column.name], column, table)):
            yield error


def missing(raw: pl.DataFrame, table: Table) -> Iterator[BadCaseError]:
    """Name the required columns that a table lacks, and a column that may have been meant."""
    known = {column.name for column in table.columns}
    for column in table.required:
        if column.name not in raw.columns:
            near = get_close_matches(column.name, sorted(set(raw.columns) - known), n=1)
            hint = f"; rename '{near[0]}'?" if near else ""
            remedy = f"expected: {DTYPES[column.kind]}, {column.meaning}{hint}"
            yield BadCaseError(table.file, "column is missing", field=column.name, remedy=remedy)


def normalise(raw: pl.DataFrame, table: Table) -> Read:
    """Bring a table whose columns can be read into canonical form."""
    columns: list[pl.Series] = []
    remarks: list[Remark] = []
    for column in table.columns:
        if column.name in raw.columns:
            series, said = canonical(raw[column.name], column, table)
            series, worded = _worded(series, column, table)
            columns.append(series)
            remarks += (*said, *worded)
        elif column.absent == "fill":
            blank = "" if column.kind == "text" else None
            columns.append(
                pl.repeat(blank, raw.height, dtype=DTYPES[column.kind], eager=True).alias(column.name)
            )
    if unread := sorted(set(raw.columns) - {column.name for column in table.columns}):
        remarks.append(
            remark("note.reader.columns_unread", table.name, table.file, fields=", ".join(unread[:20]))
        )
    frame = pl.DataFrame(columns)
    frame, said = _complete(frame, table)
    remarks += said
    frame, said = _RULES[table.name](frame, table)
    remarks += said
    if not frame.height:
        remarks.append(remark("gap.reader.empty", table.name, table.file))
    return frame, tuple(remarks)


def _worded(series: pl.Series, column: Column, table: Table) -> tuple[pl.Series, tuple[Remark, ...]]:
    """Translate the words of a column that has a closed vocabulary; others become '' (unknown)."""
    if not column.words:
        return series, ()
    known = dict(column.words)
    bare = series.str.to_lowercase().str.replace(r"^(span_kind|status_code)_", "")
    found = bare.replace_strict(known, default=None, return_dtype=pl.String)
    odd = series.is_not_null() & found.is_null()
    if not odd.any():
        return found, ()
    params: dict[str, Any] = {
        "rows": int(odd.sum()),
        "total": len(series),
        "expected": ", ".join(_said(known)),
    }
    key = "gap.reader.unknown_words"
    return found, (remark(key, table.name, table.file, field=column.name, row=odd.arg_max(), **params),)


def _said(known: dict[str, str]) -> list[str]:
    return sorted({word for word in known.values() if word})


def _complete(frame: pl.DataFrame, table: Table) -> Read:
    """Leave out rows that lack what identifies them, and write '' for texts that are not known."""
    remarks: list[Remark] = []
    bad = pl.repeat(value=False, n=frame.height, eager=True)
    unknown = []
    for column in table.columns:
        if column.name not in frame.columns:
            continue
        series = frame[column.name]
        if column.blank == "leave out":
            blank = series.is_null()
            if column.kind == "text" and column.name != "message":
                blank |= (series == "").fill_null(value=False)
            if blank.any():
                params = {"rows": int(blank.sum()), "total": frame.height}
                key = "gap.reader.rows_without"
                said = remark(key, table.name, table.file, field=column.name, row=blank.arg_max(), **params)
                remarks.append(said)
                bad |= blank
        elif column.blank == "unknown" and series.null_count():
            unknown.append(column.name)
    if unknown:
        frame = frame.with_columns(pl.col(unknown).fill_null(""))
    return (frame.filter(~bad) if remarks else frame), tuple(remarks)


def _metrics(frame: pl.DataFrame, table: Table) -> Read:
    return without_duplicates(ordered(frame, table), table)


def _logs(frame: pl.DataFrame, table: Table) -> Read:
    """Order lines by time; equal lines are kept, since a line may well be written twice."""
    bare = frame["ts_ns"].null_count()
    if not 0 < bare < frame.height:
        return ordered(frame, table), ()
    params = {"rows": bare, "total": frame.height}
    said = remark("gap.reader.lines_without_time", table.name, table.file, field="ts_ns", **params)
    return ordered(frame, table), (said,)


def _traces(frame: pl.DataFrame, table: Table) -> Read:
    frame, negative = _possible(frame, table, pl.col("duration_us") >= 0, "duration_us", "negative_duration")
    frame, twice = without_duplicates(ordered(frame, table), table)
    frame, links = linked(frame, table)
    return frame, (*negative, *twice, *links)


def _transactions(frame: pl.DataFrame, table: Table) -> Read:
    possible = (pl.col("count") >= 0) & (pl.col("success") >= 0) & (pl.col("success") <= pl.col("count"))
    frame, impossible = _possible(frame, table, possible, "success", "impossible_counts")
    frame, twice = without_duplicates(ordered(frame, table), table)
    return frame, (*impossible, *twice)


def _state(frame: pl.DataFrame, table: Table) -> Read:
    """Join several outputs of one command, none is preferred."""
    frame = frame.unique().sort("key", "text")
    keys = frame["key"].n_unique()
    if keys == frame.height:
        return frame, ()
    said = remark("gap.reader.outputs_joined", table.name, table.file, field="key", rows=frame.height - keys)
    return frame.group_by("key", maintain_order=True).agg(pl.col("text").str.join("\n")), (said,)


def _possible(frame: pl.DataFrame, table: Table, rule: pl.Expr, field: str, what: str) -> Read:
    good = frame.select(rule).to_series()
    if good.all():
        return frame, ()
    params = {"rows": int((~good).sum()), "total": frame.height}
    said = remark(f"gap.reader.{what}", table.name, table.file, field=field, row=(~good).arg_max(), **params)
    return frame.filter(good), (said,)


_RULES = {
    "metrics": _metrics,
    "logs": _logs,
    "traces": _traces,
    "transactions": _transactions,
    "state": _state,
}
