"""Whom a failing service can reach: everything that calls it, directly or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sre_copilot.domain.topology import Topology

MOST_NAMED = 50


def blast_radius(topology: Topology, services: Iterable[str]) -> dict[str, Any]:
    """What depends on `services`: `count`, the nearest by name (`services`), how many at each distance, and what could not be told.

    `unknown` names services that the topology does not know: of their reach nothing is said, and it is not 0.
    """
    affected = list(dict.fromkeys(services))
    known = [each for each in affected if topology.callers(each) or topology.callees(each)]
    distance: dict[str, int] = {}
    for service in known:
        for other, calls in topology.upstream(service).items():
            distance[other] = min(calls, distance.get(other, calls))
    reached = sorted((calls, name) for name, calls in distance.items() if name not in set(affected))
    by_distance: dict[str, int] = {}
    for calls, _ in reached:
        by_distance[str(calls)] = by_distance.get(str(calls), 0) + 1
    return {
        "count": len(reached),
        "services": [name for _, name in reached[:MOST_NAMED]],
        "by_distance": by_distance,
        "unknown": [each for each in affected if each not in set(known)][:MOST_NAMED],
    }


def reach(radius: Mapping[str, Any]) -> int:
    """How many services depend on what failed, as far as is known."""
    return int(radius.get("count", 0))
