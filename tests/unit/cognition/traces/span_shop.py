"""A small invented shop whose requests are spans: `gate` asks `desk`, and `desk` asks `till` and then `store`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Telemetry

START = 1_000_000.0
ONSET = START + 60.0
END = START + 120.0

SCHEMA = {
    "trace_id": pl.String,
    "span_id": pl.String,
    "parent_id": pl.String,
    "service": pl.String,
    "instance": pl.String,
    "operation": pl.String,
    "start_ns": pl.Int64,
    "duration_us": pl.Int64,
    "status": pl.String,
}


@dataclass(frozen=True)
class Fault:
    """What goes wrong after the onset; times in milliseconds."""

    way_to_till: float = 0.0
    till_itself: float = 0.0
    till_fails: bool = False
    desk_skips_store: bool = False
    till_silent: bool = False


def spans(
    start: float, end: float, *, fault: Fault | None = None, onset: float = ONSET, seed: int = 1
) -> pl.DataFrame:
    """A request every half second from `start` to `end`; those after `onset` meet the fault."""
    random = np.random.default_rng(seed)
    rows: list[tuple[object, ...]] = []
    for number, at in enumerate(np.arange(start, end, 0.5)):
        now = fault if fault is not None and at >= onset else Fault()
        rows += _request(f"t{start}-{number}", float(at), now, random)
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def observation(fault: Fault | None = None, *, told: float | None = ONSET) -> Observation:
    """An incident of two minutes with a fault-free reference of one."""
    return Observation(
        incident=Incident(id="invented", onset=told),
        current=Telemetry(traces=spans(START, END, fault=fault)),
        reference=Telemetry(traces=spans(START - 9_000, START - 8_940, seed=2)),
    )


def _request(trace: str, at: float, fault: Fault, random: np.random.Generator) -> list[tuple[object, ...]]:
    wobble = lambda ms: ms * float(random.uniform(0.9, 1.1))  # noqa: E731
    way, till = wobble(3) + fault.way_to_till, wobble(5) + fault.till_itself
    ask, store = till + way, wobble(6)
    follows = not (fault.desk_skips_store or fault.till_fails)
    desk = wobble(4) + ask + (store + 4 if follows else 0)
    begin = at * 1e9
    ok, failed = "ok", "error"
    rows = [
        (trace, "a", "", "gate", "GET /buy", 0.0, desk + wobble(6), ok),
        (trace, "b", "a", "gate", "call desk", 1.0, desk + wobble(3), ok),
        (trace, "c", "b", "desk", "POST /order", 2.0, desk, ok),
        (trace, "d", "c", "desk", "call till", 3.0, ask, failed if fault.till_fails else ok),
    ]
    if not fault.till_silent:
        rows.append((trace, "e", "d", "till", "POST /pay", 4.0, till, failed if fault.till_fails else ok))
    if follows:
        rows.append((trace, "f", "c", "desk", "call store", 4.0 + ask, store + 3, ok))
        rows.append((trace, "g", "f", "store", "POST /send", 5.0 + ask, store, ok))
    return [
        (
            id_,
            span,
            parent,
            service,
            f"{service}-1",
            operation,
            int(begin + offset * 1e6),
            int(ms * 1e3),
            status,
        )
        for id_, span, parent, service, operation, offset, ms, status in rows
    ]
