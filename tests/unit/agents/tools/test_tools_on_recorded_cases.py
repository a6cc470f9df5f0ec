"""What tools say of recorded incidents is true when it is run again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sre_copilot.agents.scenes.recorded import RecordedScene
from sre_copilot.agents.toolbox import Toolbox, registered_tools
from sre_copilot.evidence.verify import verify
from sre_copilot.testing.tool_contract import BUDGET, context

DATA = os.environ.get("SRE_COPILOT_DATA", "")
EACH = 25  # every so many cases: some seconds of work
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA, reason="SRE_COPILOT_DATA names no folder of recorded incidents"),
]


def folders() -> list[Path]:
    return sorted((Path(DATA) / "rca/cases").iterdir())[::EACH] if DATA else []


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_every_statement_is_true_when_it_is_run_again(folder: Path) -> None:
    scene = RecordedScene.of_case(folder)
    box = Toolbox(registered_tools(), context(scene))
    arguments = {"search_knowledge": {"question": "what to do"}, "query_state": {"object": "pods"}}
    for name in set(box.names) - {"page", "forecast_metric"}:
        result = box.use(name, arguments.get(name, {}))
        assert len(result.digest) <= BUDGET
        assert "failed" not in result.problem
        if result.findings and result.observation is not None:
            assert verify(result.findings, result.observation).refuted == (), name
