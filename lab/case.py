"""A recording as tables, and the folder of a case or a baseline that is written from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from lab import complaint
from lab.layout import SYSTEM, edges
from lab.scrape import INTERVAL_S

BASELINE = "lab-shop-fault-free"
SCHEMAS: dict[str, dict[str, Any]] = {
    "metrics": {
        "ts": pl.Int64,
        "service": pl.String,
        "instance": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
    },
    "logs": {
        "ts_ns": pl.Int64,
        **dict.fromkeys(("service", "instance", "level", "trace_id", "span_id", "message"), pl.String),
    },
    "traces": {
        **dict.fromkeys(("trace_id", "span_id", "parent_id", "service", "instance", "operation"), pl.String),
        **dict.fromkeys(("start_ns", "duration_us"), pl.Int64),
        **dict.fromkeys(("kind", "status"), pl.String),
    },
    "transactions": {
        "ts": pl.Int64,
        **dict.fromkeys(("service", "channel"), pl.String),
        **dict.fromkeys(("count", "success"), pl.Int64),
        **dict.fromkeys(("amount", "latency_ms"), pl.Float64),
    },
}
_TIME = {
    "metrics": ("ts", 1),
    "transactions": ("ts", 1),
    "logs": ("ts_ns", 10**9),
    "traces": ("start_ns", 10**9),
}


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded from `start` to `end` (epoch seconds)."""

    start: int
    end: int
    tables: dict[str, pl.DataFrame]
    changes: tuple[dict[str, Any], ...]

    def cut(self, start: int, end: int) -> Recording:
        """The part of `start <= t < end`."""
        tables = {
            name: table.filter(pl.col(column).is_between(start * unit, end * unit, closed="left"))
            for name, table in self.tables.items()
            for column, unit in [_TIME[name]]
        }
        return Recording(
            start, end, tables, tuple(entry for entry in self.changes if start <= entry["ts"] < end)
        )


@dataclass(frozen=True, slots=True)
class Truth:
    """The answer of a case; a `fault_type` of None says that nothing was at fault."""

    service: str | None = None
    fault_type: str | None = None

    def document(self) -> dict[str, Any]:
        """The content of `truth.json`."""
        quiet = {"no_fault": True} if self.fault_type is None else {}
        return {**quiet, "service": self.service, "fault_type": self.fault_type}


def table(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows as one of the tables of the case format; columns that it does not know are left out."""
    schema = SCHEMAS[name]
    ordered = [key for key in (_TIME[name][0], "service", "metric", "channel") if key in schema]
    return pl.DataFrame([{key: row[key] for key in schema} for row in rows], schema=schema).sort(
        ordered, maintain_order=True
    )


def write_tables(recording: Recording, folder: Path) -> None:
    """Write what a baseline and a case have in common."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in recording.tables.items():
        content.write_parquet(folder / f"{name}.parquet", compression="zstd", compression_level=19)
    _json(folder / "changes.json", list(recording.changes))
    _json(folder / "topology.json", {"edges": edges()})


def write_case(recording: Recording, folder: Path, *, at: int, truth: Truth) -> dict[str, Any]:
    """Write a whole case; `at` is when the fault began, or when somebody complained without one."""
    write_tables(recording, folder)
    alert = complaint.first(recording.tables["metrics"], recording.tables["transactions"], at)
    noticed = alert.pop("noticed")
    facts = {
        "id": folder.name,
        "set": "lab",
        "system": SYSTEM,
        "t_inject": at,
        "window": [recording.start, recording.end],
        "modalities": [*recording.tables, "changes", "topology"],
        "metric_interval_s": INTERVAL_S,
        "baseline": f"baselines/{BASELINE}",
        "other_fault_times": [],
        "alert": alert,
    }
    _json(folder / "case.json", facts)
    _json(folder / "truth.json", truth.document())
    return {**facts, "noticed": noticed}


def _json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
