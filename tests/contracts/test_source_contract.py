"""Every source keeps to the contract of `sre_copilot.testing.source_contract`."""

from __future__ import annotations

from pathlib import Path

import pytest

from sre_copilot.perception.recorded import RecordedSource
from sre_copilot.perception.source import Source
from sre_copilot.plugins import load
from sre_copilot.testing.cases import Case, build_case
from sre_copilot.testing.source_contract import SourceContract


@pytest.fixture(scope="module")
def recorded_case() -> Case:
    return build_case("network_delay", requests_per_second=0.1)


class TestRecorded(SourceContract):
    """Case folders."""

    def source(self, case: Case, folder: Path) -> Source:
        return RecordedSource(case.write(folder))

    def empty_source(self, folder: Path) -> Source:
        tables = {name: table.head(0) for name, table in build_case(requests_per_second=0.02).tables.items()}
        case = build_case(requests_per_second=0.02, baseline=False)
        for name, table in tables.items():
            case = case.with_table(name, table)
        return RecordedSource(case.write(folder))


def test_every_registered_source_has_a_suite_here() -> None:
    suites = {each.__name__.removeprefix("Test").lower() for each in SourceContract.__subclasses__()}
    assert set(load("sre_copilot.sources")) <= suites
