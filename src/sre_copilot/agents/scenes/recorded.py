"""A recorded incident as a scene: everything is there already, a window is cut out of it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import polars as pl

from sre_copilot.agents.scene import ALL
from sre_copilot.domain.cmdb import CALLS, Entity, Inventory, Relation, inventory_of
from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.incident import Complaint, Incident, Observation
from sre_copilot.domain.signals import Modality, Telemetry, Window
from sre_copilot.perception.recorded import RecordedSource
from sre_copilot.perception.source import Asked
from sre_copilot.perception.windows import within

KEPT = 16  # windows that are kept cut: as many as a question usually looks at
TABLES: tuple[tuple[Modality, str, float], ...] = (
    ("metrics", "ts", 1.0),
    ("logs", "ts_ns", 1e9),
    ("traces", "start_ns", 1e9),
    ("transactions", "ts", 1.0),
)


class RecordedScene:
    """Looks at one observation; nothing is read again, and nothing changes."""

    def __init__(self, observation: Observation, *, name: str = "", asked: tuple[Asked, ...] = ()) -> None:
        self._observation = observation
        self._name = name or observation.incident.id or "recorded"
        self._asked = asked
        self._lock = threading.Lock()
        self._cuts: dict[Window, Observation] = {}

    @classmethod
    def of_case(cls, folder: Path) -> RecordedScene:
        """Read the folder of a case.

        Raises
        ------
        BadCaseError : when it cannot be read; names file, row and field
        """
        source = RecordedSource(folder)
        asked = Asked(source=source.name, text=f"all tables of {folder.name}", target=folder.name)
        return cls(source.observe(), asked=(asked,))

    @property
    def name(self) -> str:
        """The id of the case."""
        return self._name

    def now(self) -> float:
        """The end of the recording."""
        return self.bounds().end

    def bounds(self) -> Window:
        """From the first to the last time that was recorded; `Window(0, 0)` where nothing has a time."""
        return self._bounds

    def incident_observation(self) -> Observation:
        """All that was recorded."""
        return self._observation

    def observe(
        self, window: Window, *, modalities: Sequence[Modality] = ALL, complaint: str = "", entity: str = ""
    ) -> Observation:
        """Cut a window out of the recording; its reference is the baseline, else the calm time before it.

        All kinds are there whatever `modalities` says: they cost nothing.
        """
        with self._lock:
            found = self._cuts.get(window)
            if found is None:
                found = self._cuts[window] = self._cut(window)
                while len(self._cuts) > KEPT:
                    del self._cuts[next(iter(self._cuts))]
        if not (complaint or entity):
            return found
        told = Complaint(text=complaint, entity=entity, at=found.incident.onset)
        return replace(found, incident=replace(found.incident, complaint=told))

    def inventory(self) -> Inventory:
        """Services and who calls whom."""
        return self._inventory

    def services(self) -> tuple[str, ...]:
        """All that telemetry, topology, alerts or changes name."""
        return self._services

    def asked(self) -> tuple[Asked, ...]:
        """What was read."""
        return self._asked

    @cached_property
    def _bounds(self) -> Window:
        times = [*_extents(self._observation.current)]
        if window := self._observation.incident.window:
            times += [window.start, window.end]
        return Window(min(times), max(times)) if times else Window(0.0, 0.0)

    @cached_property
    def _inventory(self) -> Inventory:
        links = (Relation(caller=a, callee=b, kind=CALLS) for a, b in self._observation.topology.edges)
        return inventory_of((Entity(name=name) for name in self._services), links)

    @cached_property
    def _services(self) -> tuple[str, ...]:
        return services_of(self._observation)

    def _cut(self, window: Window) -> Observation:
        whole = self._observation
        if window.start <= self._bounds.start and window.end >= self._bounds.end:
            return whole
        current, gaps = _inside(whole.current, window)
        reference = whole.reference or _calm(whole, self._bounds.start, window.start)
        return replace(
            whole,
            incident=_incident(whole.incident, window),
            current=current,
            reference=reference,
            gaps=(*whole.gaps, *gaps),
        )


def services_of(observation: Observation) -> tuple[str, ...]:
    """Names of services that an observation holds, sorted."""
    found: set[str] = set(observation.topology.entities)
    current = observation.current
    for table in (current.metrics, current.logs, current.traces, current.transactions):
        if table is not None and "service" in table.columns:
            found.update(table["service"].drop_nulls().unique().to_list())
    found.update(alert.entity for alert in current.alerts or ())
    found.update(change.service for change in current.changes or ())
    found.add(observation.incident.complaint.entity)
    return tuple(sorted(found - {""}))


def _incident(incident: Incident, window: Window) -> Incident:
    onset = incident.onset
    inside = onset is not None and window.start <= onset < window.end
    return replace(incident, window=window, onset=onset if inside else None)


def _inside(telemetry: Telemetry, window: Window) -> tuple[Telemetry, list[Gap]]:
    """What lies in a window; a table that has rows only at other times was not recorded in it."""
    found = within(telemetry, window)
    gaps: list[Gap] = []
    for name, column, _ in TABLES:
        before: pl.DataFrame | None = getattr(telemetry, name)
        after: pl.DataFrame | None = getattr(found, name)
        if before is None or after is None or before.is_empty():
            continue
        if before[column].null_count() == before.height:  # without times: everything or nothing
            found = replace(found, **{name: before})  # type: ignore[arg-type]
        elif after.is_empty():
            found = replace(found, **{name: None})
            gaps.append(
                Gap(modality=name, message=Message(key="gap.scene.window", params=(("modality", name),)))
            )
    return found, gaps


def _calm(whole: Observation, first: float, until: float) -> Telemetry | None:
    """What was recorded before a window, as far as it precedes the fault."""
    onset = whole.incident.onset
    end = min(until, onset) if onset is not None else until
    if end <= first:
        return None
    calm = within(whole.current, Window(first, end))
    tables = (calm.metrics, calm.logs, calm.traces, calm.transactions)
    return calm if any(table is not None and not table.is_empty() for table in tables) else None


def _extents(telemetry: Telemetry) -> Iterator[float]:
    """First and last time of each table, the last a little later, so that its row belongs to the window."""
    for name, column, unit in TABLES:
        table: pl.DataFrame | None = getattr(telemetry, name)
        if table is None or column not in table.columns or table[column].null_count() == table.height:
            continue
        first, last = table[column].min(), table[column].max()
        yield float(first) / unit  # type: ignore[arg-type]
        yield float(int(float(last) / unit) + 1)  # type: ignore[arg-type]
    yield from _moments(telemetry)


def _moments(telemetry: Telemetry) -> Iterable[float]:
    for alert in telemetry.alerts or ():
        if alert.window:
            yield from (alert.window.start, alert.window.end)
    for change in telemetry.changes or ():
        yield from (change.ts, change.ts + 1.0)
