"""Workloads and nodes that are slow: a saturated processor, or a network that delays or loses packets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sre_copilot.cognition.state.delays import RESTING, explanations, retransmissions
from sre_copilot.cognition.state.scene import (
    DECISIVE,
    LIKELY,
    SUGGESTIVE,
    SYMPTOM,
    Scene,
    alert_check,
    app,
    finding,
)
from sre_copilot.cognition.state.symptoms import Symptom, symptoms
from sre_copilot.domain.evidence import Check, Finding
from sre_copilot.domain.signals import Alert

# A delay makes spurious retransmissions only until the timeout has adapted to the new round trip (RFC 6298, section 2), loss for
# as long as it lasts: an average of more than two a second over an alert's minutes is beyond a burst.
LASTING = 2.0
TIED = 3.5  # nats of the best explanation when another explains as much


def analyse(scene: Scene) -> Iterator[Finding]:
    """The processor explains latency when it is saturated; else lost packets do; else the pattern of slow services is weighed."""
    found = symptoms(scene.alerts)
    processors = list(_processors(scene, found))
    yield from processors
    if processors or not any(each.topic in {"latency", "retransmission"} for each in found):
        return
    losses = list(_losses(scene, found))
    yield from losses
    if not losses:
        yield from _delays(scene, found)


def _of(scene: Scene, alert: Alert) -> str:
    """The entity of an alert, or an empty string when it is no part of the recorded cluster."""
    name = scene.names.workload(alert.entity)
    if name in scene.cluster.nodes:
        return f"node/{name}"
    return app(name) if name in scene.cluster.workloads else ""


def _processors(scene: Scene, found: tuple[Symptom, ...]) -> Iterator[Finding]:
    """Throttled or far above its own normal; the busiest node is one of many pods' and no culprit."""
    for name in sorted(
        {_of(scene, each.alert)[4:] for each in found if _of(scene, each.alert).startswith("app/")}
    ):
        own = [
            each
            for each in found
            if _of(scene, each.alert) == app(name) and each.topic in {"cpu", "throttling"}
        ]
        risen = [each for each in own if each.topic == "throttling" or each.factor >= 2.0]
        if not risen:
            continue
        weight = (
            DECISIVE
            if len({each.topic for each in risen}) == 2 or any(each.factor >= 2.0 for each in risen)
            else LIKELY
        )
        yield _alerted("cpu", app(name), weight, risen, fault="resource/cpu")


def _alerted(
    kind: str,
    entity: str,
    weight: float,
    own: list[Symptom],
    *,
    fault: str,
    related: Iterable[str] = (),
    checks: Iterable[Check] = (),
) -> Finding:
    strongest = max(own, key=lambda each: (each.factor, each.now or 0.0, each.text))
    return finding(
        "performance." + kind,
        entity,
        weight,
        [],
        fault_type=fault,
        params=[("before", strongest.before if strongest.before is not None else "?"),
                ("now", strongest.now if strongest.now is not None else "?"), ("alerts", len(own))],
        checks=[*(alert_check(each.alert, each.text) for each in own[:4]), *checks],
        modality="alerts",
        lines=[each.text for each in own[:4]],
        related=tuple(related),
    )  # fmt: skip


def _losses(scene: Scene, found: tuple[Symptom, ...]) -> Iterator[Finding]:
    """The node with most lasting retransmissions; its peers retransmit too, but less."""
    nodes = [each for each in found if each.topic == "retransmission" and _of(scene, each.alert).startswith("node/")
             and each.now is not None and each.now >= LASTING]  # fmt: skip
    if nodes:
        hosts = {pod.node for pod in scene.cluster.pods if pod.workload}
        inside = [each for each in nodes if each.alert.entity in hosts] or nodes
        worst = max(inside, key=lambda each: (each.now or 0.0, each.alert.entity))
        yield _alerted("loss", f"node/{worst.alert.entity}", DECISIVE, [worst], fault="node/network-loss")


def _delays(scene: Scene, found: tuple[Symptom, ...]) -> Iterator[Finding]:
    """The three places whose delay explains best which services are slow; only a clear lead makes the first a cause."""
    slow = {
        scene.names.workload(each.alert.entity)
        for each in found
        if each.topic == "latency" and (each.factor >= 2.0 or each.vanished)
    }
    slow = slow & set(scene.cluster.workloads)
    joined = any(scene.calls.get(caller, frozenset()) & slow for caller in slow)
    if not joined and (len(slow) > 1 or not any(scene.calls.values())):
        yield from _unmapped(scene, found)
        return
    ranked = explanations(scene, slow, found)
    for position, each in enumerate(ranked[:3]):
        rival = ranked[1].score if position == 0 and len(ranked) > 1 else ranked[0].score
        lead = each.score - rival
        weight = min(LIKELY + 1.0, max(SYMPTOM / 2, TIED + lead))
        fault = "network/delay" if each.entity.startswith("app/") else "node/network-delay"
        own = [
            one
            for one in found
            if one.topic in {"latency", "retransmission"}
            and scene.names.workload(one.alert.entity) in each.carries
        ]
        if own:
            related = tuple(app(name) for name in sorted(slow))
            yield _alerted(
                "delay", each.entity, weight, own, fault=fault, related=related, checks=each.checks
            )


def _unmapped(scene: Scene, found: tuple[Symptom, ...]) -> Iterator[Finding]:
    """Who calls whom is not recorded: a node that retransmits itself, else the workload whose latency has leapt furthest.

    A delay adds the same to every service on its path, and where it begins it adds it most often to the least: a hint, no proof.
    """
    excess = retransmissions(scene)
    loud = [
        each
        for each in found
        if each.topic == "retransmission" and _of(scene, each.alert).startswith("node/")
    ]
    worst = max(excess, key=lambda name: (excess[name], name), default="")
    if excess.get(worst, 0.0) >= RESTING or loud:
        entity = f"node/{worst}" if excess.get(worst, 0.0) >= RESTING else _of(scene, loud[0].alert)
        own = [each for each in found if each.topic in {"latency", "retransmission"}]
        yield _alerted("delay", entity, SUGGESTIVE, own, fault="node/network-delay")
        return
    slow = [each for each in found if each.topic == "latency" and _of(scene, each.alert).startswith("app/")]
    if slow:
        first = max(slow, key=lambda each: (each.factor, each.text))
        yield _alerted("delay", _of(scene, first.alert), SUGGESTIVE, [first], fault="network/delay")
