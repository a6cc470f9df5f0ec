"""The three kinds of patch: JSON patch (RFC 6902), JSON merge patch (RFC 7386), strategic merge patch."""

from __future__ import annotations

import copy
from typing import Any

from sre_copilot.testing.servers.kubernetes.answers import RefusedError, bad_request

# Lists that strategic merge patch merges by a key, as the published schemas say (`x-kubernetes-patch-merge-key`).
MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
    "conditions": "type",
    "ownerReferences": "uid",
    "hostAliases": "ip",
    "secrets": "name",
    "volumeDevices": "devicePath",
    "ephemeralContainers": "name",
    "resourceClaims": "name",
    "schedulingGates": "name",
    "topologySpreadConstraints": "topologyKey",
    "podIPs": "ip",
}
# Lists of one name that stand in several kinds, each with a key of its own: of a container and of a service; of a node, not of endpoints.
SEVERAL = {"ports": ("containerPort", "port"), "addresses": ("type",)}


def patched(item: Any, patch: Any, content_type: str) -> Any:
    """Apply a patch to a copy of an object.

    Raises
    ------
    RefusedError : 415 for another kind of patch, 422 for an operation that cannot be done, 400 for one that cannot be read
    """
    kind = content_type.partition(";")[0].strip()
    match kind:
        case "application/json-patch+json":
            return json_patch(copy.deepcopy(item), patch)
        case "application/merge-patch+json":
            return merge_patch(copy.deepcopy(item), patch)
        case "application/strategic-merge-patch+json":
            return strategic_patch(copy.deepcopy(item), patch)
    raise RefusedError(
        415, "UnsupportedMediaType", f"the body of the request was in an unknown format - {kind}"
    )


def merge_patch(item: Any, patch: Any) -> Any:
    """Mappings are merged, null removes, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    found = item if isinstance(item, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merge_patch(found.get(key), value)
    return found


def strategic_patch(item: Any, patch: Any) -> Any:
    """As a merge patch, but lists of named things are merged by name, and `$patch: delete|replace` is obeyed."""
    if not isinstance(patch, dict):
        return patch
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    found = item if isinstance(item, dict) else {}
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            found.pop(key, None)
        elif isinstance(value, list) and (name := _merge_key(key, value)):
            found[key] = _merged(found.get(key) or [], value, name)
        else:
            found[key] = strategic_patch(found.get(key), value)
    return found


def _merge_key(key: str, items: list[Any]) -> str | None:
    if not all(isinstance(item, dict) for item in items):
        return None
    if key in SEVERAL:
        return next((name for name in SEVERAL[key] if all(name in item for item in items)), None)
    return MERGE_KEYS.get(key)


def _merged(items: list[Any], patches: list[Any], name: str) -> list[Any]:
    if any(patch.get("$patch") == "replace" for patch in patches):
        return [patch for patch in patches if "$patch" not in patch]
    found = list(items)
    for patch in patches:
        if name not in patch:
            raise bad_request(f"map: {patch} does not contain declared merge key: {name}")
        at = next((i for i, item in enumerate(found) if item.get(name) == patch[name]), None)
        if patch.get("$patch") == "delete":
            found = [item for item in found if item.get(name) != patch[name]]
        elif at is None:
            found.append(patch)
        else:
            found[at] = strategic_patch(found[at], patch)
    return found


def json_patch(item: Any, operations: Any) -> Any:
    """Apply operations in their order; all or none."""
    if not isinstance(operations, list):
        raise bad_request("a JSON patch is a list of operations")
    for operation in operations:
        try:
            item = _operate(item, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            message = f"the server rejected our request due to an error in our request: {error}"
            raise RefusedError(422, "Invalid", message) from None
    return item


def _operate(item: Any, operation: dict[str, Any]) -> Any:
    verb, path = operation["op"], _pointer(operation["path"])
    match verb:
        case "add":
            return _add(item, path, operation["value"])
        case "remove":
            return _removed(item, path)
        case "replace":
            _find(item, path)
            return _add(_removed(item, path), path, operation["value"]) if path else operation["value"]
        case "test":
            if _find(item, path) != operation["value"]:
                raise ValueError(f"testing value {operation['path']} failed")
            return item
        case "move" | "copy":
            source = _pointer(operation["from"])
            value = copy.deepcopy(_find(item, source))
            return _add(_removed(item, source) if verb == "move" else item, path, value)
    raise ValueError(f"unknown operation {verb}")


def _pointer(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise ValueError(f"a path begins with '/': {path}")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _find(item: Any, path: list[str]) -> Any:
    for part in path:
        item = item[int(part)] if isinstance(item, list) else item[part]
    return item


def _add(item: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent, last = _find(item, path[:-1]), path[-1]
    if isinstance(parent, list):
        at = len(parent) if last == "-" else int(last)
        if not 0 <= at <= len(parent):
            raise IndexError(f"index {at} is out of bounds")
        parent.insert(at, value)
    else:
        parent[last] = value
    return item


def _removed(item: Any, path: list[str]) -> Any:
    parent, last = _find(item, path[:-1]), path[-1]
    if isinstance(parent, list):
        parent.pop(int(last))
    else:
        del parent[last]
    return item
