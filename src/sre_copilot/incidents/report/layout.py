"""A layered drawing of the call graph: callers left, callees right, in few crossings."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from sre_copilot.domain.incident import Diagnosis, Outcome
from sre_copilot.domain.topology import Topology
from sre_copilot.incidents.report.model import Drawing, Link, Node, Role

SHOWN = 16  # entities that stay readable in one picture
RANKED = 5  # suspects that are marked with their rank
SWEEPS = 6  # of the ordering by means of neighbours; it has settled by then

Edge = tuple[str, str]


def lay_out(diagnosis: Diagnosis, topology: Topology) -> Drawing:
    """Draw the topology with suspects and causal path; of a large one the neighbourhood of these."""
    path = _path(diagnosis)
    path_edges = {_call(topology, nearer, farther) for nearer, farther in itertools.pairwise(path)}
    whole = Topology.of({*topology.edges, *path_edges})
    shown = _neighbourhood(whole, path, diagnosis)
    edges = tuple(edge for edge in whole.edges if edge[0] in shown and edge[1] in shown)
    back = _back_edges(shown, edges)
    layers = _layers(shown, [edge for edge in edges if edge not in back])
    places, bends = _order(layers, edges, back)
    nodes = (_node(entity, places[entity], diagnosis, path) for entity in shown)
    return Drawing(
        nodes=tuple(sorted(nodes, key=lambda node: (node.layer, node.row, node.entity))),
        links=tuple(
            Link(
                caller=caller,
                callee=callee,
                points=(places[caller], *bends.get((caller, callee), ()), places[callee]),
                on_path=(caller, callee) in path_edges,
                back=(caller, callee) in back,
            )
            for caller, callee in edges
        ),
        entities=len(whole.entities),
    )


def _path(diagnosis: Diagnosis) -> tuple[str, ...]:
    if diagnosis.outcome is Outcome.NO_FAULT or not diagnosis.suspects:
        return ()
    first = diagnosis.suspects[0]
    if diagnosis.outcome is not Outcome.FAULT and not first.finding_ids:
        return ()  # nothing was found about it: it stands first by its name
    return first.path or (first.entity,)


def _call(topology: Topology, nearer: str, farther: str) -> Edge:
    """Return the call between two neighbours of the path: the farther from the cause calls the nearer, if it is not known otherwise."""
    known = nearer in topology.callees(farther) or farther not in topology.callees(nearer)
    return (farther, nearer) if known else (nearer, farther)


def _suspects(diagnosis: Diagnosis) -> tuple[str, ...]:
    if diagnosis.outcome is Outcome.NO_FAULT:
        return ()
    return tuple(each.entity for each in diagnosis.suspects[:RANKED] if each.score > 0 or each.finding_ids)


def _neighbourhood(whole: Topology, path: Sequence[str], diagnosis: Diagnosis) -> list[str]:
    alerted = diagnosis.incident.complaint.entity
    known = set(whole.entities)
    marked = [entity for entity in dict.fromkeys((*path, *_suspects(diagnosis), alerted)) if entity in known]
    wanted = list(dict.fromkeys([*marked, *_near(whole, marked)]))
    if len(known) <= SHOWN:
        return sorted(known)
    rest = [] if marked else sorted(known, key=lambda each: (-_degree(whole, each), each))
    return sorted(dict.fromkeys([*wanted, *rest][: max(SHOWN, len(marked))]))


def _near(whole: Topology, marked: Iterable[str]) -> list[str]:
    """Return direct neighbours: those of earlier marked entities first, and the best connected of each first."""
    return [
        each
        for entity in marked
        for each in sorted(
            {*whole.callers(entity), *whole.callees(entity)}, key=lambda each: (-_degree(whole, each), each)
        )
    ]


def _degree(whole: Topology, entity: str) -> int:
    return len(whole.callers(entity)) + len(whole.callees(entity))


def _back_edges(shown: Sequence[str], edges: Iterable[Edge]) -> set[Edge]:
    """Return the edges that close a cycle in a depth-first walk, which begins at entities that nothing calls."""
    callees: dict[str, list[str]] = {entity: [] for entity in shown}
    called = set()
    for caller, callee in edges:
        callees[caller].append(callee)
        called.add(callee)
    done: set[str] = set()
    back: set[Edge] = set()
    for root in sorted(shown, key=lambda entity: (entity in called, entity)):
        chain: list[tuple[str, Iterable[str]]] = [] if root in done else [(root, iter(callees[root]))]
        open_now = {root} if chain else set()
        while chain:
            here, rest = chain[-1]
            there = next(iter(rest), None)
            if there is None:
                chain.pop()
                open_now.discard(here)
                done.add(here)
            elif there in open_now:
                back.add((here, there))
            elif there not in done:
                chain.append((there, iter(callees[there])))
                open_now.add(there)
    return back


def _layers(shown: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Give each entity the length of the longest chain of calls that leads to it."""
    layer = dict.fromkeys(shown, 0)
    for _ in shown:
        moved = False
        for caller, callee in edges:
            if layer[callee] <= layer[caller]:
                layer[callee] = layer[caller] + 1
                moved = True
        if not moved:
            break
    called = {callee for _, callee in edges}
    for entity in set(shown) - called:  # what nothing calls stands just before the nearest that it calls
        layer[entity] = min((layer[callee] for caller, callee in edges if caller == entity), default=1) - 1
    return layer


