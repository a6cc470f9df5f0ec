"""Times as epoch seconds or nanoseconds UTC, out of whatever unit or form they were written in.

A recording writes seconds, milliseconds, microseconds or nanoseconds since 1970. For the years 1973 to 2261 these four
do not overlap, so that the size of a number names its unit. Smaller numbers (times relative to a start) are taken to be
in the unit of their column; numbers between the ranges are no times.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

import polars as pl

Unit = Literal["s", "ms", "us", "ns"]
POWER: dict[Unit, int] = {"s": 0, "ms": 3, "us": 6, "ns": 9}
FIRST, LAST = (
    10**8,
    9_200_000_000,
)  # seconds: 1973-03-03 and 2261-07-16, the last whose nanoseconds fit 64 bits

_WITH_OFFSET, _WITHOUT_OFFSET = "%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%dT%H:%M:%S%.f"


def seconds(number: float) -> float:
    """Turn one epoch time of any unit into seconds; what has no unit's size is returned as it is."""
    for power in (3, 6, 9):
        unit = float(10**power)
        if FIRST * unit <= number <= LAST * unit:
            return number / unit
    return number


def parse_text(text: str) -> float | None:
    """Read one ISO 8601 time as epoch seconds, UTC where it names no offset; None when it is no time."""
    try:
        time = datetime.fromisoformat(text.strip())
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def unit_counts(numbers: pl.Series, unit: Unit) -> Iterator[tuple[Unit, int]]:
    """Yield the units other than `unit` that numbers of the column are in, and how many."""
    for other in POWER:
        if other != unit and (rows := int(_in_unit(numbers, other).sum())):
            yield other, rows


def convert(numbers: pl.Series, unit: Unit) -> pl.Series:
    """Turn a column of numbers of any units into integers of `unit`, rounded down, null where a number is no time."""
    if numbers.dtype == pl.Int64 and bool(_in_unit(numbers, unit).all()):
        return numbers
    number = pl.col("n")
    steps: Any = pl.when(number.is_between(-FIRST, FIRST, closed="none")).then(number)
    for power in POWER.values():
        shift = POWER[unit] - power
        value = number * 10**shift if shift >= 0 else number // 10**-shift
        steps = steps.when(number.is_between(FIRST * 10**power, LAST * 10**power)).then(value)
    found = pl.DataFrame({"n": numbers}).select(steps.otherwise(None).alias(numbers.name)).to_series()
    return found.floor().cast(pl.Int64, strict=False) if found.dtype.is_float() else found


def from_datetime(times: pl.Series, unit: Unit) -> pl.Series:
    """Turn a column of datetimes into integers of `unit`, null where they lie before 1678 or after 2261."""
    if unit == "ns" and times.dtype == pl.Datetime("ns", getattr(times.dtype, "time_zone", None)):
        return times.dt.epoch("ns")
    micros = times.dt.epoch("us")
    inside = pl.col("n").is_between(-LAST * 10**6, LAST * 10**6)
    value = pl.col("n") * 10**3 if unit == "ns" else pl.col("n") // 10 ** (6 - POWER[unit])
    return pl.DataFrame({"n": micros}).select(pl.when(inside).then(value).alias(times.name)).to_series()


def from_text(texts: pl.Series, unit: Unit) -> tuple[pl.Series, int]:
    """Read a column of ISO 8601 texts; return integers of `unit`, and how many named no offset (read as UTC).

    Digits below the microsecond are dropped.
    """
    plain = texts.str.strip_chars().str.replace(r"^(.{10}) ", "${1}T").str.replace(r"[Zz]$", "+00:00")
    times = _parsed(plain, _WITH_OFFSET, unit)
    bare = _parsed(plain, _WITHOUT_OFFSET, unit)
    found = times.zip_with(times.is_not_null(), bare)
    rows = int((times.is_null() & bare.is_not_null()).sum())
    rest = texts.filter(found.is_null() & texts.is_not_null()).unique().to_list()
    rare = {text: number for text in rest if (number := _integer(text, unit)) is not None}
    if rare:  # other forms of ISO 8601: dates, weeks, no separators
        odd = texts.replace_strict(rare, default=None, return_dtype=pl.Int64)
        rows += int(texts.is_in([text for text in rare if _names_no_offset(text)]).sum())
        found = found.zip_with(found.is_not_null(), odd)
    return found.alias(texts.name), rows


def _parsed(texts: pl.Series, form: str, unit: Unit) -> pl.Series:
    return from_datetime(texts.str.to_datetime(form, time_unit="us", strict=False), unit)


def _integer(text: str, unit: Unit) -> int | None:
    try:
        time = datetime.fromisoformat(text.strip())
        time = (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    micros = (since.days * 86_400 + since.seconds) * 10**6 + since.microseconds
    found = micros * 10 ** (POWER[unit] - 6) if POWER[unit] >= 6 else micros // 10 ** (6 - POWER[unit])
    return found if abs(found) < 2**63 else None


def _names_no_offset(text: str) -> bool:
    return datetime.fromisoformat(text.strip()).tzinfo is None


def _in_unit(numbers: pl.Series, unit: Unit) -> pl.Series:
    return numbers.is_between(FIRST * 10 ** POWER[unit], LAST * 10 ** POWER[unit])
