"""Log lines: selecting them as the evidence layer does, and grouping them by what wrote them."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from sre_copilot.agents.toolkit.looking import Look
from sre_copilot.agents.toolkit.measuring import fact, rows
from sre_copilot.agents.toolkit.times import said
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.cognition.logs.classify import classify
from sre_copilot.cognition.logs.miner import mine
from sre_copilot.cognition.logs.templates import pattern
from sre_copilot.domain.evidence import Finding, Query
from sre_copilot.domain.signals import Window

AT_MOST = 200_000  # lines that are grouped: a second of work; of more the first are taken, and the counts are of all


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one service that one statement of its program wrote."""

    service: str
    template: str
    level: str
    count: int
    first: float | None
    last: float | None

    @property
    def is_error(self) -> bool:
        """Whether the lines report that something went wrong."""
        return classify(self.template, self.level).is_error


def select(table: pl.DataFrame, where: dict[str, str]) -> pl.DataFrame:
    """Rows that all conditions hold for."""
    for column, value in where.items():
        if not value:
            continue
        if column in ("contains", "pattern"):
            try:
                matches = pl.col("message").str.contains(value, literal=column == "contains")
                table = table.filter(matches.fill_null(False))
            except pl.exceptions.ComputeError as error:
                words = str(error).splitlines()[0]
                raise Trouble("error", "tool.problem.pattern", pattern=value, words=words) from None
        elif column in table.columns:
            table = table.filter(pl.col(column) == value)
        else:
            raise Trouble("error", "tool.problem.column", column=column, near=", ".join(table.columns))
    return table


def groups(table: pl.DataFrame) -> list[Group]:
    """Lines by service and template, the most frequent first."""
    if table.is_empty():
        return []
    few = table.head(AT_MOST)
    mined = mine(few["message"].fill_null(""))
    level = pl.col("level").fill_null("") if "level" in few.columns else pl.lit("")
    seconds = pl.col("ts_ns").cast(pl.Float64) / 1e9 if "ts_ns" in few.columns else pl.lit(None, pl.Float64)
    rows_ = few.select("service", level.alias("level"), seconds.alias("t")).with_columns(mined.template_id)
    found = (
        rows_.group_by("service", "template_id")
        .agg(pl.len().alias("n"), pl.col("t").min().alias("first"), pl.col("t").max().alias("last"),
             pl.col("level").mode().sort().first().alias("level"))
        .sort("n", "service", "template_id", descending=[True, False, False])
    )  # fmt: skip
    return [
        Group(row["service"], mined.templates[row["template_id"]], row["level"] or "", row["n"], row["first"], row["last"])
        for row in found.iter_rows(named=True)
    ]  # fmt: skip


def lines_of(group: Group, window: Window | None) -> Query | None:
    """The query for a group's lines; None where its template says too little to be found by."""
    text = pattern(group.template)
    return rows("logs", {"service": group.service, "pattern": text}, window) if len(text) > 2 else None


def template_fact(seen: Look, group: Group) -> Finding | None:
    """How often a statement was written, and that it was not before its first time."""
    query = lines_of(group, seen.window)
    count = seen.measurer.measure(query, "count") if query else None
    if count is None or count.value == 0:
        return None
    return fact(
        "tool.logs.template", group.service, "logs", (count.check,), window=seen.window,
        count=int(count.value), template=group.template, level=group.level or "–",
        first=said(group.first) if group.first is not None and seen.window else "–",
    )  # fmt: skip
