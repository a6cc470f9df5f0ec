"""Nodes: take no new pods, and take them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sre_copilot.action.executor import Call
from sre_copilot.action.executors.kubernetes.changes import ObjectChange, Patch, merged
from sre_copilot.action.executors.kubernetes.client import Cluster
from sre_copilot.action.executors.kubernetes.kinds import NODE, Object
from sre_copilot.action.executors.kubernetes.schemas import entry, parameters
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action


class Cordon(ObjectChange):
    """Set whether a node takes new pods; those that it runs go on."""

    def __init__(self, cluster: Cluster, *, closed: bool) -> None:
        verb = "cordon" if closed else "uncordon"
        spec = entry(
            cluster.settings.name, verb, (NODE.name,), parameters(), idempotent=True, timeout_seconds=30.0
        )
        super().__init__(cluster, spec)
        self._closed = closed

    def view(self, item: Object) -> dict[str, Any]:
        """Whether it takes none."""
        return {"unschedulable": bool(item["spec"].get("unschedulable"))}

    def wanted(self, item: Object, action: Action, key: str, *, call: Call | None) -> Patch:
        """The other state."""
        return merged(item, key, _closed(self._closed))

    def there(self, item: Object, action: Action) -> bool:
        """Whether it is so already."""
        return bool(self.view(item)["unschedulable"] == self._closed)

    def kept(self, item: Object, action: Action) -> dict[str, Any]:
        """The state before."""
        return self.view(item)

    def restored(self, item: Object, action: Action, backup: Mapping[str, Any], key: str) -> Patch | None:
        """The state before."""
        before = bool(backup["unschedulable"])
        return None if self.view(item)["unschedulable"] == before else merged(item, key, _closed(before))

    def objections(self, item: Object, action: Action) -> tuple[Message, ...]:
        """The last open node: no pod can be started anywhere any more."""
        if not self._closed:
            return ()
        nodes = self.cluster.all(NODE, "")
        others = [each for each in nodes if each["metadata"]["name"] != action.target.name]
        if any(not each["spec"].get("unschedulable") for each in others):
            return ()
        return (Message(key="kubernetes.objection.last_node", params=(("name", action.target.name),)),)


def _closed(closed: bool) -> dict[str, Any]:
    return {"spec": {"unschedulable": True if closed else None}}
