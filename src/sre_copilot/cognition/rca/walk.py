"""Walk from the symptom along the calls to the deepest node whose own excess accounts for it.

Waiting (seconds) and failures (requests) are additive along calls: what a callee adds appears, as much, in whoever waits for it.
So each node is left with the part of its excess that its callees do not explain, and a node is a suspect as far as that part, squeezed
through the narrowest node on the way, makes up the symptom. A node with few calls, such as a second view of an edge that
another node serves, can only make up little: nothing needs to be known of names or kinds of nodes.

References
----------
Hardt et al., The PetShop dataset: finding causes of performance issues across microservices, CLeaR 2024, section 5 (traversal
from the alerted node is the strongest baseline). Budhathoki et al., Causal structure-based root cause analysis of outliers, ICML 2022, section 3 (an anomaly is
attributed to the node whose own noise explains it, given its parents).
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log1p

import numpy as np

from sre_copilot.cognition.detectors.golden_panel import MEASURED_NODES, applies, observed
from sre_copilot.cognition.rca.localiser import Localisation
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Observation, Suspect
from sre_copilot.domain.topology import Topology

METHOD = "walk"
KINDS = {"golden.latency_high": "latency", "golden.availability_low": "failures"}
REQUESTS = "golden.requests_change"
PRIOR = 1.0  # nats beyond a coincidence: that one of a few signals is unusual is usual
TIMEOUT_S = 1.0  # clients give up after a second or more: that much waiting in the callee for each failure
RETRY_S = 3.0  # clients that retry wait some hundred milliseconds at first, and a few seconds in all
TRANSFER = 0.6  # slightly above even: trouble of another kind in a callee is the cause, or a coincidence
SILENT = 0.3  # of its caller's suspicion: below even, since nothing was seen of the callee itself
SILENT_HOPS = 4  # longer chains of nodes that report nothing leave nothing to reason with


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one node and kind: its excess, how surprising that is (nats), what it reaches in fault-free windows."""

    total: float
    nats: float
    scale: float
    finding_id: str

    @property
    def credible(self) -> float:
        """The part of the excess to believe in: even odds at the prior."""
        return max(0.0, self.total) / (1.0 + exp(-2.0 * (self.nats - PRIOR)))


@dataclass(frozen=True, slots=True)
class Scene:
    """What the walk looks at: requests by node, the nodes that report a kind, and the evidence by kind and node."""

    topology: Topology
    calls: Mapping[str, float]
    reporting: Mapping[str, frozenset[str]]
    evidence: Mapping[str, Mapping[str, Evidence]]
    newly_called: frozenset[str]

    def silent(self, kind: str, node: str) -> bool:
        """Whether the node may be in trouble without showing it; one that is known to be idle is not."""
        return node not in self.reporting[kind] and self.calls.get(node, 1.0) > 0


def localise(observation: Observation, findings: Sequence[Finding]) -> Localisation | None:
    """Rank all nodes by how far they account for the complaint.

    Returns
    -------
    None unless requests with latency or availability of three nodes of a call graph are recorded, and neither spans nor cluster state.
    Scores are nats: those of the complaint and of the suspect's own excess above the prior, times the share of the symptom that the
    suspect makes up, squared because a contributor of a part is less often the cause than the part says.
    """
    if not applies(observation):
        return None
    current, _ = observed(replace(observation, reference=None))
    if len(current.measured & set(observation.topology.entities)) < MEASURED_NODES:
        return None
    nodes = {*observation.topology.entities, *current.latency, *current.failures, *current.requests}
    calls = {node: float(np.nansum(signal.values)) for node, signal in current.requests.items()}
    reporting = {"latency": frozenset(current.latency), "failures": frozenset(current.failures)}
    scene = Scene(observation.topology, calls, reporting, _evidence(findings), _newly_called(findings))
    alarm = _alarm(findings)
    found = {} if alarm is None else suspects(scene, alarm)
    ranked = [
        found.get(node) or Suspect(entity=node, score=0.0) for node in nodes if not node.startswith("_")
    ]
    return Localisation(METHOD, tuple(sorted(ranked, key=lambda suspect: (-suspect.score, suspect.entity))))


def suspects(scene: Scene, alarm: Finding) -> dict[str, Suspect]:
    """Suspects with a score, by entity, of the complaint that `alarm` states."""
    kind, entity = KINDS[alarm.kind], alarm.entity
    shares, supports = _shares(scene, kind, entity)
    found = {}
    for node, share in shares.items():
        support = supports[node]
        own = 0.0 if node == entity else support.nats - PRIOR
        score = share**2 * _softplus(float(dict(alarm.params)["alarm"]) - PRIOR + own)
        if score > 0:
            path = tuple(reversed(scene.topology.path(entity, node)))
            passed = (scene.evidence[kind][each].finding_id for each in path if each in scene.evidence[kind])
            found[node] = Suspect(
                entity=node,
                score=score,
                fault_type=f"degradation/{'latency' if kind == 'latency' else 'availability'}",
                finding_ids=tuple(dict.fromkeys((support.finding_id, *passed))),
                path=path,
            )
    return found


