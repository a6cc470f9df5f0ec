"""Reports of the invented shop."""

from __future__ import annotations

import pytest
from tests.unit.incidents.report import example

from sre_copilot.domain.incident import Outcome
from sre_copilot.incidents.report import Report, build


@pytest.fixture(scope="session")
def report() -> Report:
    """A fault, with everything that a report can show."""
    diagnosis = example.diagnosis()
    return build(diagnosis, example.observation(), example.observed(diagnosis))


@pytest.fixture(scope="session")
def large() -> Report:
    """The same fault among 46 services."""
    diagnosis = example.diagnosis()
    observation = example.observation(topology=example.large_topology())
    return build(diagnosis, observation, example.observed(diagnosis))


@pytest.fixture(scope="session")
def outcomes(report: Report) -> dict[Outcome, Report]:
    """A report of each answer."""
    uncertain = example.diagnosis(outcome=Outcome.INCONCLUSIVE, probability=0.38)
    normal = example.diagnosis(
        outcome=Outcome.NO_FAULT,
        probability=0.04,
        findings=(),
        refuted=(),
        suspects=(),
        next_steps=(),
        reasons=(),
    )
    return {
        Outcome.FAULT: report,
        Outcome.INCONCLUSIVE: build(uncertain, example.observation(), {}),
        Outcome.NO_FAULT: build(normal, example.observation(), {}),
    }
