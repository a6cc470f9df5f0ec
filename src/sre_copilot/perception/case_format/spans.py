"""Links between spans and their parents: which are absent, which lead in a circle, which ids stand twice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from sre_copilot.perception.case_format.duplicates import ordered
from sre_copilot.perception.case_format.remarks import Remark, remark
from sre_copilot.perception.columns import Table

_ROW = "\x00row"
_PARENT = "\x00parent"


def linked(frame: pl.DataFrame, table: Table) -> tuple[pl.DataFrame, tuple[Remark, ...]]:
    """Remark spans whose parent is absent and ids that stand twice; cut links that lead in a circle.

    A span whose parent was not recorded keeps the parent's id: its caller is unknown, it is no root.
    """
    if not frame.height:
        return frame, ()
    parents, shared = _parents(frame)
    is_child = (frame["parent_id"] != "").to_numpy()
    remarks = []
    if shared:
        remarks.append(_said("shared_span_ids", table, "span_id", rows=shared, total=frame.height))
    if absent := int((is_child & (parents < 0)).sum()):
        remarks.append(_said("absent_parents", table, "parent_id", rows=absent, total=frame.height))
    circular = in_circles(parents)
    if rows := int(circular.sum()):
        remarks.append(_said("circular_spans", table, "parent_id", rows=rows, total=frame.height))
        cut = pl.when(pl.Series(circular)).then(pl.lit("")).otherwise(pl.col("parent_id"))
        frame = ordered(frame.with_columns(cut.alias("parent_id")), table)
    return frame, tuple(remarks)


def in_circles(parents: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Mark the spans from which no chain of parents (row numbers, -1 = none) comes to an end."""
    size = len(parents)
    ancestor = np.append(np.where(parents < 0, size, parents), size)
    for _ in range(size.bit_length() + 1):  # each step doubles how far an ancestor is away
        if (ancestor == size).all():
            break
        ancestor = ancestor[ancestor]
    return np.asarray(ancestor[:size] != size)


def _parents(frame: pl.DataFrame) -> tuple[npt.NDArray[np.int64], int]:
    """Row number of each span's parent in the same trace, -1 where there is none; and how many ids stand twice."""
    hashes = frame.select(span=_hash("span_id"), parent=_hash("parent_id"))
    if hashes["span"].n_unique() == frame.height:  # equal ids have equal hashes: none stands twice
        known = pl.DataFrame({_PARENT: hashes["span"]}).with_row_index(_ROW)
        joined = hashes.join(known, left_on="parent", right_on=_PARENT, how="left", maintain_order="left")
        rows = joined[_ROW].cast(pl.Int64).fill_null(-1)
        if _agree(frame, rows):
            return rows.to_numpy(), 0
    return _parents_by_text(frame)


def _hash(name: str) -> pl.Expr:
    return pl.col("trace_id").hash(seed=1) ^ pl.col(name).hash(seed=2)


def _agree(frame: pl.DataFrame, rows: pl.Series) -> bool:
    """Whether every parent that was found by its hash has the wanted ids: hashes may collide."""
    child = frame.filter(rows >= 0).select("trace_id", "parent_id")
    parent = frame.select("trace_id", "span_id")[rows.filter(rows >= 0)]
    same = (child["trace_id"] == parent["trace_id"]) & (child["parent_id"] == parent["span_id"])
    return bool(same.all())


def _parents_by_text(frame: pl.DataFrame) -> tuple[npt.NDArray[np.int64], int]:
    known = frame.select("trace_id", "span_id").with_row_index(_ROW)
    once = known.unique(["trace_id", "span_id"], keep="first", maintain_order=True)
    joined = frame.select("trace_id", "parent_id").join(
        once,
        left_on=["trace_id", "parent_id"],
        right_on=["trace_id", "span_id"],
        how="left",
        maintain_order="left",
    )
    return joined[_ROW].cast(pl.Int64).fill_null(-1).to_numpy(), frame.height - once.height


def _said(what: str, table: Table, field: str, **params: int) -> Remark:
    return remark(f"gap.reader.{what}", table.name, table.file, field=field, **params)
