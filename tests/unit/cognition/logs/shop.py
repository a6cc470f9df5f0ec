"""A small invented shop that logs: requests pass a door, a shelf and a till."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Telemetry

ONSET = 1_700_000_000.0
Row = tuple[str, str, str]  # service, level, message

SCHEMA = {
    "ts_ns": pl.Int64,
    "service": pl.String,
    "instance": pl.String,
    "level": pl.String,
    "trace_id": pl.String,
    "span_id": pl.String,
    "message": pl.String,
}


@dataclass(frozen=True)
class Request:
    """One request: its number and the second at which it comes."""

    number: int
    at: float


def healthy(request: Request) -> Iterator[Row]:
    """What an order writes when all is well."""
    yield ("door", "INFO", f"Door.java:12 order {request.number} from 10.0.0.{request.number % 200}")
    yield ("shelf", "INFO", f"Shelf#31 looking for item {request.number * 7}")
    yield ("shelf", "INFO", f"Shelf#34 found item {request.number * 7} in row {request.number % 9}")
    yield ("till", "INFO", f"Till#8 charging {request.number}.50 EUR")
    yield ("till", "INFO", f"Till#11 charged {request.number}.50 EUR, receipt r-{request.number}")
    yield ("door", "INFO", f"Door.java:40 order {request.number} done in {request.number % 30} ms")


def table(
    write: Callable[[Request], Iterator[Row]],
    *,
    start: float,
    end: float,
    every: float = 1.0,
    traced: bool = True,
) -> pl.DataFrame:
    """The log table of one request every `every` seconds in `start <= t < end`."""
    rows = []
    for number in range(int((end - start) / every)):
        request = Request(number, start + number * every)
        for step, (service, level, message) in enumerate(write(request)):
            trace = f"t{int(start)}-{number}" if traced else ""
            nanos = int(request.at * 1e9) + step * 3_000_000
            rows.append((nanos, service, f"{service}-0", level, trace, "", message))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def reference(write: Callable[[Request], Iterator[Row]] = healthy, *, traced: bool = True) -> pl.DataFrame:
    """Three minutes of normal time, an hour before."""
    return table(write, start=ONSET - 3600, end=ONSET - 3420, traced=traced)


def changing(
    after: Callable[[Request], Iterator[Row]], *, traced: bool = True, seconds: float = 120
) -> pl.DataFrame:
    """A minute of health, then `seconds` of what `after` writes."""
    return pl.concat(
        [
            table(healthy, start=ONSET - 60, end=ONSET, traced=traced),
            table(after, start=ONSET, end=ONSET + seconds, traced=traced),
        ]
    )


def observe(
    current: pl.DataFrame | None,
    normal: pl.DataFrame | None,
    *,
    onset: float | None = ONSET,
    traces: pl.DataFrame | None = None,
) -> Observation:
    """An incident of the shop."""
    return Observation(
        incident=Incident(id="shop-1", onset=onset),
        current=Telemetry(logs=current, traces=traces),
        reference=None if normal is None else Telemetry(logs=normal),
    )
