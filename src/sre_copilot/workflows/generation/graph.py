"""The flow of a procedure as a graph that a workflow can be: forward jumps are conditions, a jump back is gone once more, and then people take over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from sre_copilot.knowledge.sops import Step
from sre_copilot.workflows.generation.prose import END, Way, clauses

Via = Literal["done", "yes", "no"]
Edge = tuple[str, Via]
HANDED_OVER = -1  # where a jump back leads to that was gone already
Spot = tuple[int, int]
"""A step and the round in which it is gone: 0 for the first, else the number of the step that led back."""


@dataclass(frozen=True, slots=True)
class Node:
    """Something done or asked; `after` are the ways on which it is reached, none for the beginning."""

    name: str
    text: str
    asks: bool
    step: int
    after: tuple[Edge, ...]


@dataclass
class Graph:
    """Grows in the order of the steps: whatever leads to a node is there before it."""

    nodes: list[Node] = field(default_factory=list)
    entries: dict[Spot, list[Edge]] = field(default_factory=lambda: defaultdict(list))
    begun: bool = False

    def add(self, spot: Spot, text: str, after: Sequence[Edge], *, asks: bool = False) -> str:
        """A node; its name."""
        number, again = spot
        stem = f"step_{number}" + (f"_again_{again}" if again else "")
        count = sum(1 for each in self.nodes if each.name == stem or each.name.startswith(f"{stem}_part_"))
        name = stem if not count else f"{stem}_part_{count + 1}"
        self.nodes.append(Node(name, text, asks, number, tuple(dict.fromkeys(after))))
        return name


def graph_of(flow: Sequence[Step]) -> Graph:
    """The graph of a flow."""
    graph = Graph()
    pending: list[Edge] = []
    for step in flow:
        spot = (step.number, 0)
        first = not graph.nodes
        reached = [*pending, *graph.entries[spot]]
        pending = [] if not reached and not first else _step(graph, step, spot, reached, last=step.number)
        pending = _rounds(graph, flow, step, pending)
    return graph


def handed_over(graph: Graph) -> tuple[Edge, ...]:
    """The ways on which people take over."""
    return tuple(graph.entries[(HANDED_OVER, 0)])


def _rounds(graph: Graph, flow: Sequence[Step], step: Step, pending: list[Edge]) -> list[Edge]:
    """The steps that a step leads back to, once more, up to itself."""
    again: list[Edge] = []
    begun = False
    for each in flow[: step.number]:
        spot = (each.number, step.number)
        reached = [*again, *graph.entries[spot]]
        if reached:
            begun = True
            again = _step(graph, each, spot, reached, last=step.number)
        elif begun:
            again = []
    return [*pending, *again]


def _step(graph: Graph, step: Step, spot: Spot, reached: list[Edge], *, last: int) -> list[Edge]:
    """The nodes of a step; what goes on to the next."""
    pending = reached
    for number, clause in enumerate(clauses(step.text)):
        if number and not pending:
            break
        if not clause.asked:
            pending = _way(graph, spot, clause.then, pending, last)
            continue
        name = graph.add(spot, clause.asked, pending, asks=True)
        yes = _way(graph, spot, clause.then, [(name, "yes")], last)
        pending = yes + _way(graph, spot, clause.otherwise, [(name, "no")], last)
    return pending


def _way(graph: Graph, spot: Spot, way: Way, after: list[Edge], last: int) -> list[Edge]:
    edges: list[Edge] = after
    if way.deed:
        edges = [(graph.add(spot, way.deed, after), "done")]
    if way.goto is None:
        return edges
    if way.goto != END:
        graph.entries[_target(spot, way.goto, last)] += edges
    return []


def _target(spot: Spot, goto: int, last: int) -> Spot:
    number, again = spot
    if goto > number:
        return (goto, again) if again and goto <= last else (goto, 0)
    return (HANDED_OVER, 0) if again else (goto, number)
