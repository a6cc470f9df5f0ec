"""Two stretches of time that are compared: the one in question, and normal time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import polars as pl

from sre_copilot.agents.tool import TimeArguments, ToolContext
from sre_copilot.agents.toolkit.looking import TIMES, Look, cut, is_timed, table_in
from sre_copilot.agents.toolkit.measuring import Measurer
from sre_copilot.agents.toolkit.times import is_timeless, said, window_of
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.domain.evidence import Origin
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Modality, Telemetry, Window

BEFORE_S = 1800.0  # compared with where nothing is known to be normal: the half hour before, as an engineer does first
KINDS: tuple[Modality, ...] = ("metrics", "logs", "traces", "transactions")
Side = tuple[Window | None, Origin]


class Spans(TypedDict):
    """Both windows as sentences name them."""

    now: str
    then: str


@dataclass(frozen=True)
class Pair:
    """A window and what it is compared with: the fault-free reference where `baseline` says so, else or besides `then`."""

    context: ToolContext
    now: Window
    then: Window | None
    baseline: bool
    observation: Observation
    measurer: Measurer

    @property
    def spans(self) -> Spans:
        """Both as sentences name them."""
        then = f"{said(self.then.start)}/{said(self.then.end)}" if self.then else "–"
        return {
            "now": f"{said(self.now.start)}/{said(self.now.end)}",
            "then": "baseline" if self.baseline else then,
        }

    def look(self, modality: Modality) -> Look:
        """One kind of telemetry of the observation, of the window in question."""
        seen = Look(self.context, modality, self.now, self.observation)
        seen.__dict__["measurer"] = self.measurer  # the tables that checks run on are made once for all kinds
        return seen

    def now_query(self, seen: Look) -> Side | None:
        """The part of the window in which this kind was recorded; None where it was not, or has no times."""
        rows = self._rows(self.observation.current, seen.modality, self.now)
        return None if rows is None else (_extent(rows, seen.modality), "incident")

    def sides(self, seen: Look) -> list[Side]:
        """What it can be compared with, the best first: the part of normal time in which this kind was recorded."""
        found: list[Side] = []
        reference = self.observation.reference
        if self.baseline and reference is not None:
            rows = self._rows(reference, seen.modality, None)
            found += [] if rows is None else [(_extent(rows, seen.modality), "reference")]
        if self.then is not None:
            rows = self._rows(self.observation.current, seen.modality, self.then)
            found += [] if rows is None else [(_extent(rows, seen.modality), "incident")]
        return found

    def then_query(self, seen: Look) -> Side | None:
        """The best of what it can be compared with; None where nothing was recorded then."""
        return next(iter(self.sides(seen)), None)

    @staticmethod
    def _rows(telemetry: Telemetry, modality: Modality, window: Window | None) -> pl.DataFrame | None:
        table = table_in(telemetry, modality)
        if table is None or table.is_empty() or not is_timed(table, modality):
            return None
        rows = cut(table, modality, window)
        return None if rows.is_empty() else rows


def pair_of(arguments: TimeArguments, other: tuple[str, str], context: ToolContext) -> Pair:
    """The windows that are meant: as named, else the fault and the time before it, with the baseline where there is one."""
    now = window_of(arguments.start, arguments.end, context)
    if is_timeless(now):
        raise Trouble("no_data", "tool.none.timeless")
    incident = context.scene.incident_observation()
    onset = incident.incident.onset if incident else None
    then: Window | None = Window(max(context.scene.bounds().start, now.start - BEFORE_S), now.start)
    if not (arguments.start or arguments.end) and onset is not None and now.start < onset < now.end:
        then, now = Window(now.start, onset), Window(onset, now.end)
    if any(other):
        then = window_of(*other, context)
    if then is not None and then.seconds <= 0:
        then = None
    hull = Window(min(now.start, then.start), max(now.end, then.end)) if then else now
    observation = context.scene.observe(hull, modalities=KINDS)
    baseline = not any(other) and incident is not None and incident.reference is not None
    return Pair(context, now, then, baseline, observation, Measurer(observation))


def _extent(table: pl.DataFrame, modality: Modality) -> Window:
    """From the first row to a second after the last, as a rate needs it."""
    column, unit = TIMES[modality]
    first, last = table[column].min(), table[column].max()
    return Window(float(first) / unit, float(int(float(last) / unit) + 1))  # type: ignore[arg-type]
