"""Workers of workflows are killed at random instants: no run is lost, and what a target keeps a key for happens once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.durability.durable_workers import KILLS
from tests.durability.workflow_kills import killed

pytestmark = pytest.mark.durability


def test_killed_at_random_instants_no_run_is_lost_and_no_effect_happens_twice(tmp_path: Path) -> None:
    found = killed(tmp_path, kills=max(4, KILLS // 4), runs=6, seed=KILLS)
    assert found.wrong == []
    assert found.figures["effects"] >= 7 * 6
