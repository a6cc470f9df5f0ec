"""A recorded case as a source: one folder an incident, as `docs/reference/case-format.md` describes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from sre_copilot.domain.incident import Complaint, Incident, Observation
from sre_copilot.domain.signals import Alert, Telemetry, Window
from sre_copilot.domain.topology import Topology


class RecordedSource:
    """Reads the folder of one case; `truth.json` is never opened."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def observe(self) -> Observation:
        """Read everything that the case holds."""
        facts = _json(self.folder / "case.json")
        reference = None
        if name := facts.get("baseline"):
            for base in (self.folder.parent.parent, self.folder):
                if (base / name).is_dir():
                    reference = _telemetry(base / name)
                    break
        return Observation(
            incident=_incident(facts),
            current=_telemetry(self.folder),
            reference=reference,
            topology=_topology(self.folder),
        )


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _incident(facts: dict[str, Any]) -> Incident:
    alert = facts.get("alert") or {}
    window = facts.get("window")
    return Incident(
        id=facts["id"],
        system=facts.get("system", ""),
        namespace=facts.get("namespace", ""),
        complaint=Complaint(
            text=facts.get("query", ""),
            entity=alert.get("node", ""),
            metric=alert.get("metric", ""),
            at=alert.get("timestamp"),
        ),
        onset=facts.get("t_inject"),
        window=Window(*window) if window else None,
        metric_interval_s=facts.get("metric_interval_s"),
        other_fault_times=tuple(facts.get("other_fault_times", ())),
    )


_SORT = {
    "metrics": ["ts", "service", "instance", "metric"],
    "logs": ["ts_ns"],
    "traces": ["start_ns", "trace_id", "span_id"],
}


def _table(folder: Path, name: str) -> pl.DataFrame | None:
    path = folder / f"{name}.parquet"
    if not path.exists():
        return None
    table = pl.read_parquet(path)
    keys = [key for key in _SORT.get(name, []) if key in table.columns]
    return table.sort(keys, maintain_order=True) if keys else table


def _telemetry(folder: Path) -> Telemetry:
    state = _table(folder, "state")
    alerts = folder / "alerts.json"
    return Telemetry(
        metrics=_table(folder, "metrics"),
        logs=_table(folder, "logs"),
        traces=_table(folder, "traces"),
        state=dict(state.select("key", "text").iter_rows()) if state is not None else None,
        alerts=_alerts(_json(alerts)) if alerts.exists() else None,
    )


def _alerts(document: dict[str, Any]) -> tuple[Alert, ...]:
    return tuple(
        Alert(
            name=str(alert.get("name", "")),
            kind=str(alert.get("type", "")),
            entity=str(alert.get("name", "")),
            text=tuple(map(str, alert.get("evidence", ()))),
        )
        for alert in document.get("alerts", ())
    )


def _topology(folder: Path) -> Topology:
    path = folder / "topology.json"
    return Topology.of((a, b) for a, b in _json(path)["edges"]) if path.exists() else Topology()
