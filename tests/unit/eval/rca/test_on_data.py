"""What synthetic cases cannot show: the evaluator on telemetry as it is recorded."""

import math
import os
from pathlib import Path

import pytest

from sre_copilot.app.methods import registered_methods
from sre_copilot.eval.rca import plain
from sre_copilot.eval.rca.run import case_folders
from sre_copilot.evidence.evaluator import Evaluator
from sre_copilot.incidents.investigation import detect
from sre_copilot.perception.recorded import RecordedSource

DATA = os.environ.get("SRE_COPILOT_DATA")
TOLERANCE = 1e-9

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA, reason="SRE_COPILOT_DATA names no collection of recorded incidents"),
]


def test_checks_of_real_findings_observe_what_plain_loops_compute() -> None:
    compared = 0
    for folder in case_folders(Path(DATA or ""))[::25]:
        observation = RecordedSource(folder).observe()
        evaluator = Evaluator(observation)
        for finding in detect(observation, registered_methods().detectors)[0][:15]:
            for check in finding.checks:
                try:
                    computed = plain.left_side(check, observation)
                except plain.CannotTellError:
                    continue
                seen = evaluator.evaluate(check).value
                compared += 1
                assert (seen is None) == (computed is None), (folder.name, check)
                if seen is not None and computed is not None:
                    assert math.isclose(seen, computed, rel_tol=TOLERANCE, abs_tol=1e-6), (folder.name, check)
    assert compared > 0
