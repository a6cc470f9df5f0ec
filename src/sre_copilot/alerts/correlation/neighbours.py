"""Which services are near in the call graph, looked up once a service."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from sre_copilot.domain.topology import Topology


class Neighbours:
    """For each service: who depends on it (`callers`) and on whom it depends (`callees`), with the distance in calls, up to a limit."""

    def __init__(self, topology: Topology, limit: int) -> None:
        self._topology = topology
        self._limit = limit
        self._entities = frozenset(topology.entities)
        self._callers: dict[str, dict[str, int]] = {}
        self._callees: dict[str, dict[str, int]] = {}

    def knows(self, service: str) -> bool:
        """Whether the topology has it."""
        return service in self._entities

    def callers(self, service: str) -> dict[str, int]:
        """Services that depend on it."""
        found = self._callers.get(service)
        if found is None:
            found = self._callers[service] = self._walk(service, self._topology.callers)
        return found

    def callees(self, service: str) -> dict[str, int]:
        """Services on which it depends."""
        found = self._callees.get(service)
        if found is None:
            found = self._callees[service] = self._walk(service, self._topology.callees)
        return found

    def _walk(self, service: str, step: Callable[[str], tuple[str, ...]]) -> dict[str, int]:
        distance = {service: 0}
        queue = deque([service])
        while queue:
            here = queue.popleft()
            if distance[here] == self._limit:
                continue
            for there in step(here):
                if there not in distance:
                    distance[there] = distance[here] + 1
                    queue.append(there)
        del distance[service]
        return distance
