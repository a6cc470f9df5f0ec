"""Of two faults at once each incident is told its own, or that nothing can be told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest
from tests.unit.incidents.casework.bench import plainly, shop

from sre_copilot.agents.answer import Event, Listener
from sre_copilot.agents.tool import Investigated
from sre_copilot.app.methods import registered_methods
from sre_copilot.domain.incident import Complaint, Incident, Observation, Outcome
from sre_copilot.domain.signals import Telemetry, Window
from sre_copilot.domain.topology import Topology
from sre_copilot.incidents.casework.apart import TABLES, apart, concerns, within_reach
from sre_copilot.testing.cases import ONSET
from sre_copilot.testing.shop import CALLS

BRANCH = ("order", "billing", "stock", "vault")
"""Of these the second fault is told, of all others the first."""
SHOP = Topology.of((caller, callee) for caller, callees in CALLS.items() for callee in callees)
WINDOW, CALM = Window(ONSET - 900, ONSET + 300), Window(ONSET - 2700, ONSET - 900)


def heard(event: Event) -> None:
    """Nobody listens."""


def both(window: Window) -> Telemetry:
    """Prices lacks a processor, and stock raises, at the same time."""
    first, second = (
        shop("cpu", "prices").read(window).telemetry,
        shop("exception", "stock").read(window).telemetry,
    )
    mixed: dict[str, Any] = {name: _mixed(getattr(first, name), getattr(second, name)) for name in TABLES}
    return Telemetry(**mixed)


def _mixed(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    rest, branch = ~pl.col("service").is_in(BRANCH), pl.col("service").is_in(BRANCH)
    mixed = pl.concat([first.filter(rest), second.filter(branch)])
    return mixed.sort(next(name for name in ("ts", "ts_ns", "start_ns") if name in mixed.columns))


def observed(incident: Incident) -> Observation:
    return Observation(incident=incident, current=both(WINDOW), reference=both(CALM), topology=SHOP)


def at(service: str) -> Incident:
    complaint = Complaint(text=f"errors at {service}", entity=service, at=ONSET)
    return Incident(id=f"at-{service}", complaint=complaint, onset=ONSET, window=WINDOW)


@dataclass
class Looks:
    """Counts how often it is looked with everything, and within reach."""

    whole: int = 0
    near: int = 0

    def look(self, incident: Incident, listen: Listener) -> Investigated:
        self.whole += 1
        return plainly(observed(incident), registered_methods())

    def narrowed(self, incident: Incident, listen: Listener) -> Investigated:
        self.near += 1
        return plainly(within_reach(observed(incident)), registered_methods())


def found(looks: Looks, service: str, *, several: bool = True) -> Investigated:
    return apart(looks.look, looks.narrowed, several=lambda: several)(at(service), heard)


@pytest.mark.parametrize("service", ["prices", "stock"])
def test_each_of_two_incidents_is_told_its_own_cause(service: str) -> None:
    culprit = found(Looks(), service).diagnosis.culprit
    assert culprit is not None
    assert culprit.entity == service


def test_a_cause_within_reach_is_not_looked_for_twice() -> None:
    looks = Looks()
    assert concerns(found(looks, "entry")), "the entry depends on everything"
    assert (looks.whole, looks.near) == (1, 0)


def test_of_a_service_that_nobody_knows_nothing_is_concluded_from_the_fault_of_another() -> None:
    looks = Looks()
    told = found(looks, "nightly-batch")
    assert told.diagnosis.outcome is Outcome.INCONCLUSIVE
    assert told.diagnosis.culprit is None
    assert (looks.whole, looks.near) == (1, 0)


def test_while_nothing_else_goes_on_the_strongest_fault_is_the_cause() -> None:
    culprit = found(Looks(), "billing", several=False).diagnosis.culprit
    assert culprit is not None
    assert culprit.entity in {"prices", "stock"}


def test_within_reach_is_what_a_service_calls_and_who_calls_it() -> None:
    seen = within_reach(observed(at("stock")))
    assert seen.current.metrics is not None
    assert seen.reference is not None
    assert set(seen.current.metrics["service"]) == {"entry", "order", "stock"}
    assert seen.topology == Topology.of([("entry", "order"), ("order", "stock")])


def test_of_a_service_that_nothing_tells_of_nothing_is_concluded() -> None:
    answer = found(Looks(), "mainframe", several=False)
    assert answer.diagnosis.outcome is Outcome.INCONCLUSIVE
    assert answer.diagnosis.culprit is None
    assert "casework.unmeasured" in {each.key for each in answer.diagnosis.reasons}
