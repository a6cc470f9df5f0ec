"""Pods that fit on no node: what the scheduler says of each node, and which of its reasons is the cause."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sre_copilot.cognition.state.model import Evidence, Node, Pod
from sre_copilot.cognition.state.scene import DECISIVE, LIKELY, Scene, app, finding, matching, where
from sre_copilot.cognition.state.text import Event
from sre_copilot.domain.evidence import Finding

_HEAD = re.compile(r"\d{1,9}/\d{1,9} nodes are available:?\s*(.*)", re.DOTALL)
_REASON = re.compile(
    r"\s{0,3}(?<!\d)(\d{1,6})\s{1,3}(.{1,400}?)(?=,\s{0,3}\d{1,6}\s|\.\s{0,3}preemption|\.?\s{0,3}$)",
    re.DOTALL,
)
_TAINT = re.compile(r"taint\w*\s*\{([^:}]*):?\s*([^}]*)\}")
SYSTEM_TAINT = "node.kubernetes.io/"
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")

# The scheduler filters in a fixed order; a node that is refused by a late filter has passed all earlier ones, so the latest
# reason names the node that was meant and what keeps the pod from it.
# Source: kubernetes pkg/scheduler/apis/config/v1/default_plugins.go, order of the default plugins.
_FILTERS = (
    ("scheduling/anti-affinity", re.compile(r"anti-affinity")),
    ("scheduling/cpu-capacity", re.compile(r"insufficient cpu", re.IGNORECASE)),
    ("scheduling/memory-capacity", re.compile(r"insufficient memory", re.IGNORECASE)),
    ("affinity", re.compile(r"node affinity|node selector|affinity/selector", re.IGNORECASE)),
    ("taint", re.compile(r"taint", re.IGNORECASE)),
    ("cordon", re.compile(r"unschedulable", re.IGNORECASE)),
)


def analyse(scene: Scene) -> Iterator[Finding]:
    """One finding for each workload with an unscheduled pod."""
    seen: set[str] = set()
    for pod in scene.unwell_pods:
        if pod.node or pod.workload in seen:
            continue
        events = matching(pod.events, r"nodes are available", "FailedScheduling") or _listed(scene, pod)
        if events:
            latest = events[0]
            if latest.age_s is not None:
                # of equal age, the last printed is the newest
                latest = [event for event in events if event.age_s == latest.age_s][-1]
            if (found := _explain(scene, pod, latest)) is not None:
                seen.add(pod.workload)
                yield found


def _listed(scene: Scene, pod: Pod) -> list[Event]:
    events = [event for event in scene.cluster.events if event.object == f"pod/{pod.name}"]
    return matching(events, r"nodes are available", "FailedScheduling")


def reasons(message: str) -> list[tuple[int, str]]:
    """How many nodes were refused for which reason."""
    head = _HEAD.search(message)
    body = head[1].split("preemption:")[0] if head else ""
    return [(int(count), reason.strip(" .")) for count, reason in _REASON.findall(body)]


def _explain(scene: Scene, pod: Pod, event: Event) -> Finding | None:
    found = {
        name: count
        for name, pattern in _FILTERS
        for count, reason in reasons(event.message)
        if pattern.search(reason)
    }
    if not found:
        return None
    nodes = scene.cluster.nodes
    matched = (
        [node for node in nodes.values() if pod.selectors.items() <= node.labels.items()]
        if pod.selectors
        else []
    )
    custom = [
        taint
        for taint in _TAINT.findall(event.message)
        if not taint[0].strip().startswith((SYSTEM_TAINT, *CONTROL_PLANE))
    ]
    system = "taint" in found and not custom and bool(scene.sick_nodes)
    if system and (
        "affinity" not in found or not pod.selectors or any(node.name in scene.sick_nodes for node in matched)
    ):
        return None
    fault, weight, lines = _cause(scene, pod, found, matched, bool(custom))
    own = [(pod.key, line) for line in lines]
    evidence = [where(event), *own, *_node_lines(fault, matched or list(nodes.values()), bool(custom))]
    return finding(
        fault.replace("/", ".").replace("-", "_"),
        app(pod.workload),
        weight,
        evidence,
        fault_type=fault,
        params=[
            ("nodes", sum(count for count, _ in reasons(event.message))),
            ("reason", _reason(fault, event)),
        ],
        related=[f"node/{node.name}" for node in matched],
    )


def _cause(
    scene: Scene, pod: Pod, found: dict[str, int], matched: list[Node], custom: bool
) -> tuple[str, float, list[str]]:
    """The fault type, its weight and the pod's own lines that belong to it."""
    for name in ("scheduling/anti-affinity", "scheduling/cpu-capacity", "scheduling/memory-capacity"):
        if name in found:
            resource = name.split("/")[1].split("-")[0]
            requests = [container.lines.get(f"request {resource}", "") for container in pod.containers]
            return name, DECISIVE, [line for line in requests if line]
    return _matching(pod, found, matched, custom) or _excluded(scene, pod, found, custom)


