"""Where in the network a delay sits: how well each workload and each node explains which services are slow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import exp, log

import polars as pl

from sre_copilot.cognition.state.scene import Scene, app
from sre_copilot.cognition.state.symptoms import Symptom
from sre_copilot.domain.evidence import Check, Query

Crosses = Callable[[str, str], bool]

# Chance that a service is reported as slow when none of its calls is delayed, and when calls that it waits for are.
QUIET, WAITING = 0.06, 0.9
# The same when only calls to it are: whether its latency includes the way back to the caller, and which quantile is taken, depends
# on how latency is measured, alike for all services of one recording. Either it mostly shows, or it mostly does not.
CALLED = (0.15, 0.85)
DILUTED = 0.5  # share of delayed calls to a service from which on its tail latency shows them fully
# Pods retransmit in their own network namespaces; what a node counts are its own connections (kubelet, agents), which a delay
# of the node hits and a delay of one pod does not. Their chances differ by more than fifty to one: 4 nats.
HOST = 4.0
RESTING = 0.1  # retransmissions a second above a node's own median that an undisturbed network stays below
ABRUPT = 5.0  # times its lower quartile: a delay of a network path dwarfs the service's own time
_LATENCY, _RETRANSMITTED = "(?i)latency|duration|response_time", "(?i)retr?ans"


@dataclass(frozen=True, slots=True)
class Explanation:
    """An entity whose delayed packets would explain the slow services; `score` in nats, `carries` the names it stands for."""

    entity: str
    score: float
    carries: frozenset[str]
    checks: tuple[Check, ...]


def explanations(scene: Scene, slow: set[str], found: tuple[Symptom, ...]) -> list[Explanation]:
    """Every workload and every node that carries one, best explanation first.

    Parameters
    ----------
    slow : workloads that alerts report as slow; those whose measured latency leaps are added
    found : the symptoms of all alerts
    """
    place = {pod.workload: pod.node for pod in scene.cluster.pods if pod.workload and pod.node}
    measured, leaping = latencies(scene)
    slow, measured = slow | leaping, (measured or set(scene.cluster.workloads)) | slow | leaping
    if not slow or not any(scene.calls.values()):
        return []
    excess = retransmissions(scene)
    ranked = []
    for name in place:
        score = _fit(scene, partial(_at, name), slow, measured)
        ranked.append(Explanation(app(name), score, frozenset({name}), ()))
    for node in set(place.values()):
        score = _fit(scene, partial(_across, place, node), slow, measured) + _host(node, found, excess)
        carries = frozenset({node, *(name for name, at in place.items() if at == node)})
        ranked.append(Explanation(f"node/{node}", score, carries, _checks(scene, node, excess)))
    return sorted(ranked, key=lambda each: (-each.score, each.entity))


def _at(name: str, caller: str, callee: str) -> bool:
    return name in {caller, callee}


def _across(place: dict[str, str], node: str, caller: str, callee: str) -> bool:
    return (place.get(caller) == node) != (place.get(callee) == node)


def _fit(scene: Scene, crosses: Crosses, slow: set[str], measured: set[str]) -> float:
    """Log-likelihood of which measured services are slow, where `crosses` says which calls are delayed."""
    waiting = waits(scene, crosses)
    totals = []
    for visible in CALLED:
        total = 0.0
        for name in sorted(measured):
            callers = scene.callers.get(name, frozenset())
            share = sum(crosses(caller, name) for caller in callers) / len(callers) if callers else 0.0
            called = QUIET + (visible - QUIET) * min(1.0, share / DILUTED)
            chance = WAITING if name in waiting else called
            total += log(chance if name in slow else 1.0 - chance)
        totals.append(total)
    best = max(totals)
    return best + log(sum(exp(total - best) for total in totals) / len(totals))


def waits(scene: Scene, crosses: Crosses) -> set[str]:
    """Workloads that wait for a delayed call, and all that wait for those."""
    found = {
        caller
        for caller, callees in scene.calls.items()
        if any(crosses(caller, callee) for callee in callees)
    }
    queue = sorted(found)
    while queue:
        for caller in sorted(scene.callers.get(queue.pop(), frozenset()) - found):
            found.add(caller)
            queue.append(caller)
    return found


def _host(node: str, found: tuple[Symptom, ...], excess: dict[str, float]) -> float:
    """What the node's own retransmissions say for and against it, in nats."""
    if excess:
        own = excess.get(node, 0.0)
        return HOST + log(own / max(excess.values())) if own >= RESTING else -HOST
    return (
        HOST if any(each.topic == "retransmission" and each.alert.entity == node for each in found) else 0.0
    )


def retransmissions(scene: Scene) -> dict[str, float]:
    """Mean retransmissions of each node that carries workloads, above its own median; empty where they are not measured."""
    if scene.metrics is None:
        return {}
    hosts = sorted({pod.node for pod in scene.cluster.pods if pod.workload and pod.node})
    above = (pl.col("value") - pl.col("value").median()).clip(lower_bound=0.0).mean()
    table = scene.metrics.filter(
        pl.col("metric").str.contains(_RETRANSMITTED) & pl.col("service").is_in(hosts)
    )
    table = table.filter(pl.col("value").is_finite()).group_by("service").agg(above.alias("excess"))
    return {str(name): float(value) for name, value in table.iter_rows() if value is not None}


def _checks(scene: Scene, node: str, excess: dict[str, float]) -> tuple[Check, ...]:
    if scene.metrics is None or excess.get(node, 0.0) < RESTING:
        return ()
    names = scene.metrics.filter(pl.col("metric").str.contains(_RETRANSMITTED) & (pl.col("service") == node))[
        "metric"
    ]
    where = (("service", node), ("metric", str(names[0])))
    return (
        Check(
            query=Query(source="metrics", measure="value", where=where),
            aggregate="mean",
            relation=">=",
            bound=RESTING,
        ),
    )


def latencies(scene: Scene) -> tuple[set[str], set[str]]:
    """Workloads with a measured latency, and those whose tail latency leaps within the recording."""
    if scene.metrics is None:
        return set(), set()
    names = sorted(scene.cluster.workloads)
    table = scene.metrics.filter(
        pl.col("metric").str.contains(_LATENCY) & pl.col("service").is_in(names) & pl.col("value").is_finite()
    )
    spread = table.group_by("service", "metric").agg(
        pl.col("value").quantile(0.25).alias("low"), pl.col("value").quantile(0.9).alias("high")
    )
    spread = spread.filter(pl.col("high") > 0)
    leaping = spread.filter(pl.col("high") >= ABRUPT * pl.max_horizontal("low", pl.col("low").median()))
    return set(spread["service"].to_list()), set(leaping["service"].to_list())
