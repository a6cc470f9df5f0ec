"""What the watch tells is investigated as anything else: with the pass that tries to refute the conclusion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sre_copilot.app import closing, investigate
from sre_copilot.app.serving import make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.incident import Observation
from sre_copilot.incidents.watch.inquiry import Due
from sre_copilot.settings.document import Settings
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0


def test_an_inquiry_of_the_watch_goes_the_way_of_every_investigation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages: list[str] = []

    def noted(observation: Observation, **options: Any) -> Any:
        return investigate(observation, **options, progress=stages.append)

    monkeypatch.setattr(closing, "investigate", noted)
    settings = Settings.model_validate({"store": {"folder": tmp_path}})
    service = make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))
    due = Due(NOW, NOW - 300, "service-001", "latency is high", ("A-1",))
    row = service.watch._inquiries.investigate(due, NOW)
    service.close()
    assert stages[-1] == "reflect"
    assert row["outcome"] in ("fault", "no_fault", "inconclusive")
    assert row["anomaly_ids"] == ["A-1"]
