"""Claims that bind to no volume, and volumes that refuse access."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sre_copilot.cognition.state.model import Claim, Evidence, Pod, Volume
from sre_copilot.cognition.state.scene import (
    DECISIVE,
    LIKELY,
    SUGGESTIVE,
    Scene,
    app,
    finding,
    matching,
    where,
)  # fmt: skip
from sre_copilot.cognition.state.text import quantity
from sre_copilot.domain.evidence import Finding

_REFUSED = r"(?i)permission denied|operation not permitted|\bEACCES\b|AccessDeniedException: /|read-only file system|errcode: 13|error number 13|not writable"
_MOUNT = r"permission denied|access denied|operation not permitted|read-only file system|exit status 32"
_NO_CLASS = r"storageclass\S* \"?[^\"]*\"? ?(not found|does not exist)"
_WAITS = r"waiting for (first consumer|pod)|WaitForFirstConsumer"


def analyse(scene: Scene) -> Iterator[Finding]:
    """One finding for each workload that waits for a claim or cannot use its volume."""
    seen: set[str] = set()
    for pod in scene.unwell_pods:
        for name, _ in pod.claims:
            claim = scene.cluster.claims.get(name)
            if claim is not None and claim.status in {"Pending", "Lost"} and pod.workload not in seen:
                seen.add(pod.workload)
                yield _unbound(scene, pod, claim)
        if pod.workload not in seen and pod.mounts and (found := _refused(scene, pod)) is not None:
            seen.add(pod.workload)
            yield found


def _unbound(scene: Scene, pod: Pod, claim: Claim) -> Finding:
    fault, weight, volumes = _cause(scene, claim)
    if fault is not None and matching(claim.events, _WAITS):
        weight = SUGGESTIVE  # the claim waits for its pod, not the pod for its claim
    keys = {
        "scheduling/claim-access-mode": "Access Modes",
        "scheduling/claim-capacity": "Capacity",
        "scheduling/claim-selector": "Labels",
        "scheduling/claim-storage-class": "StorageClass",
        "scheduling/volume-occupied": "Claim",
    }
    shown: list[Evidence] = [(each.key, each.lines.get(keys.get(fault or "", ""), "")) for each in volumes]
    status = [(claim.key, claim.lines.get("Status", "")), (pod.key, pod.lines.get("Status", ""))]
    return finding(
        "claim" if fault is None else fault.replace("/", ".").replace("-", "_"),
        app(pod.workload),
        weight,
        [*map(where, claim.events[-1:]), *status, *shown],
        fault_type=fault,
        params=[
            ("claim", claim.name),
            ("volume", ", ".join(each.name for each in volumes) or "?"),
            ("storage_class", claim.storage_class or "?"),
            ("owner", ", ".join(each.claim for each in volumes if each.claim) or "?"),
        ],
    )


def _cause(scene: Scene, claim: Claim) -> tuple[str | None, float, list[Volume]]:
    """Fault type, weight and the volumes that show it."""
    volumes = list(scene.cluster.volumes.values())
    free = [each for each in volumes if each.status == "Available"]
    classes = scene.cluster.names("storageclasses")
    alike = [each for each in free if each.storage_class == claim.storage_class]
    unknown = bool(claim.storage_class) and (
        bool(matching(claim.events, _NO_CLASS))
        or (classes is not None and claim.storage_class not in classes[0])
    )
    if (unknown and not alike) or (free and not alike):
        return "scheduling/claim-storage-class", DECISIVE, free
    taken = [each for each in volumes if each.claim and each.claim.split("/")[-1] != claim.name]
    if not free:
        wanted = [each for each in taken if each.storage_class == claim.storage_class]
        return ("scheduling/volume-occupied", DECISIVE, wanted) if wanted else (None, SUGGESTIVE, [])
    return _mismatch(claim, alike)


def _mismatch(claim: Claim, volumes: list[Volume]) -> tuple[str, float, list[Volume]]:
    """Which of access mode, selector and capacity no free volume meets; by exclusion where the claim's wishes are not recorded."""
    if claim.access_modes and not any(set(claim.access_modes) <= set(each.access_modes) for each in volumes):
        return "scheduling/claim-access-mode", DECISIVE, volumes
    if claim.selector and not any(claim.selector.items() <= each.labels.items() for each in volumes):
        return "scheduling/claim-selector", DECISIVE, volumes
    asked = quantity(claim.capacity) if claim.capacity else None
    sizes = [size for each in volumes if (size := quantity(each.capacity)) is not None]
    if asked is not None and sizes and asked > max(sizes):
        return "scheduling/claim-capacity", DECISIVE, volumes
    # `describe` hides what the claim asks for. A volume that is not ReadWriteOnce, and labels on a volume, serve a purpose only for
    # the access mode and the selector of a claim; a plain volume can only be too small.
    if any("RWO" not in each.access_modes for each in volumes):
        return "scheduling/claim-access-mode", DECISIVE, volumes
    if any(each.labels for each in volumes):
        return "scheduling/claim-selector", LIKELY, volumes
    return "scheduling/claim-capacity", LIKELY, volumes


def _refused(scene: Scene, pod: Pod) -> Finding | None:
    """The file system says no: in the kubelet's events, or in the log of a container that keeps ending."""
    events = matching(pod.events, _MOUNT, "FailedMount", "FailedAttachVolume", "Failed")
    events = [event for event in events if "pull" not in event.message.lower()]
    ended = any((each.ended or each.waiting) and not each.ready for each in pod.containers)
    words = scene.log_lines(pod.workload, _REFUSED) if ended else []
    if not events and not words:
        return None
    fragment = re.search(_REFUSED, words[0]) if words else None
    checks = [scene.log_check(pod.workload, fragment[0])] if fragment else []
    container = next((each for each in pod.containers if each.ended or each.waiting), pod.containers[0])
    return finding(
        "startup.volume_permission",
        app(pod.workload),
        DECISIVE,
        [
            *map(where, events[:1]),
            (pod.key, container.lines.get("Waiting") or container.lines.get("Ended", "")),
        ],
        fault_type="startup/volume-permission",
        params=[("text", (words[0] if words else events[0].message)[:160])],
        checks=checks,
        lines=words[:2],
    )
