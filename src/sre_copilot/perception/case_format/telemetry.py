"""The telemetry of one folder, a case or a baseline."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from sre_copilot.domain.signals import Alert, Change, Modality, Telemetry
from sre_copilot.perception.case_format.case_files import read_json
from sre_copilot.perception.case_format.documents import alerts, changes, check
from sre_copilot.perception.case_format.remarks import Remark
from sre_copilot.perception.case_format.tables import read
from sre_copilot.perception.columns import LOGS, METRICS, STATE, TABLES, TRACES, TRANSACTIONS, Table

DOCUMENTS = ("alerts.json", "changes.json")
FIELDS: tuple[Modality, ...] = ("metrics", "traces", "logs", "transactions", "state", "alerts", "changes")
FILES = (*(table.file for table in TABLES), *DOCUMENTS)


def read_telemetry(folder: Path) -> tuple[Telemetry, tuple[Remark, ...]]:
    """Read all tables and documents of telemetry that a folder holds; what it does not hold is None."""
    remarks: list[Remark] = []

    def take(table: Table) -> pl.DataFrame | None:
        found = read(folder, table)
        remarks.extend(found[1] if found else ())
        return found[0] if found else None

    state = take(STATE)
    reported, said = read_alerts(folder)
    changed, told = read_changes(folder)
    telemetry = Telemetry(
        metrics=take(METRICS),
        logs=take(LOGS),
        traces=take(TRACES),
        transactions=take(TRANSACTIONS),
        state=None if state is None else dict(state.select("key", "text").iter_rows()),
        alerts=reported,
        changes=changed,
    )
    return telemetry, (*remarks, *said, *told)


def read_alerts(folder: Path) -> tuple[tuple[Alert, ...] | None, tuple[Remark, ...]]:
    """Read `alerts.json`; None when it was not recorded."""
    document = read_json(folder, "alerts.json")
    if document is None:
        return None, ()
    check("alerts", document)
    return alerts(document)


def read_changes(folder: Path) -> tuple[tuple[Change, ...] | None, tuple[Remark, ...]]:
    """Read `changes.json`; None when it was not recorded."""
    document = read_json(folder, "changes.json")
    if document is None:
        return None, ()
    check("changes", document)
    return changes(document)


def recorded(telemetry: Telemetry) -> tuple[Modality, ...]:
    """The kinds of telemetry that were recorded, empty ones too."""
    return tuple(field for field in FIELDS if getattr(telemetry, field) is not None)
