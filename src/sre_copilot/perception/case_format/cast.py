"""One column of a recording in its canonical type; what had to be done to get there is remarked."""

from __future__ import annotations

from typing import Any

import polars as pl

from sre_copilot.errors import BadCaseError
from sre_copilot.perception.case_format.remarks import Remark, remark
from sre_copilot.perception.case_format.times import Unit, convert, from_datetime, from_text, unit_counts
from sre_copilot.perception.columns import DTYPES, Column, Table

_UNITS: dict[str, Unit] = {"seconds": "s", "nanoseconds": "ns"}
_WIDENED = "note.reader.widened"


def canonical(series: pl.Series, column: Column, table: Table) -> tuple[pl.Series, tuple[Remark, ...]]:
    """Cast a column; cells that cannot be read become null, and this is remarked.

    Raises
    ------
    BadCaseError : when its type, or not one of its cells, can be understood
    """
    cast = _TO[column.kind]
    found, remarks = cast(series, column, table)
    lost = series.is_not_null() & found.is_null()
    if series.dtype.is_float():
        lost &= series.is_finite()  # NaN and infinities are remarked as such
    rows = int(lost.sum())
    if rows and rows == len(series) - series.null_count():
        raise _refused(series, column, table, row=lost.arg_max())
    if rows:
        remarks += (_said("cells_unread", column, table, row=lost.arg_max(), rows=rows, total=len(series)),)
    return found, remarks


def uncastable(series: pl.Series, column: Column, table: Table) -> BadCaseError | None:
    """Return what is wrong with a column that cannot be cast, or None."""
    try:
        canonical(series, column, table)
    except BadCaseError as error:
        return error
    return None


def _text(series: pl.Series, column: Column, table: Table) -> tuple[pl.Series, tuple[Remark, ...]]:
    if series.dtype == pl.String:
        return series, ()
    if series.dtype == pl.Binary:
        return _decoded(series, column, table)
    if isinstance(series.dtype, pl.Categorical | pl.Enum):
        return series.cast(pl.String), _widened(series, column, table)
    if series.dtype.is_integer() or series.dtype in (pl.Boolean, pl.Null):
        return series.cast(pl.String), _converted(series, column, table)
    raise _refused(series, column, table)


def _decoded(series: pl.Series, column: Column, table: Table) -> tuple[pl.Series, tuple[Remark, ...]]:
    """Read bytes as UTF-8; a byte that is none becomes U+FFFD, and this is said."""
    try:
        return series.cast(pl.String), _widened(series, column, table)
    except (
        pl.exceptions.ComputeError
    ):  # raised for bytes that are not UTF-8, even where a cast need not be strict
        cells = [None if raw is None else raw.decode("utf-8", "replace") for raw in series.to_list()]
    text = pl.Series(series.name, cells, dtype=pl.String)
    broken = (text.cast(pl.Binary) != series).fill_null(value=False)
    rows = int(broken.sum())
    return text, (_said("not_utf8", column, table, row=broken.arg_max(), rows=rows, total=len(series)),)


def _number(series: pl.Series, column: Column, table: Table) -> tuple[pl.Series, tuple[Remark, ...]]:
    if series.dtype == pl.Float64:
        return _finite(series, column, table, ())
    if series.dtype.is_numeric():
        return _finite(series.cast(pl.Float64, strict=False), column, table, _widened(series, column, table))
    if series.dtype in (pl.String, pl.Boolean, pl.Null):
        cast = series.cast(pl.Float64, strict=False)
        return _finite(cast, column, table, _converted(series, column, table))
    raise _refused(series, column, table)


def _integer(series: pl.Series, column: Column, table: Table) -> tuple[pl.Series, tuple[Remark, ...]]:
    if series.dtype == pl.Int64:
        return series, ()
    if series.dtype.is_integer():
        return series.cast(pl.Int64, strict=False), _widened(series, column, table)
    if series.dtype in (pl.String, pl.Null) or series.dtype.is_float():
        numbers, remarks = _finite(
            series.cast(pl.Float64, strict=False), column, table, _converted(series, column, table)
        )
        return numbers.round().cast(pl.Int64, strict=False), remarks
    raise _refused(series, column, table)


