"""Case folders keep to the contract of recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from sre_copilot.perception.recorded import RecordedSource
from sre_copilot.perception.source import Recording
from sre_copilot.testing.cases import Case, build_case
from sre_copilot.testing.recording_contract import RecordingContract


@pytest.fixture(scope="module")
def recorded_case() -> Case:
    return build_case("network_delay", requests_per_second=0.1)


class TestRecorded(RecordingContract):
    """Case folders."""

    def source(self, case: Case, folder: Path) -> Recording:
        return RecordedSource(case.write(folder))

    def empty_source(self, folder: Path) -> Recording:
        tables = {name: table.head(0) for name, table in build_case(requests_per_second=0.02).tables.items()}
        case = build_case(requests_per_second=0.02, baseline=False)
        for name, table in tables.items():
            case = case.with_table(name, table)
        return RecordedSource(case.write(folder))
