"""Who calls whom."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Topology:
    """A directed call graph; cycles are allowed. An edge is (caller, callee)."""

    edges: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, edges: Iterable[tuple[str, str]]) -> Topology:
        """Make a topology from edges in any order, each kept once, self-calls dropped."""
        return cls(tuple(sorted({(caller, callee) for caller, callee in edges if caller != callee})))

    @cached_property
    def entities(self) -> tuple[str, ...]:
        """All entities, sorted."""
        return tuple(sorted({entity for edge in self.edges for entity in edge}))

    @cached_property
    def _callees(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for caller, callee in self.edges:
            found.setdefault(caller, []).append(callee)
        return {caller: tuple(callees) for caller, callees in found.items()}

    @cached_property
    def _callers(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for caller, callee in self.edges:
            found.setdefault(callee, []).append(caller)
        return {callee: tuple(callers) for callee, callers in found.items()}

    def callees(self, entity: str) -> tuple[str, ...]:
        """What `entity` calls directly."""
        return self._callees.get(entity, ())

    def callers(self, entity: str) -> tuple[str, ...]:
        """What calls `entity` directly."""
        return self._callers.get(entity, ())

    def downstream(self, entity: str) -> dict[str, int]:
        """Everything that `entity` depends on, with its distance in calls (itself: 0)."""
        return self._walk(entity, self._callees)

    def upstream(self, entity: str) -> dict[str, int]:
        """The blast radius: everything that depends on `entity`, with its distance in calls (itself: 0)."""
        return self._walk(entity, self._callers)

    def path(self, source: str, target: str) -> tuple[str, ...]:
        """A shortest chain of calls from `source` to `target`, both included; empty when there is none."""
        before: dict[str, str] = {}
        queue = deque([source])
        seen = {source}
        while queue:
            here = queue.popleft()
            if here == target:
                chain = [here]
                while chain[-1] != source:
                    chain.append(before[chain[-1]])
                return tuple(reversed(chain))
            for there in self.callees(here):
                if there not in seen:
                    seen.add(there)
                    before[there] = here
                    queue.append(there)
        return ()

    def _walk(self, entity: str, neighbours: dict[str, tuple[str, ...]]) -> dict[str, int]:
        distance = {entity: 0}
        queue = deque([entity])
        while queue:
            here = queue.popleft()
            for there in neighbours.get(here, ()):
                if there not in distance:
                    distance[there] = distance[here] + 1
                    queue.append(there)
        return distance