def _order(
    layers: Mapping[str, int], edges: Sequence[Edge], back: set[Edge]
) -> tuple[dict[str, tuple[int, float]], dict[Edge, tuple[tuple[float, float], ...]]]:
    """Place entities, and the points where long calls pass a layer, near the mean of their neighbours."""
    columns: dict[int, list[object]] = {}
    for entity in sorted(layers):
        columns.setdefault(layers[entity], []).append(entity)
    near: dict[object, list[object]] = {}
    bends: dict[Edge, list[object]] = {}
    for caller, callee in edges:
        if (caller, callee) in back:
            continue
        passing: list[object] = [(caller, callee, at) for at in range(layers[caller] + 1, layers[callee])]
        for at, point in enumerate(passing, start=layers[caller] + 1):
            columns[at].append(point)
        bends[caller, callee] = passing
        chain: list[object] = [caller, *passing, callee]
        for left, right in itertools.pairwise(chain):
            near.setdefault(left, []).append(right)
            near.setdefault(right, []).append(left)
    rows = _sweep(columns, near)
    places = {entity: (layer, rows[entity]) for entity, layer in layers.items()}
    return places, {
        (caller, callee): tuple(
            (float(layers[caller] + 1 + i), rows[point]) for i, point in enumerate(passing)
        )
        for (caller, callee), passing in bends.items()
    }


def _sweep(columns: Mapping[int, list[object]], near: Mapping[object, list[object]]) -> dict[object, float]:
    rows = {each: float(at) for column in columns.values() for at, each in enumerate(column)}
    for sweep in range(SWEEPS):
        for layer in sorted(columns, reverse=bool(sweep % 2)):
            wish = {
                each: _mean([rows[other] for other in near.get(each, [])], rows[each])
                for each in columns[layer]
            }
            columns[layer].sort(key=lambda each: (wish[each], str(each)))
            rows.update(_spread([wish[each] for each in columns[layer]], columns[layer]))
    top = min(rows.values(), default=0.0)
    return {each: row - top for each, row in rows.items()}


def _spread(wishes: Sequence[float], column: Sequence[object]) -> dict[object, float]:
    """Put entries at least one row apart, as near to their wishes as one pass down and one shift allow."""
    placed: list[float] = []
    for wish in wishes:
        placed.append(max(wish, placed[-1] + 1) if placed else wish)
    shift = _mean([wish - row for wish, row in zip(wishes, placed, strict=True)], 0.0)
    return {each: row + shift for each, row in zip(column, placed, strict=True)}


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _node(entity: str, place: tuple[int, float], diagnosis: Diagnosis, path: Sequence[str]) -> Node:
    suspects = _suspects(diagnosis)
    culprit = diagnosis.culprit
    role: Role = "other"
    if culprit and entity == culprit.entity:
        role = "culprit"
    elif entity in path and len(path) > 1:
        role = "path"
    elif entity in suspects:
        role = "suspect"
    return Node(
        entity=entity,
        layer=place[0],
        row=round(place[1], 3),
        role=role,
        rank=suspects.index(entity) + 1 if entity in suspects else None,
        alerted=entity == diagnosis.incident.complaint.entity != "",
    )
