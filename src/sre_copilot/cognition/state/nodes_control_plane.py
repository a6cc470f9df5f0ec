"""Nodes that do not work, and control-plane parts that say nothing: kubelet, container runtime, scheduler, kube-proxy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from sre_copilot.cognition.state.model import Evidence, Node, Pod
from sre_copilot.cognition.state.network_log import Failure
from sre_copilot.cognition.state.scene import (
    DECISIVE,
    LIKELY,
    SUGGESTIVE,
    Scene,
    app,
    finding,
    matching,
    state_check,
    where,
)  # fmt: skip
from sre_copilot.cognition.state.scheduling import control_plane
from sre_copilot.cognition.state.text import seconds, table, whole
from sre_copilot.domain.evidence import Finding

_RUNTIME = re.compile(
    r"container runtime|runtime is down|runtime not ready|containerd|dockershim|cri-?o\b", re.IGNORECASE
)
_SOCKET = r"(containerd|crio|cri-dockerd|dockershim|docker)\.sock|container runtime (is )?(down|not running)"
_LEADER = re.compile(r"^(.+)_[0-9a-f-]{8,} became leader")
PATIENCE_S = 20.0  # seconds; a running scheduler decides within one, and retries leave an event
KEPT_S = 3_600.0  # seconds; the API server forgets events after an hour unless told otherwise (--event-ttl)


def analyse(scene: Scene, failures: tuple[Failure, ...]) -> Iterator[Finding]:
    """Findings of all kinds for all nodes."""
    for node in scene.cluster.nodes.values():
        if node.ready != "True":
            yield _not_ready(scene, node)
    if not scene.sick_nodes:
        yield from _runtime(scene)
    yield from _scheduler(scene)
    yield from _proxy(scene, failures)


def _not_ready(scene: Scene, node: Node) -> Finding:
    """A kubelet that reports says what is missing; one that is gone says nothing and its conditions turn `Unknown`."""
    runtime = node.ready == "False" and (bool(_RUNTIME.search(node.ready_line)) or "Unknown" in node.runtime)
    fault = "node/container-runtime" if runtime else "node/kubelet"
    pods = [pod for pod in scene.cluster.pods if pod.node == node.name]
    known = node.ready == "Unknown" or runtime
    return finding(
        fault.replace("/", ".").replace("-", "_"),
        f"node/{node.name}",
        DECISIVE + 2 if known else LIKELY,
        [(node.key, node.ready_line), *([(node.key, node.lines["Runtime"])] if runtime else [])],
        fault_type=fault,
        params=[("ready", node.ready), ("pods", len(pods))],
        related=[app(pod.workload) for pod in pods if pod.workload],
    )


def _runtime(scene: Scene) -> Iterator[Finding]:
    """The runtime is gone before the node is called not ready: sandboxes fail at its socket."""
    for node in scene.cluster.nodes.values():
        events = [
            event
            for pod in scene.cluster.pods
            if pod.node == node.name and scene.unwell(pod)
            for event in matching(pod.events, _SOCKET)[:1]
        ]
        if events:
            yield finding("node.container_runtime", f"node/{node.name}", DECISIVE + 1, map(where, events[:2]),
                          fault_type="node/container-runtime", params=[("ready", node.ready), ("pods", len(events))])  # fmt: skip


def _scheduler(scene: Scene) -> Iterator[Finding]:
    """Pods wait without a node and nobody says why: the scheduler does not look at them."""
    silent = [pod for pod in scene.unwell_pods if _ignored(scene, pod)]
    node, evidence = scheduler_node(scene)
    if not silent or node is None:
        return
    query = [state_check(pod.key, "FailedScheduling", present=False) for pod in silent[:2]]
    yield finding(
        "node.scheduler",
        f"node/{node}",
        DECISIVE + 1,
        [
            *[(pod.key, line) for pod in silent[:2] for line in (pod.lines["Status"], pod.lines["Node"])],
            *evidence,
        ],
        fault_type="node/scheduler",
        params=[("pods", len(silent)), ("workload", silent[0].workload)],
        checks=query,
        related=[app(pod.workload) for pod in silent],
    )


def _ignored(scene: Scene, pod: Pod) -> bool:
    """It waits longer than a scheduler takes, for no claim, and less long than events are kept; and no event is about it."""
    waits = any(
        claim.status != "Bound" for name, _ in pod.claims if (claim := scene.cluster.claims.get(name))
    )
    if pod.phase != "Pending" or pod.node or pod.events or waits or not scene.cluster.describes_events:
        return False
    listed = any(event.object == f"pod/{pod.name}" for event in scene.cluster.events)
    age = _age(scene, pod)
    return not listed and (age is None or PATIENCE_S < age < KEPT_S)


def _age(scene: Scene, pod: Pod) -> float | None:
    for document in scene.cluster.listings("pods"):
        for row, _ in table(document.text):
            if row.get("NAME") == pod.name and (age := seconds(row.get("AGE", ""))) is not None:
                return age
    return None


def scheduler_node(scene: Scene) -> tuple[str | None, list[Evidence]]:
    """Where the scheduler runs: by its lease, its pod, or the labels and taints of the control plane; else the one node of another role."""
    nodes = scene.cluster.nodes
    for event in matching(scene.cluster.events, "became leader"):
        match = _LEADER.match(event.message)
        if match and "scheduler" in event.object and match[1] in nodes:
            return match[1], [where(event)]
    plane = [node for node in nodes.values() if control_plane(node)]
    roles = Counter(node.roles for node in nodes.values())
    idle = {node.name for node in nodes.values()} - {pod.node for pod in scene.cluster.pods}
    odd = [node for node in nodes.values() if roles[node.roles] == 1 and len(nodes) > 2]
    closed = [node for node in odd if node.unschedulable or node.name in idle]
    chosen = next(iter([*plane, *closed, *odd]), None)
    if chosen is None:
        return None, []
    return chosen.name, [(chosen.key, chosen.lines.get("Roles", ""))]


def _proxy(scene: Scene, failures: tuple[Failure, ...]) -> Iterator[Finding]:
    """Callers on one node time out at services that are sound, while callers elsewhere reach them.

    Without kube-proxy a node lacks the rules for addresses of services that are newer than its failure, and packets to
    them are lost; a service without pods is refused at once instead.
    """
    place = _places(scene)
    stuck = [
        each
        for each in failures
        if each.kind == "timeout" and each.count >= 3 and sound(scene, each) and each.caller in place
    ]
    nodes = Counter(place[caller] for caller, _ in {(each.caller, each.target) for each in stuck})
    if len(nodes) != 1:
        return
    node = next(iter(nodes))
    pairs = {(each.caller, each.target) for each in stuck}
    elsewhere = any(
        place.get(caller) not in {node, None} and caller not in {pair[0] for pair in pairs}
        for _, target in pairs
        for backend in scene.routes.get(target, ())
        for caller in scene.callers.get(backend, ())
    )
    weight = DECISIVE if elsewhere or len(pairs) > 1 else SUGGESTIVE
    yield finding(
        "node.kube_proxy",
        f"node/{node}",
        weight,
        [(pod.key, pod.lines["Node"]) for pod in scene.cluster.pods if pod.workload in {each[0] for each in pairs}],
        fault_type="node/kube-proxy",
        params=[("callers", ", ".join(sorted({each[0] for each in pairs}))),
                ("targets", ", ".join(sorted({each[1] for each in pairs}))), ("count", sum(each.count for each in stuck))],
        checks=[scene.log_check(each.writer, each.fragment, 3) for each in stuck[:3]],
        related=[app(each[0]) for each in sorted(pairs)],
    )  # fmt: skip


def _places(scene: Scene) -> dict[str, str]:
    """The node of each workload whose pods share one: of others, a log does not say which pod wrote it."""
    found: dict[str, set[str]] = {}
    for pod in scene.cluster.pods:
        if pod.workload and pod.node:
            found.setdefault(pod.workload, set()).add(pod.node)
    return {workload: next(iter(nodes)) for workload, nodes in found.items() if len(nodes) == 1}


def sound(scene: Scene, failure: Failure) -> bool:
    """The target exists, has endpoints on the port that was dialled, and neither end is unwell."""
    service = scene.cluster.services.get(failure.target)
    if service is None or failure.caller in scene.down:
        return False
    backends = scene.routes.get(service.name, frozenset())
    if not backends or backends & scene.down or failure.caller in backends:
        return False
    ports = [port for port in service.ports if failure.port in {0, port.port}]
    open_ports = {
        item for name in backends for container in scene.containers(name) for item in container.ports
    }
    return any(
        any(":" in address for address in port.endpoints)
        and (
            not open_ports or (number := whole(port.target)) is None or (number, port.protocol) in open_ports
        )
        for port in ports
    )
