"""A service, its clock and its door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.app.approving.world import (
    ManualClock,
    service_of,
)

from sre_copilot.app.approving import Approving
from sre_copilot.app.approving_made import make_approving
from sre_copilot.app.serving import Service
from sre_copilot.testing.plans import NOW


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def service(tmp_path: Path, clock: ManualClock) -> Iterator[Service]:
    unanswered = [{"after_minutes": 10, "receivers": ["lead"]}]
    made = service_of(tmp_path, clock, unanswered=unanswered, chat_approvers=["bob"])
    yield made
    made.close()


@pytest.fixture
def door(service: Service) -> Approving:
    return make_approving(service)