def _time(series: pl.Series, column: Column, table: Table) -> tuple[pl.Series, tuple[Remark, ...]]:
    unit = _UNITS[column.kind]
    if isinstance(series.dtype, pl.Datetime):
        return _from_datetime(series, column, table)
    if series.dtype == pl.String:
        numbers = series.cast(pl.Float64, strict=False)
        if numbers.null_count() > series.null_count():
            return _from_iso(series, column, table)
        whole = series.cast(pl.Int64, strict=False)
        series = whole if whole.null_count() == series.null_count() else numbers
        return convert(series, unit), (
            *_converted(numbers, column, table, "text"),
            *_units(series, column, table),
        )
    if series.dtype.is_integer():
        widened = () if series.dtype == pl.Int64 else _widened(series, column, table)
        series = series.cast(pl.Int64, strict=False)
        return convert(series, unit), (*widened, *_units(series, column, table))
    if series.dtype.is_float() or series.dtype in (pl.Null, pl.Decimal):
        numbers, remarks = _finite(series.cast(pl.Float64), column, table, _converted(series, column, table))
        return convert(numbers, unit), (*remarks, *_units(numbers, column, table))
    raise _refused(series, column, table)


def _from_datetime(series: pl.Series, column: Column, table: Table) -> tuple[pl.Series, tuple[Remark, ...]]:
    unit = _UNITS[column.kind]
    dtype = series.dtype
    remarks = _converted(series, column, table)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
        rows = len(series) - series.null_count()
        remarks += (_said("no_offset", column, table, rows=rows),)
    return from_datetime(series, unit), remarks


def _from_iso(series: pl.Series, column: Column, table: Table) -> tuple[pl.Series, tuple[Remark, ...]]:
    times, bare = from_text(series, _UNITS[column.kind])
    remarks = _converted(series, column, table)
    return times, (*remarks, _said("no_offset", column, table, rows=bare)) if bare else remarks


def _units(numbers: pl.Series, column: Column, table: Table) -> tuple[Remark, ...]:
    counts = unit_counts(numbers, _UNITS[column.kind])
    return tuple(_said("unit_converted", column, table, unit=unit, rows=rows) for unit, rows in counts)


def _finite(
    numbers: pl.Series, column: Column, table: Table, remarks: tuple[Remark, ...]
) -> tuple[pl.Series, tuple[Remark, ...]]:
    """Turn NaN and infinities into null: they say that nothing was measured."""
    odd = numbers.is_finite().not_().fill_null(value=False)
    rows = int(odd.sum())
    if not rows:
        return numbers, remarks
    said = _said("not_a_number", column, table, row=odd.arg_max(), rows=rows, total=len(numbers))
    return numbers.set(odd, None), (*remarks, said)


def _widened(series: pl.Series, column: Column, table: Table) -> tuple[Remark, ...]:
    types: dict[str, Any] = {"found": str(series.dtype), "expected": str(DTYPES[column.kind])}
    return (remark(_WIDENED, table.name, table.file, field=column.name, **types),)


def _converted(series: pl.Series, column: Column, table: Table, found: str = "") -> tuple[Remark, ...]:
    if not len(series):
        return ()
    types: dict[str, Any] = {"found": found or str(series.dtype), "expected": str(DTYPES[column.kind])}
    return (_said("cast", column, table, **types),)


def _said(
    what: str, column: Column, table: Table, *, row: int | None = None, **params: str | float | int
) -> Remark:
    return remark(f"gap.reader.{what}", table.name, table.file, field=column.name, row=row, **params)


def _refused(series: pl.Series, column: Column, table: Table, row: int | None = None) -> BadCaseError:
    problem = f"is {series.dtype}, which cannot be read as {_EXPECTED[column.kind]}"
    remedy = f"expected: {DTYPES[column.kind]}, {column.meaning}"
    return BadCaseError(table.file, problem, field=column.name, row=row, remedy=remedy)


_EXPECTED = {
    "seconds": "a time in epoch seconds",
    "nanoseconds": "a time in epoch nanoseconds",
    "text": "text",
    "integer": "a whole number",
    "number": "a number",
}
_TO = {"seconds": _time, "nanoseconds": _time, "text": _text, "integer": _integer, "number": _number}
