"""Reading one kind of telemetry for a tool: what is there, what was not recorded, and what could not be asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypedDict

import polars as pl

from sre_copilot.agents.tool import ToolContext
from sre_copilot.agents.toolkit.measuring import Measurer
from sre_copilot.agents.toolkit.times import is_timeless, said
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.domain.evidence import Gap
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Modality, Telemetry, Window

TIMES = {
    "metrics": ("ts", 1.0),
    "logs": ("ts_ns", 1e9),
    "traces": ("start_ns", 1e9),
    "transactions": ("ts", 1.0),
}
UNREAD = "gap.source.unread"


class Span(TypedDict):
    """Start and end as sentences name them."""

    start: str
    end: str


@dataclass(frozen=True)
class Look:
    """A window of a scene, read for one kind of telemetry."""

    context: ToolContext
    modality: Modality
    asked: Window
    observation: Observation

    @cached_property
    def measurer(self) -> Measurer:
        """Measures on what was read."""
        return Measurer(self.observation)

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be read of this kind."""
        return tuple(gap for gap in self.observation.gaps if gap.modality == self.modality)

    @cached_property
    def table(self) -> pl.DataFrame:
        """The rows of the window; what was not recorded in it is no data, what could not be asked an error."""
        return self.table_of(self.modality)

    def table_of(self, modality: Modality) -> pl.DataFrame:
        """The rows of one kind."""
        found = table_in(self.observation.current, modality)
        if found is None:
            raise self.missing(modality)
        return cut(found, modality, self.window)

    @cached_property
    def window(self) -> Window | None:
        """The window as a query names it; None where the rows have no times."""
        found = table_in(self.observation.current, self.modality)
        if is_timeless(self.asked) or (found is not None and not is_timed(found, self.modality)):
            return None
        return self.asked

    @property
    def span(self) -> Span:
        """Start and end as sentences name them."""
        if is_timeless(self.asked):
            return {"start": "–", "end": "–"}
        return {"start": said(self.asked.start), "end": said(self.asked.end)}

    def missing(self, modality: Modality) -> Trouble:
        """Why there is nothing of a kind: not recorded, or not readable now."""
        gaps = tuple(gap for gap in self.observation.gaps if gap.modality == modality)
        unread = [gap for gap in gaps if gap.message.key == UNREAD]
        if unread:
            words = "; ".join(self.context.say(gap.message, self.context.lang) for gap in unread)
            return Trouble("error", "tool.problem.unread", gaps=gaps, words=words, **self.span)
        told = " ".join(self.context.say(gap.message, self.context.lang) for gap in gaps[:2])
        there = [name for name in TIMES if table_in(self.observation.current, name) is not None]  # type: ignore[arg-type]
        return Trouble(
            "no_data", "tool.none.not_recorded", gaps=gaps, modality=modality, told=told,
            there=", ".join(there) or "–", **self.span,
        )  # fmt: skip


def look(context: ToolContext, window: Window, modality: Modality, *more: Modality) -> Look:
    """Read a window of the scene."""
    observation = context.scene.observe(window, modalities=(modality, *more))
    return Look(context, modality, window, observation)


def table_in(telemetry: Telemetry, modality: Modality) -> pl.DataFrame | None:
    """One of the four tables; None where it was not recorded."""
    found: pl.DataFrame | None = getattr(telemetry, modality) if modality in TIMES else None
    return found


def is_timed(table: pl.DataFrame, modality: Modality) -> bool:
    """Whether rows have times; an empty table counts as timed."""
    column = TIMES[modality][0]
    return column in table.columns and (table.is_empty() or table[column].null_count() < table.height)


def cut(table: pl.DataFrame, modality: Modality, window: Window | None) -> pl.DataFrame:
    """Rows of a window, by their time as the evidence layer takes it: a 64-bit float of epoch seconds."""
    if window is None:
        return table
    column, unit = TIMES[modality]
    seconds = pl.Series("t", table[column].cast(pl.Float64).to_numpy() / unit, nan_to_null=True)
    inside = seconds.is_between(window.start, window.end, closed="left").fill_null(False)
    return table.filter(inside)
