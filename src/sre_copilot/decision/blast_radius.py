"""Whom an action can reach: the share of users' requests that pass its target, and the services that stand around it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sre_copilot.domain.topology import Topology

HALF_AT = 10.0
"""Services at which the number alone is half as bad as it can be: more than a team can watch at a time."""
CALLEE = 0.5
"""What is called by the target meets another load when it changes, and does not fail with it: it counts half of what depends on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastRadius:
    """`requests` is the share of users' requests that can be met, at most (None: not known, which counts as all)."""

    known: bool
    upstream: int = 0
    downstream: int = 0
    requests: float | None = None

    @property
    def value(self) -> float:
        """0..1: the worse of traffic and number; 1 where the target or the traffic is not known."""
        if not self.known or self.requests is None:
            return 1.0
        reached = self.upstream + CALLEE * self.downstream
        return max(self.requests, reached / (reached + HALF_AT))


def blast_radius(topology: Topology, service: str, rates: Mapping[str, float]) -> BlastRadius:
    """Whom a change of `service` can reach; `rates` are requests a second by service.

    No more users' requests are met than come in at the entries above the service, and no more than the service itself receives, for each that is met
    asks it at least once; the share is the smaller of the two among all that come in. An entry is a service that nothing calls.
    """
    if not service or service not in topology.entities:
        return BlastRadius(known=False)
    above, below = topology.upstream(service), topology.downstream(service)
    others = below.keys() - above.keys()  # what stands on both sides counts once, as what depends on it
    return BlastRadius(
        known=True,
        upstream=len(above) - 1,
        downstream=len(others),
        requests=_share(topology, service, above, rates),
    )


def _share(
    topology: Topology, service: str, above: Mapping[str, int], rates: Mapping[str, float]
) -> float | None:
    entries = [each for each in topology.entities if not topology.callers(each)]
    total = _sum(entries, rates)
    met = _sum([each for each in entries if each in above], rates)
    own = _sum([service], rates)
    if not total or own is None:
        return None
    if met is None or not any(each in above for each in entries):  # a circle of calls has no entry of its own
        met = own
    return min(own, met, total) / total


def _sum(services: list[str], rates: Mapping[str, float]) -> float | None:
    """Their requests together; None when those of one are not known."""
    known = [rates.get(each, math.nan) for each in services]
    return sum(known) if all(math.isfinite(each) and each >= 0 for each in known) else None
