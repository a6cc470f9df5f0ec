"""Query topology: who calls whom, what depends on what, who owns it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import ClassVar

import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import Arguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.looking import Look, look
from sre_copilot.agents.toolkit.measuring import Measurer, fact, rows
from sre_copilot.agents.toolkit.names import service_of
from sre_copilot.agents.toolkit.times import usual_window
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.cognition.calls import call_graph
from sre_copilot.domain.cmdb import CALLS, Inventory
from sre_copilot.domain.cmdb_queries import find, hosts_of, owner_of, relations_of
from sre_copilot.domain.evidence import Check, Finding
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.topology import Topology

MOST = 40  # relations that are stated


class QueryTopologyArguments(Arguments):
    """Around which service, and how far."""

    service: str = Field(default="", max_length=200, description="Name of the service; empty: all calls")
    to: str = Field(
        default="", max_length=200, description="Another service: the way of calls from the first to it"
    )
    steps: int = Field(default=1, ge=1, le=10, description="How many calls away")


class QueryTopology(ReadingTool):
    """Tells calls, ways of calls, dependents and owners; each call is an edge that can be looked up."""

    name = "query_topology"
    Arguments = QueryTopologyArguments
    said: ClassVar = {
        "en": "Tells who calls a service, what it depends on, the way between two services, and who owns it.",
        "zh": "给出谁调用某服务、它依赖什么、两个服务之间的调用路径，以及负责人。",
    }

    def answer(self, arguments: QueryTopologyArguments, context: ToolContext) -> ToolResult:
        """Walk the call graph, and add what the inventory knows."""
        seen = look(context, usual_window(context), "topology", "traces")
        graph = Graph(seen)
        inventory = context.scene.inventory()
        if not graph.topology.edges and not inventory.relations:
            raise seen.missing("topology")
        service = (
            service_of(arguments.service, context, also=graph.topology.entities) if arguments.service else ""
        )
        digest = Digest(context)
        digest.remark(
            "tool.asked.topology", edges=len(graph.topology.edges), entities=len(graph.topology.entities)
        )
        observation = seen.observation
        if service and arguments.to:
            digest.state(graph.way(service, service_of(arguments.to, context, also=graph.topology.entities)))
        elif service:
            for finding in graph.around(service, arguments.steps):
                digest.state(finding)
            observation = _known(inventory, service, observation, digest)
        else:
            for caller, callee in graph.topology.edges[:MOST]:
                digest.state(graph.edge(caller, callee))
        edges = pl.DataFrame(
            graph.topology.edges, schema={"caller": pl.String, "callee": pl.String}, orient="row"
        )
        return digest.result(observation, rows=edges, gaps=seen.gaps)


class Graph:
    """The call graph with a check for each edge: as recorded, else as spans show it."""

    def __init__(self, seen: Look) -> None:
        self.topology: Topology = call_graph(seen.observation)
        self._recorded = bool(seen.observation.topology.edges)
        self._measurer = seen.measurer

    def check(self, caller: str, callee: str) -> Check:
        """The check that one calls the other."""
        where = {"caller": caller, "callee": callee}
        query = rows("topology", where, None)
        if not self._recorded:
            query = replace(rows("traces", where, None), measure="calls")
        return Check(query=query, aggregate="count", relation=">=", bound=1.0)

    def edge(self, caller: str, callee: str) -> Finding:
        """That one calls the other."""
        return fact("tool.topology.edge", caller, "topology", (self.check(caller, callee),), callee=callee)

    def chain(self, kind: str, entity: str, way: tuple[str, ...], **params: str | int) -> Finding:
        """Something that rests on a chain of calls."""
        checks = tuple(self.check(a, b) for a, b in pairwise(way))
        return fact(kind, entity, "topology", checks, window=None, way=" → ".join(way), **params)

    def way(self, first: str, last: str) -> Finding:
        """The way of calls from one service to another, or that there is none from the first."""
        way = self.topology.path(first, last)
        if len(way) < 2:
            raise Trouble("no_data", "tool.none.way", first=first, last=last)
        return self.chain("tool.topology.way", first, way, last=last, steps=len(way) - 1)

    def around(self, service: str, steps: int) -> list[Finding]:
        """What calls it and what it calls, the nearest first."""
        up = _within(self.topology.upstream(service), steps)
        down = _within(self.topology.downstream(service), steps)
        found = []
        for name, distance in up[:MOST]:
            way = self.topology.path(name, service)
            found.append(self.chain("tool.topology.dependent", service, way, other=name, steps=distance))
        for name, distance in down[:MOST]:
            way = self.topology.path(service, name)
            found.append(self.chain("tool.topology.dependency", service, way, other=name, steps=distance))
        return found


def _within(reached: Mapping[str, int], steps: int) -> list[tuple[str, int]]:
    near = [(name, distance) for name, distance in reached.items() if 0 < distance <= steps]
    return sorted(near, key=lambda each: (each[1], each[0]))


def _known(inventory: Inventory, service: str, observation: Observation, digest: Digest) -> Observation:
    """State what the inventory knows beside calls; its lines become part of the state that the statements are looked up in."""
    lines = _lines(inventory, service)
    if not lines:
        return observation
    key = f"inventory {service}"
    state = {**(observation.current.state or {}), key: "\n".join(lines)}
    extended = replace(observation, current=replace(observation.current, state=state))
    measurer = Measurer(extended)
    for line in lines:
        count = measurer.measure(rows("state", {"key": key, "line": line}, None), "count")
        if count is not None and count.value:
            digest.state(fact("tool.topology.known", service, "state", (count.check,), line=line))
    return extended


def _lines(inventory: Inventory, service: str) -> list[str]:
    entity = find(inventory, service)
    if entity is None:
        return []
    lines = [f"{key}: {value}" for key, value in sorted(entity.attributes.items()) if value]
    if entity.kind:
        lines.append(f"kind: {entity.kind}")
    if (owner := owner_of(inventory, service)) is not None and owner.entity != service:
        lines.append(f"owner: {owner.owner} (said of {owner.entity})")
    if hosts := hosts_of(inventory, service):
        lines.append(f"runs on: {', '.join(hosts)}")
    others = (each for each in relations_of(inventory, service) if each.kind != CALLS)
    lines += [f"{each.caller} {each.kind} {each.callee}" for each in others]
    return [" ".join(line.split()) for line in lines]
