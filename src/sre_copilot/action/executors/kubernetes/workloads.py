"""Workloads: restart by a rolling update, and the number of replicas."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sre_copilot.action.executor import ActionError, Call
from sre_copilot.action.executors.common import digest
from sre_copilot.action.executors.kubernetes.changes import ObjectChange, Patch, merged
from sre_copilot.action.executors.kubernetes.client import Cluster
from sre_copilot.action.executors.kubernetes.kinds import AUTOSCALER, ROLLED, Object, version_of
from sre_copilot.action.executors.kubernetes.schemas import entry, parameters
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action

RESTARTED = "kubectl.kubernetes.io/restartedAt"  # what `kubectl rollout restart` writes: other tools know it
HISTORY = 10  # revisions that are kept where nothing is said


def template_view(item: Object) -> dict[str, Any]:
    """What a workload's template comes to: images in clear, the rest as a digest, for environments hold secrets."""
    template = item["spec"]["template"]
    images = {each["name"]: each.get("image", "") for each in template["spec"].get("containers") or ()}
    notes = (template.get("metadata") or {}).get("annotations") or {}
    return {
        "images": images,
        "restarted_at": notes.get(RESTARTED, ""),
        "template": digest(without_restart(template)),
    }


def without_restart(template: Object) -> Object:
    """A template but for when it was restarted, and what is empty: the same for the same release."""
    own = {
        key: value for key, value in (template.get("metadata") or {}).items() if key != "creationTimestamp"
    }
    notes = {key: value for key, value in (own.pop("annotations", None) or {}).items() if key != RESTARTED}
    meta = own | ({"annotations": notes} if notes else {})
    return {"metadata": {key: value for key, value in meta.items() if value}, "spec": template.get("spec")}


class RolloutRestart(ObjectChange):
    """Replace all pods of a workload, a few at a time."""

    def __init__(self, cluster: Cluster) -> None:
        schema = parameters()
        name = cluster.settings.name
        super().__init__(
            cluster, entry(name, "rollout_restart", tuple(ROLLED), schema, timeout_seconds=300.0)
        )

    def view(self, item: Object) -> dict[str, Any]:
        """Its template; the number of its replicas is no concern of a restart."""
        return template_view(item)

    def declared(self, item: Object) -> dict[str, Any]:
        """The release; a restart is none."""
        return {"template": template_view(item)["template"]}

    def wanted(self, item: Object, action: Action, key: str, *, call: Call | None) -> Patch:
        """Another moment in the template, which makes it another template."""
        if item["spec"].get("paused"):
            raise ActionError(
                f"kubernetes: the rollout of {action.target.name} is paused; resume it first (kubectl rollout resume)",
                effect="none",
            )
        if (item["spec"].get("updateStrategy") or {}).get("type") == "OnDelete":
            raise ActionError(
                f"kubernetes: {action.target.name} replaces pods only when they are deleted (OnDelete); use restart_pod",
                effect="none",
            )
        moment = datetime.now(UTC).isoformat(timespec="microseconds")
        return merged(item, key, restart_body(moment))

    def kept(self, item: Object, action: Action) -> dict[str, Any]:
        """When it was last restarted; nothing has to be restored."""
        return {"restarted_at": template_view(item)["restarted_at"]}

    def restored(self, item: Object, action: Action, backup: Mapping[str, Any], key: str) -> Patch | None:
        """Nothing: what the workload asks for is as it was, and another restart would only do harm."""
        return None

    def objections(self, item: Object, action: Action) -> tuple[Message, ...]:
        """A restart of all pods at once is an outage."""
        strategy = (item["spec"].get("strategy") or {}).get("type")
        alone = item["spec"].get("replicas", 1) == 1 and strategy == "Recreate"
        if strategy == "Recreate" or alone:
            return (Message(key="kubernetes.objection.recreate", params=(("name", action.target.name),)),)
        return ()


def restart_body(moment: str) -> dict[str, Any]:
    """The patch by which a workload is restarted."""
    return {"spec": {"template": {"metadata": {"annotations": {RESTARTED: moment}}}}}


class Scale(ObjectChange):
    """Set the number of replicas, by the scale subresource; that keeps no annotation, but shows its state."""

    def __init__(self, cluster: Cluster) -> None:
        replicas = {
            "type": "integer", "minimum": 0, "maximum": cluster.settings.max_replicas,
            "description": "how many pods there shall be",
        }  # fmt: skip
        schema = parameters(("replicas",), replicas=replicas)
        kinds = ("Deployment", "StatefulSet", "ReplicaSet")
        super().__init__(cluster, entry(cluster.settings.name, "scale", kinds, schema, idempotent=True))

    def path(self, action: Action) -> str:
        """Its scale."""
        return self.kind(action).path(action.target.namespace, action.target.name, "scale")

    def view(self, item: Object) -> dict[str, Any]:
        """Of a workload or of its scale: the number that is asked for."""
        return {"replicas": item["spec"].get("replicas", 1)}

    def wanted(self, item: Object, action: Action, key: str, *, call: Call | None) -> Patch:
        """The number, for this version."""
        return _replicas(item, action.parameters["replicas"])

    def there(self, item: Object, action: Action) -> bool:
        """Whether the number is asked for already."""
        return bool(self.view(item)["replicas"] == action.parameters["replicas"])

    def kept(self, item: Object, action: Action) -> dict[str, Any]:
        """The number before."""
        return self.view(item)

    def restored(self, item: Object, action: Action, backup: Mapping[str, Any], key: str) -> Patch | None:
        """The number before."""
        return None if self.view(item)["replicas"] == backup["replicas"] else _replicas(item, backup["replicas"])  # fmt: skip

    def objections(self, item: Object, action: Action) -> tuple[Message, ...]:
        """What would fight against it, and what it would break."""
        found = []
        if action.parameters["replicas"] == 0:
            found.append(
                Message(key="kubernetes.objection.to_nothing", params=(("name", action.target.name),))
            )
        return (*found, *self._autoscalers(action))

    def _autoscalers(self, action: Action) -> list[Message]:
        target = action.target
        try:
            scalers = self.cluster.all(AUTOSCALER, target.namespace)
        except ActionError:
            return [Message(key="kubernetes.objection.autoscalers_unknown")]
        ours = {"kind": target.kind, "name": target.name}
        return [
            Message(
                key="kubernetes.objection.autoscaler",
                params=(("name", each["metadata"]["name"]), ("least", each["spec"].get("minReplicas", 1)),
                        ("most", each["spec"]["maxReplicas"])),
            )
            for each in scalers
            if ours.items() <= (each["spec"].get("scaleTargetRef") or {}).items()
        ]  # fmt: skip


def _replicas(item: Object, number: int) -> Patch:
    return Patch({"metadata": {"resourceVersion": version_of(item)}, "spec": {"replicas": number}})
