"""Whether a workload, a pod or another object has come to the state that it was asked for, as `kubectl rollout status` judges."""

from __future__ import annotations

from typing import Any

from sre_copilot.action.executor import Verified
from sre_copilot.action.executors.kubernetes.kinds import Object, meta
from sre_copilot.domain.evidence import Message


def verdict(item: Object) -> Verified:
    """Whether an object has come to rest in what its specification asks for."""
    status = item.get("status") or {}
    generation = meta(item).get("generation", 0)
    if "observedGeneration" in status and _number(status["observedGeneration"]) < _number(generation):
        return _waits("kubernetes.verify.unobserved", generation=_number(generation))
    judge = {"Deployment": _deployment, "StatefulSet": _stateful_set, "DaemonSet": _daemon_set,
             "ReplicaSet": _replica_set}.get(item.get("kind", ""))  # fmt: skip
    return judge(item, status) if judge else _well("kubernetes.verify.as_asked")


def pod_ready(pod: Object) -> bool:
    """Whether a pod is ready and not on its way out."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and not meta(pod).get("deletionTimestamp")


def _deployment(item: Object, status: Object) -> Verified:
    for each in status.get("conditions") or ():
        if each["type"] == "Progressing" and each.get("reason") == "ProgressDeadlineExceeded":
            return Verified(
                ok=False, settled=True, reason=Message(key="kubernetes.verify.deadline_exceeded"),
                detail={"said": str(each.get("message", ""))},
            )  # fmt: skip
    wanted = item["spec"].get("replicas", 1)
    counts = [status.get(name, 0) for name in ("updatedReplicas", "replicas", "availableReplicas")]
    return _counted(wanted, dict(zip(("updated", "total", "available"), counts, strict=True)))


def _stateful_set(item: Object, status: Object) -> Verified:
    wanted = item["spec"].get("replicas", 1)
    counts = {
        "total": status.get("replicas", 0),
        "available": min(status.get("readyReplicas", 0), status.get("availableReplicas", wanted)),
    }
    if wanted and status.get("updateRevision") != status.get("currentRevision"):
        counts["updated"] = min(status.get("updatedReplicas", 0), wanted - 1)
    return _counted(wanted, {"updated": wanted} | counts)


def _daemon_set(_: Object, status: Object) -> Verified:
    wanted = status.get("desiredNumberScheduled", 0)
    counts = {
        "updated": status.get("updatedNumberScheduled", 0),
        "total": status.get("currentNumberScheduled", 0),
    }
    return _counted(wanted, counts | {"available": status.get("numberAvailable", 0)})


def _replica_set(item: Object, status: Object) -> Verified:
    wanted, total = item["spec"].get("replicas", 1), status.get("replicas", 0)
    return _counted(
        wanted, {"updated": total, "total": total, "available": status.get("availableReplicas", 0)}
    )


def _counted(wanted: int, counts: dict[str, int]) -> Verified:
    """`updated`, `total` and `available` must all be what is wanted."""
    numbers = {"wanted": wanted} | counts
    if all(count == wanted for count in counts.values()):
        return _well("kubernetes.verify.ready", **numbers)
    return _waits("kubernetes.verify.not_ready", **numbers)


def _number(value: Any) -> int:
    """A generation; some custom resources write it as a text."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _well(key: str, **numbers: int) -> Verified:
    return Verified(ok=True, settled=True, reason=Message(key=key, params=tuple(numbers.items())), detail=numbers)  # fmt: skip


def _waits(key: str, **numbers: int) -> Verified:
    return Verified(ok=False, settled=False, reason=Message(key=key, params=tuple(numbers.items())), detail=numbers)  # fmt: skip
