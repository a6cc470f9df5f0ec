"""Pods: delete one so that its controller makes a new one, or evict it, which its disruption budget may forbid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.action.executors.common import digest
from sre_copilot.action.executors.kubernetes.client import Cluster
from sre_copilot.action.executors.kubernetes.kinds import OWNERS, POD, Object, controller, meta
from sre_copilot.action.executors.kubernetes.ready import pod_ready, verdict
from sre_copilot.action.executors.kubernetes.schemas import entry, parameters
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action

MOST_GRACE_S = 3600


class RemovePod:
    """End a pod that has a controller. The server compares its uid, so that a successor of the same name is never hit."""

    def __init__(self, cluster: Cluster, *, evict: bool) -> None:
        grace = {
            "type": "integer", "minimum": 0, "maximum": MOST_GRACE_S,
            "description": "seconds that it may take to end by itself; absent: what the pod says",
        }  # fmt: skip
        verb = "evict" if evict else "restart_pod"
        self.spec = entry(cluster.settings.name, verb, (POD.name,), parameters(grace_seconds=grace))
        self.cluster = cluster
        self._remove = cluster.evict_pod if evict else cluster.delete_pod
        self._ended: dict[str, str] = {}  # key -> uid: a name alone does not tell a pod from its successor

    def adjust(self, action: Action) -> Action:
        """The action as it is understood."""
        return action

    def look(self, action: Action) -> Looked:
        """The pod; its version is its uid, for that is what the server compares."""
        pod = self._find(action)
        if pod is None:
            return Looked(exists=False)
        return Looked(exists=True, state=_view(pod), digest=digest([action.target.name, _view(pod)["owner"]]), version=meta(pod)["uid"])  # fmt: skip

    def preview(self, action: Action) -> Preview:
        """Let the server say whether it would end it."""
        pod = self._find(action)
        if pod is None:
            raise _absent(action)
        self._owner(pod)
        self._remove(
            action.target.namespace, action.target.name, _options(action, meta(pod)["uid"]), dry=True
        )
        before = _view(pod)
        return Preview(
            before=before,
            after={"pod": "replaced"},
            difference=(f"pod {action.target.name}: ended, and replaced by {before['owner']}",),
            objections=self._objections(pod),
            checked_by_target=True,
        )

    def backup(self, action: Action) -> Mapping[str, Any]:
        """Which pod it was; there is nothing to restore."""
        pod = self._find(action)
        if pod is None:
            return {"uid": "", "owner": ""}
        return {"uid": meta(pod)["uid"], "owner": _view(pod)["owner"]}

    def execute(self, action: Action, call: Call) -> Effect:
        """End the pod, provided that it is the one that was looked at."""
        pod = self._find(action, call)
        meant = call.version or self._ended.get(call.key, "")
        if pod is None and not meant:
            raise _absent(action)
        if pod is None or _ending(pod) or (meant and meta(pod)["uid"] != meant):
            return Effect(changed=False, detail={"pod": "was replaced already"})
        owner, uid = self._owner(pod), meta(pod)["uid"]
        self._ended[call.key] = uid
        self._remove(action.target.namespace, action.target.name, _options(action, uid), call=call)
        return Effect(changed=True, detail={"uid": uid, "owner": owner}, version=uid)

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """Whether the pod that was backed up is gone, or on its way; an undo has nothing to do."""
        pod = self._find(action, call)
        return pod is None or _ending(pod) or bool(meta(pod)["uid"] != backup.get("uid"))

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Nothing: its controller has made another one, which is what it asked for all along."""
        return Effect(changed=False)

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether a successor is ready: the pod of the same name, or as many pods as the controller wants."""
        pod = self._find(action, call)
        if pod is not None and (_ending(pod) or meta(pod)["uid"] == self._ended.get(call.key, call.version)):
            return Verified(ok=False, settled=False, reason=Message(key="kubernetes.verify.ending"))
        if pod is not None:
            ready = pod_ready(pod)
            word = "kubernetes.verify.as_asked" if ready else "kubernetes.verify.pod_not_ready"
            return Verified(ok=ready, settled=ready, reason=Message(key=word))
        owner = self._owner_of_gone(action, call)
        if owner is None:
            params = (("name", action.target.name),)
            return Verified(ok=False, settled=True, reason=Message(key="kubernetes.verify.no_owner", params=params))  # fmt: skip
        return verdict(owner)

    def _owner_of_gone(self, action: Action, call: Call) -> Object | None:
        """A controller names its pods after itself: `NAME-xxxxx`."""
        name = action.target.name.rpartition("-")[0]
        found = (
            self.cluster.find(kind, action.target.namespace, name, call=call) for kind in OWNERS.values()
        )
        return next((each for each in found if each is not None), None)

    def _find(self, action: Action, call: Call | None = None) -> Object | None:
        return self.cluster.find(POD, action.target.namespace, action.target.name, call=call)

    def _owner(self, pod: Object) -> str:
        """What will replace the pod; raises where nothing would."""
        owner = _view(pod)["owner"]
        if not owner:
            raise ActionError(
                f"kubernetes: pod {meta(pod)['name']} has no controller and would not come back; let a person decide",
                effect="none",
            )
        return str(owner)

    def _objections(self, pod: Object) -> tuple[Message, ...]:
        """A pod that is alone takes its service down with it for a while."""
        reference = controller(pod)
        if reference is None or reference["kind"] not in OWNERS:
            return ()
        owner = self.cluster.find(OWNERS[reference["kind"]], meta(pod)["namespace"], reference["name"])
        if owner is None or owner["spec"].get("replicas", 1) != 1:
            return ()
        return (Message(key="kubernetes.objection.only_pod", params=(("name", meta(pod)["name"]),)),)


def _absent(action: Action) -> ActionError:
    return ActionError(
        f"kubernetes: there is no pod {action.target.name}; look which there are now", effect="none"
    )


def _view(pod: Object) -> dict[str, Any]:
    owner = controller(pod)
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return {
        "phase": (pod.get("status") or {}).get("phase", ""),
        "ready": pod_ready(pod),
        "restarts": sum(each.get("restartCount", 0) for each in statuses),
        "node": pod["spec"].get("nodeName", ""),
        "owner": f"{owner['kind']}/{owner['name']}" if owner else "",
    }


def _ending(pod: Object) -> bool:
    return bool(meta(pod).get("deletionTimestamp"))


def _options(action: Action, uid: str) -> Object:
    grace = action.parameters.get("grace_seconds")
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
    return options if grace is None else options | {"gracePeriodSeconds": grace}
