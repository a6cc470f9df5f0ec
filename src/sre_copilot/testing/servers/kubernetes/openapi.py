"""A small OpenAPI description: every path that the stand-in serves, without the schemas of its objects."""

from __future__ import annotations

from collections.abc import Sequence

from sre_copilot.testing.servers.kubernetes.resources import Object, Resource

_METHODS = {
    "list": "get", "get": "get", "create": "post", "update": "put", "patch": "patch", "delete": "delete",
    "deletecollection": "delete",
}  # fmt: skip
_ACTIONS = {"update": "put", "create": "post"}
_OF_MANY = ("list", "create", "deletecollection")
_OF_ONE = ("get", "update", "patch", "delete")


def index(served: Sequence[Resource]) -> Object:
    """The answer to `/openapi/v3`: one document a group and version."""
    roots = sorted({_root(each) for each in served})
    return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}"} for root in roots}}


def document(served: Sequence[Resource], root: str) -> Object | None:
    """The description of one group and version, such as `apis/apps/v1`, or None."""
    found = [each for each in served if _root(each) == root]
    if not found:
        return None
    paths = {path: item for each in found for path, item in _paths(each)}
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes stand-in", "version": "unversioned"},
        "paths": paths,
        "components": {"schemas": {}},
    }


def _root(each: Resource) -> str:
    return f"apis/{each.group}/{each.version}" if each.group else f"api/{each.version}"


def _paths(each: Resource) -> list[tuple[str, Object]]:
    root = f"/{_root(each)}"
    base = f"{root}/namespaces/{{namespace}}/{each.plural}" if each.namespaced else f"{root}/{each.plural}"
    many = [verb for verb in _OF_MANY if verb in each.verbs]
    one = [verb for verb in _OF_ONE if verb in each.verbs]
    found = [(base, _operations(each, many)), (f"{base}/{{name}}", _operations(each, one))]
    if each.namespaced:
        found.append((f"{root}/{each.plural}", _operations(each, ["list"])))
    return [(path, item) for path, item in found if item]


def _operations(each: Resource, verbs: list[str]) -> Object:
    kind = {"group": each.group, "kind": each.kind, "version": each.version}
    return {
        _METHODS[verb]: {
            "x-kubernetes-action": _ACTIONS.get(verb, verb),
            "x-kubernetes-group-version-kind": kind,
        }
        for verb in verbs
    }
