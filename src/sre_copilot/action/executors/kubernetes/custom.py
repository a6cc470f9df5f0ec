"""Custom resources: set one field that the settings allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sre_copilot.action.executor import Call
from sre_copilot.action.executors.kubernetes.changes import ObjectChange, Patch, merged
from sre_copilot.action.executors.kubernetes.client import Cluster
from sre_copilot.action.executors.kubernetes.kinds import Kind, Object
from sre_copilot.action.executors.kubernetes.schemas import entry, parameters
from sre_copilot.action.executors.kubernetes.settings import CustomResource
from sre_copilot.domain.plan import Action


class PatchCustom(ObjectChange):
    """Set a field of an object of one custom kind."""

    def __init__(self, cluster: Cluster, resource: CustomResource) -> None:
        schema = parameters(
            ("field", "value"),
            field={"enum": list(resource.fields), "description": "which field, with dots between"},
            value={
                "type": ["string", "number", "boolean", "null", "object", "array"],
                "description": "what it shall hold; null removes it",
            },
        )
        name = f"patch_{resource.kind.lower()}"
        spec = entry(
            cluster.settings.name, name, (resource.kind,), schema, idempotent=True, says="patch_custom"
        )
        super().__init__(cluster, spec)
        self._resource = resource

    def kind(self, action: Action) -> Kind:
        """Where its target is served."""
        it = self._resource
        return Kind(it.kind, it.plural, f"/apis/{it.group}/{it.version}", namespaced=it.namespaced)

    def view(self, item: Object) -> dict[str, Any]:
        """The fields that may be changed."""
        return {name: _value(item, name) for name in self._resource.fields}

    def wanted(self, item: Object, action: Action, key: str, *, call: Call | None) -> Patch:
        """The value."""
        return self._patch(item, action.parameters["field"], action.parameters["value"], key)

    def there(self, item: Object, action: Action) -> bool:
        """Whether it holds it already."""
        return bool(_value(item, action.parameters["field"]) == action.parameters["value"])

    def kept(self, item: Object, action: Action) -> dict[str, Any]:
        """The value before."""
        return {"value": _value(item, action.parameters["field"])}

    def restored(self, item: Object, action: Action, backup: Mapping[str, Any], key: str) -> Patch | None:
        """The value before."""
        name, before = action.parameters["field"], backup["value"]
        return None if _value(item, name) == before else self._patch(item, name, before, key)

    def _patch(self, item: Object, name: str, value: Any, key: str) -> Patch:
        """A merge patch; what a mapping holds and shall not is removed by null."""
        found = _replaced(_value(item, name), value)
        for part in reversed(name.split(".")):
            found = {part: found}
        return merged(item, key, found)


def _value(item: Object, name: str) -> Any:
    found: Any = item
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _replaced(before: Any, after: Any) -> Any:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    return dict.fromkeys(before) | {key: _replaced(before.get(key), value) for key, value in after.items()}