def _matching(
    pod: Pod, found: dict[str, int], matched: list[Node], custom: bool
) -> tuple[str, float, list[str]] | None:
    """Where a selector is set: the nodes that it means exist, and what keeps the pod from them is theirs; or none exists."""
    if custom and any(_tainted(node) for node in matched):
        return "scheduling/taint", DECISIVE, [pod.lines.get("Tolerations", "")]
    if any(node.unschedulable for node in matched):
        return "scheduling/node-cordoned", DECISIVE, [pod.lines.get("Node-Selectors", "")]
    if "affinity" in found and pod.selectors:
        return "scheduling/node-selector", DECISIVE, [pod.lines.get("Node-Selectors", "")]
    return None


def _excluded(scene: Scene, pod: Pod, found: dict[str, int], custom: bool) -> tuple[str, float, list[str]]:
    """Without a selector: a taint that somebody set, an affinity (which `describe` does not show), or closed nodes."""
    if custom:
        weight = LIKELY if "affinity" in found else DECISIVE
        return "scheduling/taint", weight, [pod.lines.get("Tolerations", "")]
    closed = [node for node in scene.cluster.nodes.values() if node.unschedulable and not control_plane(node)]
    if "affinity" in found and closed and found.get("cordon", 0) > 1:
        return "scheduling/node-cordoned", LIKELY, []
    if "affinity" in found:
        return "scheduling/node-affinity", DECISIVE, [pod.lines.get("Node-Selectors", "")]
    return ("scheduling/node-cordoned" if "cordon" in found else "scheduling/taint"), DECISIVE, []


def _tainted(node: Node) -> bool:
    return any(not taint.startswith(SYSTEM_TAINT) for taint in node.taints)


def control_plane(node: Node) -> bool:
    """A node that carries the control plane, by its taint or label."""
    names = [*node.labels, *(taint.split("=")[0].split(":")[0] for taint in node.taints)]
    return any(name in CONTROL_PLANE for name in names)


def _node_lines(fault: str, nodes: list[Node], custom: bool) -> list[Evidence]:
    if fault == "scheduling/node-cordoned":
        return [(node.key, node.lines["Unschedulable"]) for node in nodes if node.unschedulable][:4]
    if fault == "scheduling/taint" and custom:
        return [(node.key, node.lines["Taints"]) for node in nodes if _tainted(node)][:4]
    return []


def _reason(fault: str, event: Event) -> str:
    names = {
        "node-selector": "affinity",
        "node-affinity": "affinity",
        "node-cordoned": "cordon",
        "taint": "taint",
    }
    wanted = names.get(fault.split("/")[1], fault)
    pattern = dict(_FILTERS).get(wanted)
    return next((reason for _, reason in reasons(event.message) if pattern and pattern.search(reason)), "")[
        :160
    ]
