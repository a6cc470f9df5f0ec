"""Rows in one order, each once."""

from __future__ import annotations

import polars as pl

from sre_copilot.perception.case_format.remarks import Remark, remark
from sre_copilot.perception.columns import Table

_PACKED = 2**62  # a key of several columns is sorted as one 64-bit integer as long as it fits


def ordered(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Sort rows so that their order depends on nothing but their content."""
    packed = _packed(frame, table.order) if table.name == "metrics" else None
    by_key = frame.sort(table.order, nulls_last=True) if packed is None else frame[packed.arg_sort()]
    if not _repeats(by_key, table):
        return by_key
    return frame.sort(
        [*table.order, *(name for name in frame.columns if name not in table.order)], nulls_last=True
    )


def without_duplicates(frame: pl.DataFrame, table: Table) -> tuple[pl.DataFrame, tuple[Remark, ...]]:
    """Keep equal rows once; contradicting samples of one metric become their mean."""
    if not _repeats(frame, table):
        return frame, ()
    kept = frame.unique(maintain_order=True)
    remarks: list[Remark] = []
    if rows := frame.height - kept.height:
        remarks.append(
            remark("gap.reader.duplicate_rows", table.name, table.file, rows=rows, total=frame.height)
        )
    if table.name == "metrics" and (rows := kept.height - kept.n_unique(list(table.order))):
        kept = kept.group_by(table.order, maintain_order=True).agg(pl.col("value").mean())
        remarks.append(
            remark("gap.reader.contradicting_rows", table.name, table.file, field="value", rows=rows)
        )
    return kept, tuple(remarks)


def _repeats(frame: pl.DataFrame, table: Table) -> bool:
    """Whether a row may stand twice: rows are in order, so that equal ones are neighbours."""
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in table.order)
    return bool(frame.select(same.any()).item()) if frame.height > 1 else False


def _packed(frame: pl.DataFrame, names: tuple[str, ...]) -> pl.Series | None:
    """One integer a row that sorts as `names` (a time, then texts) do, or None when it does not fit."""
    first, last = frame[names[0]].min(), frame[names[0]].max()
    if not isinstance(first, int) or not isinstance(last, int):
        return None
    key, size = frame[names[0]] - first, last - first + 1
    for name in names[1:]:
        words = frame[name].unique().sort()
        size *= len(words)
        if size >= _PACKED:
            return None
        codes = frame[name].replace_strict(words, pl.int_range(len(words), eager=True), return_dtype=pl.Int64)
        key = key * len(words) + codes
    return key
