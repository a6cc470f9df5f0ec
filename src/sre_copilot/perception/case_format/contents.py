"""What was read of a case, file by file: how much, of how many services, over which time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Modality, Telemetry, Window
from sre_copilot.perception.case_format.coverage import span_of

TABLES: tuple[Modality, ...] = ("metrics", "logs", "traces", "transactions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one file holds after reading.

    `rows` are usable rows, kubectl outputs, calls or entries of a document; `services` and `span` (epoch seconds
    UTC, both ends included) are None where the file has none.
    """

    file: str
    rows: int
    services: int | None = None
    span: Window | None = None


def contents(observation: Observation, *, baseline: str = "") -> tuple[Content, ...]:
    """List what was read of a case, then of its baseline, whose folder is named `baseline`."""
    edges = observation.topology.edges
    drawn = Content(file="topology.json", rows=len(edges), services=len(observation.topology.entities))
    reference = observation.reference
    compared = telemetry_contents(reference) if reference is not None else ()
    return (
        *telemetry_contents(observation.current),
        *((drawn,) if edges else ()),
        *(replace(each, file=f"{baseline.strip('/')}/{each.file}") for each in compared),
    )


def telemetry_contents(telemetry: Telemetry) -> Iterator[Content]:
    """List what was read of one period."""
    for name in TABLES:
        table: pl.DataFrame | None = getattr(telemetry, name)
        if table is not None:
            services = table["service"].n_unique()
            yield Content(
                file=f"{name}.parquet", rows=table.height, services=services, span=span_of(telemetry, name)
            )
    if telemetry.state is not None:
        yield Content(file="state.parquet", rows=len(telemetry.state))
    for name in ("alerts", "changes"):
        entries = getattr(telemetry, name)
        if entries is not None:
            yield Content(file=f"{name}.json", rows=len(entries))
