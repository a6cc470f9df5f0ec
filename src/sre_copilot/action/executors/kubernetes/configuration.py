"""Configuration: give a config map the content of an earlier one, and restart what uses it.

The present content is laid aside in a config map of the cluster first, named after what it holds: values never leave the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.action.executors.common import digest
from sre_copilot.action.executors.kubernetes.changes import ObjectChange, Patch, carries, merged
from sre_copilot.action.executors.kubernetes.client import Cluster
from sre_copilot.action.executors.kubernetes.kinds import CONFIG_MAP, ROLLED, Kind, Object, meta
from sre_copilot.action.executors.kubernetes.ready import verdict
from sre_copilot.action.executors.kubernetes.schemas import entry, parameters
from sre_copilot.action.executors.kubernetes.users import references, restarted
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action

SNAPSHOT = "sre-copilot.io/snapshot-of"
NAME_LIMIT = 220  # of 253 characters, so that there is room for the digest


class RestoreConfiguration(ObjectChange):
    """Give a config map the content of another one of its namespace, and restart the workloads that use it."""

    def __init__(self, cluster: Cluster) -> None:
        source = {
            "type": "string", "minLength": 1,
            "description": "config map of the same namespace with the content to go back to: one that was laid aside, or that a release left",
        }  # fmt: skip
        restart = {"type": "boolean", "default": True, "description": "restart the workloads that use it"}
        schema = parameters(("source",), source=source, restart=restart)
        spec = entry(cluster.settings.name, "restore_configuration", (CONFIG_MAP.name,), schema, timeout_seconds=300.0, idempotent=True)  # fmt: skip
        super().__init__(cluster, spec)

    def view(self, item: Object) -> dict[str, Any]:
        """Its keys; values only where the settings let them be seen."""
        shown = self.cluster.settings.show_values
        return {
            part: {name: value if shown else f"#{digest(value)}" for name, value in item[part].items()}
            for part in ("data", "binaryData")
            if item.get(part)
        }

    def wanted(self, item: Object, action: Action, key: str, *, call: Call | None) -> Patch:
        """The content of the source."""
        return _content(item, self._source(action, action.parameters["source"], call), key)

    def there(self, item: Object, action: Action) -> bool:
        """Whether it holds that content already."""
        return _same(item, self._source(action, action.parameters["source"], None))

    def kept(self, item: Object, action: Action) -> dict[str, Any]:
        """The name under which `execute` lays the present content aside."""
        return {"snapshot": _snapshot_name(item)}

    def restored(self, item: Object, action: Action, backup: Mapping[str, Any], key: str) -> Patch | None:
        """The content that was laid aside; nothing where it is present still."""
        if _snapshot_name(item) == backup["snapshot"]:
            return None
        return _content(item, self._source(action, backup["snapshot"], None), key)

    def preview(self, action: Action) -> Preview:
        """What the server says would become of it, and what would be restarted."""
        found = super().preview(action)
        lines = tuple(f"{kind.name} {meta(each)['name']}: restarted" for kind, each in self._users(action))
        return Preview(
            before=found.before,
            after=found.after,
            difference=found.difference + (lines if found.difference else ()),
            objections=found.objections,
            checked_by_target=True,
        )

    def execute(self, action: Action, call: Call) -> Effect:
        """Lay the present content aside, change it, restart; each unless it was done under the key."""
        item = self.present(action, call)
        if not carries(item, call.key) and not self.there(item, action):
            self._lay_aside(item, call)
        return self._followed(action, call, super().execute(action, call))

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Give back the content that was laid aside, and restart."""
        return self._followed(action, call, super().undo(action, call, backup))

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """Whether the config map is changed, and all that use it are restarted."""
        found = super().done(action, call, backup)
        item = self.find(action, call)
        if not found or item is None or not carries(item, call.key):
            return found
        return all(carries(each, call.key) for _, each in self._users(action, call))

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether all that use it have come to rest."""
        if self.find(action, call) is None:
            reason = Message(key="kubernetes.verify.gone", params=(("name", action.target.name),))
            return Verified(ok=False, settled=True, reason=reason)
        verdicts = [verdict(each) for _, each in self._users(action, call)]
        bad = next((each for each in verdicts if not each.ok), None)
        return bad or Verified(ok=True, settled=True, reason=Message(key="kubernetes.verify.as_asked"))

    def look(self, action: Action) -> Looked:
        """Its content, and how many use it."""
        found = super().look(action)
        if not found.exists:
            return found
        users = [f"{kind.name}/{meta(each)['name']}" for kind, each in self._users(action)]
        return Looked(exists=True, state={**found.state, "used_by": users}, digest=found.digest, version=found.version)  # fmt: skip

    def objections(self, item: Object, action: Action) -> tuple[Message, ...]:
        """Nothing that uses it: only a restart that somebody else makes would show the change."""
        if list(self._users(action)):
            return ()
        return (Message(key="kubernetes.objection.nobody_uses", params=(("name", action.target.name),)),)

    def _followed(self, action: Action, call: Call, effect: Effect) -> Effect:
        """Restart what uses it, once the config map carries the key."""
        item = self.present(action, call)
        if not carries(item, call.key):
            return effect
        names = [meta(each)["name"] for kind, each in self._users(action, call) if restarted(self.cluster, kind, each, call)]  # fmt: skip
        return Effect(
            changed=effect.changed or bool(names),
            detail={**effect.detail, "restarted": names},
            version=effect.version,
        )

    def _users(self, action: Action, call: Call | None = None) -> Iterator[tuple[Kind, Object]]:
        """Workloads of the namespace whose template names the config map; none where no restart is asked for."""
        if not action.parameters["restart"]:
            return
        for kind in ROLLED.values():
            for each in self.cluster.all(kind, action.target.namespace, call=call):
                if references(each["spec"]["template"]["spec"], action.target.name):
                    yield kind, each

    def _source(self, action: Action, name: str, call: Call | None) -> Object:
        found = self.cluster.find(CONFIG_MAP, action.target.namespace, name, call=call)
        if found is None:
            raise ActionError(
                f"kubernetes: there is no config map {name} in {action.target.namespace} to take the content from; name another one",
                effect="none",
            )
        return found

    def _lay_aside(self, item: Object, call: Call) -> None:
        if item.get("immutable"):
            raise ActionError(
                f"kubernetes: config map {meta(item)['name']} is immutable; roll back the workload that names it",
                effect="none",
            )
        own = {"name": _snapshot_name(item), "namespace": meta(item)["namespace"]}
        notes = {SNAPSHOT: meta(item)["name"]}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**own, "annotations": notes}, **_parts(item)}  # fmt: skip
        self.cluster.create(CONFIG_MAP, body, call=call)


def _parts(item: Object) -> Object:
    return {part: item[part] for part in ("data", "binaryData") if item.get(part)}


def _same(item: Object, other: Object) -> bool:
    return _parts(item) == _parts(other)


def _snapshot_name(item: Object) -> str:
    """Named after what it holds, so that laying the same aside twice is laying it aside once."""
    return f"{meta(item)['name'][:NAME_LIMIT]}.snapshot-{digest(_parts(item))}"


def _content(item: Object, source: Object, key: str) -> Patch:
    """A merge patch; what the source has not is removed by null."""
    parts = {
        part: dict.fromkeys(item.get(part) or {}) | (source.get(part) or {})
        for part in ("data", "binaryData")
    }
    return merged(item, key, {part: found for part, found in parts.items() if found})