def _shares(scene: Scene, kind: str, entity: str) -> tuple[dict[str, float], dict[str, Evidence]]:
    """Of each node reached: the part of the symptom that it makes up itself, 0 to 1, and the evidence for that."""
    evidence, other = scene.evidence[kind], scene.evidence["failures" if kind == "latency" else "latency"]
    symptom = evidence[entity].total
    widths = widest(scene, kind, entity)
    shares: dict[str, float] = {}
    supports: dict[str, Evidence] = {}
    for node in sorted(evidence.keys() & widths.keys()):
        own = unexplained(scene, kind, node, symptom if node == entity else evidence[node].credible)
        blamed = _blamed(scene, kind, node, own, other)
        for callee in blamed:
            shares[callee] = shares.get(callee, 0.0) + TRANSFER * min(own, widths[node]) / symptom / len(
                blamed
            )
            supports.setdefault(callee, other[callee])
        kept = (1.0 - TRANSFER) if blamed else 1.0
        shares[node] = shares.get(node, 0.0) + kept * min(own, widths[node]) / symptom
        supports[node] = evidence[node]
        unseen = [each for each in scene.topology.callees(node) if scene.silent(kind, each)]
        # the caller's own part and that of a callee which reports nothing cannot be told apart
        for callee in unseen:
            shares[callee] = shares.get(callee, 0.0) + SILENT * shares[node] / len(unseen)
            supports.setdefault(callee, evidence[node])
    return {node: min(1.0, share) for node, share in shares.items()}, supports


def widest(scene: Scene, kind: str, entity: str) -> dict[str, float]:
    """How much of a node's excess can reach `entity`: the narrowest excess on the widest way of calls.

    Nodes without telemetry let everything pass (a gap, not a calm node); nodes that report and show nothing let nothing
    pass, and so do nodes that were hardly called before, whose calls are their caller's doing.
    """
    evidence = scene.evidence[kind]
    widths: dict[str, float] = {}
    queue = [(-evidence[entity].total, entity)]
    while queue:
        negative, node = heapq.heappop(queue)
        if node in widths:
            continue
        widths[node] = -negative
        for callee in scene.topology.callees(node):
            limit = _limit(scene, kind, callee)
            if callee not in widths and limit > 0:
                heapq.heappush(queue, (-min(widths[node], limit), callee))
    return widths


def _limit(scene: Scene, kind: str, node: str) -> float:
    if node in scene.newly_called:
        return 0.0
    if node in scene.evidence[kind]:
        return scene.evidence[kind][node].credible
    return float("inf") if scene.silent(kind, node) else 0.0


def unexplained(scene: Scene, kind: str, node: str, excess: float) -> float:
    """The part of a node's excess that its callees do not account for.

    A callee hands on to each caller what that caller's part of its calls brings, and no more than the caller's own fault-free
    fluctuation allows: if the callee fluctuates ten times as much as the caller at peace, the caller does not wait for it.
    """
    return max(0.0, excess - _handed_on(scene, kind, node, scene.evidence[kind][node].scale, frozenset()))


def _handed_on(scene: Scene, kind: str, node: str, scale: float, seen: frozenset[str]) -> float:
    """What the callees of a node hand on to a caller of that fault-free scale; silent callees hand on what they receive."""
    evidence, handed = scene.evidence[kind], 0.0
    if len(seen) > SILENT_HOPS:
        return handed
    for callee in scene.topology.callees(node):
        part = _part(scene, node, callee)
        if callee in seen or callee in scene.newly_called:
            continue
        if callee in evidence:
            handed += min(part, 1.0, scale / evidence[callee].scale) * evidence[callee].credible
        elif scene.silent(kind, callee):
            handed += part * _handed_on(scene, kind, callee, scale, seen | {node})
    return handed


def _part(scene: Scene, caller: str, callee: str) -> float:
    """The part of a callee's calls that one caller makes: in proportion to the callers' own requests."""
    callers = scene.topology.callers(callee)
    total = sum(scene.calls.get(each, 0.0) for each in callers)
    return scene.calls.get(caller, 0.0) / total if total > 0 else 1.0 / len(callers)


def _blamed(scene: Scene, kind: str, node: str, own: float, other: Mapping[str, Evidence]) -> list[str]:
    """Callees whose trouble of the other kind would do this: too slow for the caller's time-out, or failing and tried again."""
    needed = own * TIMEOUT_S if kind == "failures" else own / RETRY_S
    return [
        callee
        for callee in scene.topology.callees(node)
        if own > 0
        and callee in other
        and callee not in scene.newly_called
        and other[callee].credible >= needed
        and other[callee].nats > PRIOR
    ]


def _evidence(findings: Sequence[Finding]) -> dict[str, dict[str, Evidence]]:
    found: dict[str, dict[str, Evidence]] = {"latency": {}, "failures": {}}
    for finding in findings:
        if finding.kind in KINDS:
            params = dict(finding.params)
            total, nats, scale = (float(params[name]) for name in ("excess", "nats", "scale"))
            found[KINDS[finding.kind]][finding.entity] = Evidence(total, nats, scale, finding.id)
    return found


def _newly_called(findings: Sequence[Finding]) -> frozenset[str]:
    return frozenset(each.entity for each in findings if each.kind == REQUESTS and dict(each.params)["new"])


def _alarm(findings: Sequence[Finding]) -> Finding | None:
    stated = [each for each in findings if each.kind in KINDS and "alarm" in dict(each.params)]
    return max(stated, key=lambda finding: (finding.weight, finding.id), default=None)


def _softplus(nats: float) -> float:
    """`ln(1 + e^nats)`: nats where they are many, near 0 where they are below the prior, never equal for two that differ."""
    return nats + log1p(exp(-nats)) if nats > 0 else log1p(exp(nats))
