"""The knowledge graph: entities, faults, causes, signs and measures, each link with the card or past fault that says so."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from sre_copilot.domain.topology import Topology
from sre_copilot.knowledge.recall import Known

NodeKind = Literal["entity", "fault", "cause", "sign", "measure"]
Relation = Literal["had", "caused_by", "shown_by", "stopped_by", "calls"]


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """One thing that is known of."""

    kind: NodeKind
    name: str


@dataclass(frozen=True, slots=True)
class Edge:
    """A link, and who says so: ids of cards and past faults (`topology` for calls)."""

    source: Node
    relation: Relation
    target: Node
    provenance: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """What is linked to what."""

    edges: tuple[Edge, ...] = ()

    @classmethod
    def of(cls, known: Iterable[Known], topology: Topology | None = None) -> Graph:
        """The graph of experience, with the calls between entities where a topology is given."""
        said: dict[tuple[Node, Relation, Node], set[str]] = defaultdict(set)
        for each in known:
            for link in _links(each):
                said[link].add(each.id)
        for caller, callee in (topology or Topology()).edges:
            said[Node("entity", caller), "calls", Node("entity", callee)].add("topology")
        ordered = sorted(said.items(), key=lambda pair: (pair[0][0], pair[0][1], pair[0][2]))
        return cls(tuple(Edge(s, r, t, tuple(sorted(ids))) for (s, r, t), ids in ordered))

    @cached_property
    def _around(self) -> Mapping[Node, tuple[Edge, ...]]:
        found: dict[Node, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            found[edge.source].append(edge)
            found[edge.target].append(edge)
        return {node: tuple(edges) for node, edges in found.items()}

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, sorted."""
        return tuple(sorted(self._around))

    def neighbours(self, node: Node, *, relation: Relation | None = None) -> tuple[Edge, ...]:
        """Links from and to a node."""
        return tuple(edge for edge in self._around.get(node, ()) if relation in (None, edge.relation))

    def path(self, start: Node, end: Node, *, longest: int = 6) -> tuple[Edge, ...]:
        """A shortest chain of links between two nodes, in either direction; empty when there is none."""
        before: dict[Node, Edge | None] = {start: None}
        queue: deque[tuple[Node, int]] = deque([(start, 0)])
        while queue:
            here, far = queue.popleft()
            if here == end:
                return self._chain(before, end)
            for edge in self._around.get(here, ()) if far < longest else ():
                there = edge.target if edge.source == here else edge.source
                if there not in before:
                    before[there] = edge
                    queue.append((there, far + 1))
        return ()

    def _chain(self, before: Mapping[Node, Edge | None], end: Node) -> tuple[Edge, ...]:
        found: list[Edge] = []
        here = end
        while (edge := before[here]) is not None:
            found.append(edge)
            here = edge.source if edge.target == here else edge.target
        return tuple(reversed(found))

    def faults_of(self, entity: str) -> Mapping[str, int]:
        """How many cards and past faults say that an entity had a fault, by its type: what to suspect first there."""
        edges = self.neighbours(Node("entity", entity), relation="had")
        return {edge.target.name: len(edge.provenance) for edge in edges}

    def measures_for(self, fault_type: str) -> Mapping[str, tuple[str, ...]]:
        """What stopped a fault, and who says so."""
        edges = self.neighbours(Node("fault", fault_type), relation="stopped_by")
        return {edge.target.name: edge.provenance for edge in edges}


def _links(known: Known) -> Iterable[tuple[Node, Relation, Node]]:
    if not known.fault_type:
        return
    fault = Node("fault", known.fault_type)
    for service in known.services:
        yield Node("entity", service), "had", fault
    if known.card:
        yield fault, "caused_by", Node("cause", known.card.root_cause)
    measure = known.card.measure if known.card else known.past.measure if known.past else ""
    if measure:
        yield fault, "stopped_by", Node("measure", measure)
    for token in known.tokens:
        if token.kind and token.role == "culprit":
            yield fault, "shown_by", Node("sign", token.kind)
