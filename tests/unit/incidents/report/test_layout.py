from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.incidents.report import example

from sre_copilot.domain.incident import Diagnosis, Incident, Outcome, Suspect
from sre_copilot.domain.topology import Topology
from sre_copilot.incidents.report.layout import SHOWN, lay_out
from sre_copilot.incidents.report.model import Report

NAMES = st.integers(0, 24).map(lambda number: f"s{number}")
EDGES = st.lists(st.tuples(NAMES, NAMES), max_size=70)


def blaming(entity: str, *path: str) -> Diagnosis:
    return Diagnosis(
        incident=Incident(id="x"),
        outcome=Outcome.FAULT,
        probability=0.9,
        suspects=(Suspect(entity=entity, score=3.0, path=path),),
        findings=(),
    )


@settings(max_examples=60)
@given(EDGES)
def test_any_graph_is_drawn_without_overlap_and_with_calls_from_left_to_right(
    edges: list[tuple[str, str]],
) -> None:
    drawing = lay_out(blaming("s1", "s1", "s2", "s3"), Topology.of(edges))
    places = {node.entity: (node.layer, node.row) for node in drawing.nodes}
    assert len(places) == len(drawing.nodes) <= SHOWN
    columns: dict[int, list[float]] = {}
    for node in drawing.nodes:
        assert node.layer >= 0
        columns.setdefault(node.layer, []).append(node.row)
    for rows in columns.values():
        rows.sort()
        assert all(later - row > 0.99 for row, later in itertools.pairwise(rows))
    for link in drawing.links:
        assert link.back or places[link.caller][0] < places[link.callee][0]


@given(EDGES, st.randoms())
@settings(max_examples=30)
def test_the_order_of_edges_does_not_matter(edges: list[tuple[str, str]], draw: object) -> None:
    mixed = edges.copy()
    draw.shuffle(mixed)  # type: ignore[attr-defined]
    diagnosis = blaming("s1", "s1", "s2")
    assert lay_out(diagnosis, Topology.of(edges)) == lay_out(diagnosis, Topology.of(mixed))


def test_a_small_topology_is_drawn_whole_and_roles_are_marked(report: Report) -> None:
    nodes = {node.entity: node for node in report.topology.nodes}
    assert len(nodes) == report.topology.entities == 12
    assert nodes["payments"].role == "culprit"
    assert nodes["checkout"].role == nodes["storefront"].role == "path"
    assert nodes["搜索服务"].role == "suspect"
    assert (nodes["payments"].rank, nodes["搜索服务"].rank) == (1, 4)
    assert [node.entity for node in report.topology.nodes if node.alerted] == ["storefront"]


def test_the_causal_path_is_marked_on_the_calls_that_carry_it(report: Report) -> None:
    on_path = {(link.caller, link.callee) for link in report.topology.links if link.on_path}
    assert on_path == {("storefront", "checkout"), ("checkout", "payments")}


def test_of_a_large_topology_the_neighbourhood_of_path_and_suspects_is_drawn(large: Report) -> None:
    shown = {node.entity for node in large.topology.nodes}
    assert large.topology.entities == 46
    assert {"payments", "checkout", "storefront", "搜索服务"} <= shown
    assert len(shown) <= SHOWN


def test_without_a_call_graph_the_path_alone_is_drawn() -> None:
    drawing = lay_out(blaming("db", "db", "api"), Topology())
    assert [(link.caller, link.callee, link.on_path) for link in drawing.links] == [("api", "db", True)]


def test_without_any_fault_nothing_is_accused() -> None:
    diagnosis = example.diagnosis(outcome=Outcome.NO_FAULT)
    drawing = lay_out(diagnosis, example.large_topology())
    assert {node.role for node in drawing.nodes} == {"other"}
    assert not any(link.on_path for link in drawing.links)
