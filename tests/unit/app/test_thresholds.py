"""A threshold that people accepted holds from the next start on; what the configuration says goes before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sre_copilot.app.serving import with_accepted_thresholds
from sre_copilot.app.storing import open_database
from sre_copilot.clock import TurnedClock
from sre_copilot.settings.document import Settings
from sre_copilot.store.experience import proposal_records

CLOCK = TurnedClock(0.0)


def proposal(key: str, metric: str, value: float, standing: str) -> dict[str, Any]:
    return {
        "id": key,
        "made_at": 1.0,
        "kind": "threshold",
        "subject": metric,
        "change": {"from": 0.7, "to": value},
        "support": [],
        "standing": standing,
        "decided_at": 2.0,
        "decided_by": "wang",
        "note": "",
    }


def test_accepted_thresholds_count_drafts_and_rejected_ones_do_not(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"store": {"folder": tmp_path}, "anomaly_detection": {"thresholds": {"latency": 0.6}}}
    )
    database = open_database(settings)
    rows = [
        proposal("a", "cpu", 0.85, "accepted"),
        proposal("b", "memory", 0.9, "draft"),
        proposal("c", "disk", 0.9, "rejected"),
        proposal("d", "latency", 0.95, "accepted"),
    ]
    proposal_records(database).save(rows)
    found = with_accepted_thresholds(settings, database, CLOCK).anomaly_detection.thresholds
    assert found == {"cpu": 0.85, "latency": 0.6}
    database.close()
