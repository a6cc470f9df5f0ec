"""Writing a recorded case: the other direction of `reading`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from sre_copilot.clock import rfc3339
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Alert, Change, Telemetry
from sre_copilot.errors import UsageError

TABLES = ("metrics", "logs", "traces", "transactions")


def write_case(observation: Observation, folder: Path, *, system: str = "", baseline: str = "") -> Path:
    """Write a case to `folder`, its reference to `../../baselines/<baseline>` as the format wants it.

    Raises
    ------
    UsageError : when the folder holds something already, or cannot be written
    """
    make_empty(folder)
    incident = observation.incident
    name = baseline or f"{folder.name}-before"
    facts: dict[str, Any] = {
        "id": incident.id,
        "set": "recorded",
        "system": system or incident.system,
        "t_inject": incident.onset,
        "query": incident.complaint.text or None,
        "window": [incident.window.start, incident.window.end] if incident.window else None,
        "modalities": modalities(observation),
        "metric_interval_s": incident.metric_interval_s,
    }
    if observation.reference is not None:
        facts["baseline"] = f"baselines/{name}"
        below = folder / "baselines" / name
        below.mkdir(parents=True)
        write_telemetry(observation.reference, below)
    write_telemetry(observation.current, folder)
    if observation.topology.edges:
        write_json(folder / "topology.json", {"edges": [list(edge) for edge in observation.topology.edges]})
    write_json(folder / "case.json", {key: value for key, value in facts.items() if value is not None})
    return folder


def make_empty(folder: Path) -> None:
    """Make a folder; refuse one that holds something."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(
                f"{folder}: is not empty. Name a new folder, so that no recording is overwritten."
            )
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made: {error.strerror}. Name another folder.") from None


def write_telemetry(telemetry: Telemetry, folder: Path) -> None:
    """Write what was recorded; what was not gets no file."""
    for name in TABLES:
        table = getattr(telemetry, name)
        if isinstance(table, pl.DataFrame):
            table.write_parquet(folder / f"{name}.parquet", compression="zstd")
    if telemetry.state is not None:
        keys = sorted(telemetry.state)
        state = pl.DataFrame(
            {"key": keys, "text": [telemetry.state[key] for key in keys]},
            schema={"key": pl.String, "text": pl.String},
        )
        state.write_parquet(folder / "state.parquet", compression="zstd")
    if telemetry.alerts is not None:
        write_json(folder / "alerts.json", alerts_document(telemetry.alerts))
    if telemetry.changes is not None:
        write_json(folder / "changes.json", [change_entry(each) for each in telemetry.changes])


def modalities(observation: Observation) -> list[str]:
    """What a case announces."""
    current = observation.current
    found = [name for name in (*TABLES, "state", "alerts", "changes") if getattr(current, name) is not None]
    return [*found, *(["topology"] if observation.topology.edges else [])]


def change_entry(change: Change) -> dict[str, Any]:
    """A change as `changes.json` holds it."""
    entry = asdict(change)
    entry["detail"] = dict(change.detail)
    return entry


def alerts_document(alerts: tuple[Alert, ...]) -> dict[str, Any]:
    """Alerts as `alerts.json` holds them."""
    entries = [
        {
            "name": alert.entity or alert.name,
            "type": alert.kind or None,
            "time_range": f"{rfc3339(alert.window.start)} ~ {rfc3339(alert.window.end)}"
            if alert.window
            else None,
            "evidence": [*([alert.name] if alert.entity and alert.name != alert.entity else []), *alert.text],
        }
        for alert in alerts
    ]
    known = [{key: value for key, value in entry.items() if value is not None} for entry in entries]
    return {"alert_count": len(alerts), "alerts": known}


def write_json(path: Path, content: Any) -> None:
    """Write a document for people too."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
