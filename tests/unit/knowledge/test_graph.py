"""The graph says what is linked, and who says so; similar cases follow from it."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.knowledge.faults import EDGES, holds_on, known, look, observation

from sre_copilot.domain.knowledge import Card, Scope
from sre_copilot.domain.topology import Topology
from sre_copilot.knowledge.graph import Graph, Node
from sre_copilot.knowledge.recall import Known
from sre_copilot.knowledge.similar import similar_by_words, similar_to, within

CARD = Card(
    id="pool",
    title="连接池耗尽",
    root_cause="慢查询占用连接",
    manifestation="请求等待连接后超时",
    measure="终止慢查询",
    fault_type="resource/pool",
    scope=Scope(services=("payment",), severity="critical"),
    standing="accepted",
)


def test_entities_faults_causes_and_measures_are_linked_with_provenance() -> None:
    graph = Graph.of((Known(card=CARD), known("payment"), known("cart")), Topology.of(EDGES))
    assert graph.faults_of("payment") == {"resource/cpu": 1, "resource/pool": 1}
    assert graph.measures_for("resource/pool") == {"终止慢查询": ("pool",)}
    (cause,) = graph.neighbours(Node("fault", "resource/pool"), relation="caused_by")
    assert (cause.target, cause.provenance) == (Node("cause", "慢查询占用连接"), ("pool",))
    fault = Node("fault", "resource/cpu")
    had = {edge.source.name for edge in graph.neighbours(fault, relation="had")}
    assert had == {"payment", "cart"}


def test_a_path_leads_from_an_entity_to_the_measure() -> None:
    graph = Graph.of((Known(card=CARD),), Topology.of(EDGES))
    path = graph.path(Node("entity", "checkout"), Node("measure", "终止慢查询"))
    assert [edge.relation for edge in path] == ["calls", "had", "stopped_by"]
    assert graph.path(Node("entity", "checkout"), Node("measure", "pray")) == ()
    assert graph.path(Node("entity", "checkout"), Node("measure", "终止慢查询"), longest=2) == ()


def test_similar_cases_are_filtered_by_service_and_severity() -> None:
    pool = Known(card=CARD)
    assert within((pool,), Scope(services=("cart",))) == ()
    assert within((pool,), Scope(severity="warning")) == ()
    assert within((pool,), Scope(services=("payment",), severity="critical")) == (pool,)
    assert within((Known(card=replace(CARD, scope=Scope())),), Scope(services=("cart",)))


def test_similar_cases_come_with_what_stopped_them() -> None:
    seen = observation("payment", onset=90_000.0)
    (found,) = similar_to(
        (known("payment"), known("cart")), look(seen), observation=seen, holds=holds_on(seen)
    )
    assert (found.service, found.fault_type) == ("payment", "resource/cpu")
    assert found.score > 0.9


def test_words_find_a_case_and_words_of_something_else_do_not() -> None:
    (found,) = similar_by_words((Known(card=CARD),), "支付请求等待连接，随后超时")
    assert (found.id, found.solution) == ("pool", "终止慢查询")
    assert similar_by_words((Known(card=CARD),), "certificate expired") == ()
    assert [each.id for each in similar_by_words((Known(card=CARD),), "", fault_type="resource/pool")] == [
        "pool"
    ]
