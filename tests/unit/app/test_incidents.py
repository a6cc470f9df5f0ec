"""A service that somebody names has to be there; an alert may speak of what no telemetry names."""

from __future__ import annotations

import pytest

from sre_copilot.agents.scenes.recorded import RecordedScene
from sre_copilot.app.incidents import check_known, incident_since
from sre_copilot.domain.incident import Complaint, Incident
from sre_copilot.errors import UsageError
from sre_copilot.testing.cases import build_case

SCENE = RecordedScene(build_case("cpu", culprit="stock", seed=3).observation())


def test_a_service_that_is_not_there_is_refused_with_those_that_resemble_it() -> None:
    with pytest.raises(UsageError, match="stock"):
        check_known(incident_since("stok", seconds=600, now=1_700_001_000.0), SCENE)


def test_a_service_that_is_there_is_looked_into() -> None:
    check_known(incident_since("stock", seconds=600, now=1_700_001_000.0), SCENE)


def test_an_alert_about_something_else_is_looked_into() -> None:
    check_known(Incident(id="i", complaint=Complaint(text="disk of db-7 is full", entity="db-7")), SCENE)
