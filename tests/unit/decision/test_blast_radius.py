from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.decision.situations import CALLS, RATES

from sre_copilot.decision.blast_radius import blast_radius
from sre_copilot.domain.topology import Topology

NAMES = st.sampled_from("abcdef")
GRAPHS = st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=12).map(Topology.of)
FLOWS = st.dictionaries(NAMES, st.floats(0, 1000), max_size=6)


def test_no_more_requests_are_met_than_the_service_receives_itself() -> None:
    found = blast_radius(CALLS, "cart", RATES)
    assert (found.upstream, found.downstream) == (1, 1)
    assert found.requests == pytest.approx(0.2)  # 20 of the 100 requests that come in at the shop


def test_no_more_requests_are_met_than_come_in_above_it() -> None:
    two_entries = Topology.of([("shop", "cart"), ("office", "stock"), ("cart", "cache")])
    rates = {"shop": 30.0, "office": 70.0, "cart": 60.0, "cache": 900.0}
    assert blast_radius(two_entries, "cache", rates).requests == pytest.approx(0.3)


def test_a_service_or_a_traffic_that_is_not_known_counts_as_everybody() -> None:
    assert blast_radius(CALLS, "", RATES).value == 1.0
    assert blast_radius(CALLS, "nobody", RATES).value == 1.0
    assert blast_radius(CALLS, "cart", {}).value == 1.0
    assert blast_radius(CALLS, "cart", {**RATES, "cart": math.nan}).value == 1.0
    assert blast_radius(CALLS, "cart", {**RATES, "shop": 0.0}).value == 1.0


def test_many_services_are_bad_even_with_little_traffic() -> None:
    wide = Topology.of([(f"s{each}", "dns") for each in range(30)])
    rates = {**{f"s{each}": 100.0 for each in range(30)}, "dns": 1.0}
    assert blast_radius(wide, "dns", rates).value == pytest.approx(0.75)


def test_a_circle_of_calls_is_judged_by_its_own_traffic() -> None:
    circle = Topology.of([("a", "b"), ("b", "a"), ("shop", "c")])
    assert blast_radius(circle, "a", {"a": 5.0, "b": 5.0, "shop": 50.0, "c": 1.0}).requests == pytest.approx(
        0.1
    )


@given(graph=GRAPHS, rates=FLOWS, service=NAMES, more=st.floats(0, 1000))
def test_it_lies_between_0_and_1_and_more_traffic_through_the_service_never_makes_it_smaller(
    graph: Topology, rates: dict[str, float], service: str, more: float
) -> None:
    here = blast_radius(graph, service, rates)
    assert 0.0 <= here.value <= 1.0
    if service in rates and graph.callers(service):
        busier = {**rates, service: rates[service] + more}
        assert blast_radius(graph, service, busier).value >= here.value - 1e-12
