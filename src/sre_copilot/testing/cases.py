"""Small synthetic incidents of an invented shop, deterministic by seed.

    from sre_copilot.testing.cases import build_case

    case = build_case("network_delay", culprit="billing", seed=7)
    folder = case.write(tmp_path)          # tmp_path/cases/<id>, its baseline in tmp_path/baselines
    case.without("logs").observation()     # or straight to what cognition sees

The shop has eight services. `entry` takes three kinds of requests; every call is a client span of the caller with a server
span of the callee below it, every step a log line; metrics come every 15 s. The fault begins at `ONSET`, two thirds
into a window of fifteen minutes. A case takes about 0.2 s to build.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

import polars as pl

from sre_copilot.domain.incident import Observation
from sre_copilot.perception.recorded import RecordedSource
from sre_copilot.testing.shop import CALLS, Traffic, simulate, tables

Fault = Literal["cpu", "network_delay", "missing_step", "exception", "none"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
FAULT_TYPES: Mapping[Fault, str | None] = {
    "cpu": "resource/cpu",
    "network_delay": "network/delay",
    "missing_step": "code/missing-step",
    "exception": "code/exception",
    "none": None,
}
START, ONSET, END = 1_700_000_100, 1_700_000_700, 1_700_001_000  # epoch seconds, on full minutes
BASELINE = "quiet-day"
BASELINE_START = START - 86_400
BASELINE_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case that is not written yet; each method returns a changed copy."""

    id: str
    tables: Mapping[str, pl.DataFrame]
    documents: Mapping[str, Any]
    baseline: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    truth: Mapping[str, Any] = field(default_factory=dict)

    def without(self, *names: str) -> Case:
        """Leave out tables (`logs` …) or documents (`topology` …); `case.json` no longer announces them."""
        facts = {**self.documents["case"]}
        facts["modalities"] = [name for name in facts["modalities"] if name not in names]
        documents = {**self.documents, "case": facts}
        return replace(
            self,
            tables={name: table for name, table in self.tables.items() if name not in names},
            documents={name: document for name, document in documents.items() if name not in names},
            baseline={name: table for name, table in self.baseline.items() if name not in names},
        )

    def without_baseline(self) -> Case:
        """Leave out the baseline and its name."""
        facts = {key: value for key, value in self.documents["case"].items() if key != "baseline"}
        return replace(self, baseline={}, documents={**self.documents, "case": facts})

    def with_table(self, name: str, table: pl.DataFrame) -> Case:
        """Replace or add a table, of any columns and types."""
        return replace(self, tables={**self.tables, name: table})

    def with_document(self, name: str, document: Any) -> Case:
        """Replace or add a JSON document: `case`, `topology`, `alerts`, `changes`."""
        return replace(self, documents={**self.documents, name: document})

    def with_facts(self, **facts: Any) -> Case:
        """Set fields of `case.json`."""
        return self.with_document("case", {**self.documents["case"], **facts})

    def shuffled(self, seed: int) -> Case:
        """The same rows and columns in another order."""
        return self._reordered(
            lambda table: table.sample(fraction=1, shuffle=True, seed=seed).select(sorted(table.columns))
        )

    def reversed(self) -> Case:
        """The same rows, last first."""
        return self._reordered(lambda table: table.reverse())

    def renamed(self, names: Mapping[str, str]) -> Case:
        """The same incident with its services called otherwise; instances and texts follow."""

        def told(text: str) -> str:
            for old in sorted(names, key=len, reverse=True):
                text = text.replace(old, f"\x00{old}\x00")
            for old, new in names.items():
                text = text.replace(f"\x00{old}\x00", new)
            return text

        def column(name: str) -> pl.Expr:
            return pl.col(name).map_elements(told, return_dtype=pl.String)

        def table(frame: pl.DataFrame) -> pl.DataFrame:
            texts = ("service", "instance", "message", "operation")
            return frame.with_columns(column(name) for name in texts if name in frame.columns)

        documents = json.loads(told(json.dumps(dict(self.documents))))
        renamed = self._reordered(table)
        return replace(renamed, documents=documents, truth=json.loads(told(json.dumps(dict(self.truth)))))

    def write(self, folder: Path) -> Path:
        """Write the case to `folder/cases/<id>`, its baseline to `folder/baselines`, and return the case's folder."""
        home = folder / "cases" / self.id
        home.mkdir(parents=True)
        for name, table in self.tables.items():
            table.write_parquet(home / f"{name}.parquet")
        for name, document in {**self.documents, "truth": dict(self.truth)}.items():
            text = json.dumps(document, indent=1, ensure_ascii=False)
            (home / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        for name, table in self.baseline.items():
            below = folder / "baselines" / BASELINE
            below.mkdir(parents=True, exist_ok=True)
            table.write_parquet(below / f"{name}.parquet")
        return home

    def observation(self) -> Observation:
        """What cognition sees of it: written to a temporary folder and read back."""
        with TemporaryDirectory() as folder:
            return RecordedSource(self.write(Path(folder))).observe()

    def _reordered(self, order: Any) -> Case:
        return replace(
            self,
            tables={name: order(table) for name, table in self.tables.items()},
            baseline={name: order(table) for name, table in self.baseline.items()},
        )


def build_case(
    fault: Fault = "none",
    *,
    culprit: str = "order",
    seed: int = 0,
    requests_per_second: float = 0.6,
    baseline: bool = True,
    only: Iterable[str] = (),
) -> Case:
    """Build a case with one fault.

    Parameters
    ----------
    fault : what goes wrong at `ONSET`; `none` gives a complaint without a fault
    culprit : the service that it goes wrong in, one of `sre_copilot.testing.shop.CALLS`
    seed : another seed gives other numbers, the same one the same bytes
    requests_per_second : load; spans and log lines grow with it, 0.6 gives about 3,000 spans
    baseline : whether fault-free telemetry of the day before belongs to it
    only : the tables to keep; empty keeps all
    """
    traffic = Traffic(
        start=START, end=END, rate=requests_per_second, fault=fault, culprit=culprit, onset=ONSET
    )
    calm = Traffic(start=BASELINE_START, end=BASELINE_START + BASELINE_SECONDS, rate=requests_per_second)
    recorded = tables(traffic, simulate(traffic, seed=seed), seed=seed)
    case = Case(
        id=f"{fault.replace('_', '-')}-{culprit}-{seed}",
        tables=recorded,
        documents=_documents(f"{fault.replace('_', '-')}-{culprit}-{seed}", fault, culprit, list(recorded)),
        baseline=tables(calm, simulate(calm, seed=seed + 1_000_003), seed=seed) if baseline else {},
        truth={"service": None if fault == "none" else culprit, "fault_type": FAULT_TYPES[fault]},
    )
    kept = set(only) or set(recorded)
    case = case.without(*(name for name in recorded if name not in kept))
    return case if baseline else case.without_baseline()


def _documents(name: str, fault: Fault, culprit: str, recorded: list[str]) -> dict[str, Any]:
    edges = [[caller, callee] for caller, callees in CALLS.items() for callee in callees]
    changes = [{"ts": START + 120, "service": "prices", "kind": "config", "text": "raise the cache's size"}]
    if fault in ("missing_step", "exception"):
        detail = {"from": "1.4.0", "to": "1.4.1"}
        changes.append(
            {
                "ts": ONSET - 10,
                "service": culprit,
                "kind": "deploy",
                "text": "release 1.4.1",
                "detail": detail,
            }
        )
    return {
        "case": {
            "id": name,
            "set": "synthetic",
            "system": "invented-shop",
            "query": "Orders fail or take too long.",
            "t_inject": ONSET,
            "window": [START, END],
            "metric_interval_s": 15,
            "modalities": [*recorded, "topology", "changes"],
            "baseline": f"baselines/{BASELINE}",
            "other_fault_times": [],
            "alert": {"node": "entry", "metric": "latency", "timestamp": ONSET + 60},
        },
        "topology": {"edges": edges},
        "changes": changes,
    }
