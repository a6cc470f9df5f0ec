"""What a source is: a system that telemetry is read from, live or recorded.

One file a system, one class a file, registered in `sre_copilot.sources`. A class names its `Settings`; everything that
several systems share (client, authentication, retry, paging) is in `perception/http.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import polars as pl
from pydantic import Field

from sre_copilot.domain.cmdb import Inventory
from sre_copilot.domain.evidence import Gap
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.series import SeriesBlock
from sre_copilot.domain.signals import Modality, Telemetry, Window
from sre_copilot.domain.topology import Topology
from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Role, Section


class SourceSettings(Section):
    """What every source can be told."""

    name: str = ""
    """How this source is called in answers; the type when empty. Two sources of one type need names of their own."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=300)
    """Longest wait for one answer; ten seconds, for whoever waits longer has no minute-by-minute watch left."""
    attempts: int = Field(default=3, ge=1, le=10)
    """How often one request is tried, with growing pauses: a restart of the other side takes a few seconds."""
    requests_per_second: float = Field(default=20.0, gt=0)
    """At most so many requests a second, so that the watcher never becomes the load."""
    query_role: Role = "viewer"
    """Who may have this source queried."""
    see_role: Role = "viewer"
    """Who may see its rows; others see that there are some, not what they say."""
    mask: tuple[str, ...] = ()
    """Columns and label names whose values are replaced by a keyed hash before anything is kept or shown."""
    mask_key: Secret | None = None
    """Key of that hash; without one a value is called otherwise after each start, so that it cannot be traced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One query as it was sent, fit to be run again by hand: no secret is in it."""

    source: str
    text: str
    target: str = ""
    window: Window | None = None
    step_seconds: int | None = None
    rows: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a source answered: tables in the canonical form of `domain.signals`, what could not be read, and what was asked.

    `topology` is who calls whom; `inventory` holds that and all else that is known of the entities.
    """

    telemetry: Telemetry = field(default_factory=Telemetry)
    topology: Topology | None = None
    inventory: Inventory | None = None
    gaps: tuple[Gap, ...] = ()
    asked: tuple[Asked, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether a source can be read now; when not, `problem` says why and `remedy` what to do about it.

    `clock_skew_seconds` is its clock minus ours; `permissions` names what it lets us do and what not (`+read pods`, `-watch events`).
    """

    source: str
    ok: bool
    version: str = ""
    clock_skew_seconds: float | None = None
    permissions: tuple[str, ...] = ()
    problem: str = ""
    remedy: str = ""


class Source(Protocol):
    """Reads one system.

    Rows outside of the window are never returned; the same telemetry gives the same tables, sorted by time, whatever order the system sends it
    in. What the system does not hold is an empty table; what it cannot say is None and a gap; a system that cannot be
    asked is a `SourceError` that says what to do. An instance may be used by one thread at a time.
    """

    Settings: ClassVar[type[SourceSettings]]
    modalities: ClassVar[tuple[Modality, ...]]

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        ...

    def read(self, window: Window) -> Reading:
        """Return what was recorded in `window.start <= t < window.end`."""
        ...

    def health(self) -> Health:
        """Ask the system how it is; a system that cannot be asked is a `Health` that is not ok, not an error."""
        ...

    def close(self) -> None:
        """Close connections; harmless when called again."""
        ...


@runtime_checkable
class MetricSource(Protocol):
    """A source of metrics, which can also be read as arrays: what baselines and the tick work on."""

    def series(self, window: Window, *, step_seconds: int) -> SeriesBlock:
        """Return every configured series on the grid `window.start + i * step_seconds`, NaN where stale or missing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Queried:
    """What a query of somebody's own answered: rows as a table, at most as many as were allowed; `cut` when there were more."""

    rows: pl.DataFrame
    asked: Asked
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a query would read, as the system itself estimates it; None where it cannot say."""

    series: int | None = None
    points: int | None = None
    words: str = ""


@runtime_checkable
class QuerySource(Protocol):
    """A source that a query of somebody's own can be sent to: it reads only, within limits, and masks what its settings name."""

    languages: ClassVar[tuple[str, ...]]

    def run_query(self, text: str, window: Window, *, limit: int, timeout_seconds: float) -> Queried:
        """Run a query over a window; raise `SourceError` with the system's own words when it is refused."""
        ...

    def dry_run(self, text: str, window: Window) -> Estimate:
        """Estimate what the query would read, without running it."""
        ...

    def known(self) -> Mapping[str, Any]:
        """What there is to ask for, as a schema document: metrics, labels, index with fields, or tables."""
        ...


class Recording(Protocol):
    """A recorded incident: everything that may be looked at, at once."""

    def observe(self) -> Observation:
        """Return all that was recorded; raise `SreCopilotError` when it cannot be read."""
        ...
