"""What may be done with objects: list in pages, create, update, patch, delete, and the subresources."""

from __future__ import annotations

import base64
import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sre_copilot.testing.servers.kubernetes.admission import admit
from sre_copilot.testing.servers.kubernetes.answers import (
    RefusedError,
    bad_request,
    conflict,
    expired,
    invalid,
    no_such_path,
    not_found,
    success,
)
from sre_copilot.testing.servers.kubernetes.patches import patched
from sre_copilot.testing.servers.kubernetes.resources import Object, Resource, defined, named
from sre_copilot.testing.servers.kubernetes.selectors import selection
from sre_copilot.testing.servers.kubernetes.store import Store
from sre_copilot.testing.servers.kubernetes.templates import is_ready

Query = Mapping[str, str]
_NAME = re.compile(r"^[a-z0-9]([a-z0-9.:-]{0,251}[a-z0-9])?$")
_SERVERS_OWN = (
    "uid",
    "resourceVersion",
    "selfLink",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
)
_GONE = (
    "The provided continue parameter is too old to display a consistent list result. You must start a new list "
    "without the continue parameter."
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    part: str = ""


@dataclass
class Objects:
    """Does to the store what requests ask for."""

    store: Store
    logs: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    """Lines of a log by namespace, pod and container, each beginning with its time (RFC 3339) and a space."""
    _pages: dict[str, tuple[str, list[Object]]] = field(default_factory=dict)

    def listed(self, target: Target, query: Query) -> Object:
        """Objects that are selected, at most `limit` of them and a token for the rest."""
        limit = int(query.get("limit") or 0)
        if token := query.get("continue"):
            if token not in self._pages:
                raise expired(_GONE)
            version, found = self._pages[token]
        else:
            version, found = str(self.store.version), self._selected(target, query)
        meta: Object = {"resourceVersion": version}
        if limit and len(found) > limit:
            key = json.dumps({"v": "meta.k8s.io/v1", "rv": int(version), "start": len(self._pages)})
            meta["continue"] = base64.b64encode(key.encode()).decode()
            meta["remainingItemCount"] = len(found) - limit
            self._pages[meta["continue"]] = (version, found[limit:])
            found = found[:limit]
        resource = target.resource
        kind = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version}
        return kind | {"metadata": meta, "items": found}

    def forget_pages(self) -> None:
        """Let every `continue` token be too old."""
        self._pages.clear()

    def _selected(self, target: Target, query: Query) -> list[Object]:
        matches = selection(target.resource, query.get("labelSelector", ""), query.get("fieldSelector", ""))
        return [each for each in self.store.all(target.resource.place, target.namespace) if matches(each)]

    def get(self, target: Target, query: Query) -> Object | str:
        """An object, its scale, or the text of its log."""
        found = self.store.get(target.resource.place, target.namespace, target.name)
        if target.part == "log":
            return self._log(found, query)
        return _scale_of(found) if target.part == "scale" else found

    def create(self, target: Target, body: Any, query: Query) -> Object:
        """Create an object, or evict a pod."""
        if target.part == "eviction":
            return self._evict(target, body, query)
        resource = target.resource
        if not isinstance(body, dict) or body.get("kind", resource.kind) != resource.kind:
            raise bad_request(f"the object provided is unrecognized: it is no {resource.kind}")
        item = copy.deepcopy(body) | {"kind": resource.kind, "apiVersion": resource.api_version}
        item.pop("status", None)
        meta = item.setdefault("metadata", {})
        self._check_place(target, meta)
        if not meta.get("generateName") and not _NAME.match(str(meta.get("name", ""))):
            raise invalid(
                resource, str(meta.get("name", "")), "metadata.name", "Required value: name or generateName"
            )
        for name in _SERVERS_OWN:
            meta.pop(name, None)
        meta |= {"namespace": target.namespace} if resource.namespaced else {}
        admit(self.store, item)
        if query.get("dryRun"):
            return item
        made = self.store.create(_defaulted(item), namespace=target.namespace, manager=_manager(query))
        if resource.kind == "CustomResourceDefinition":
            self.store.served += defined(made)
        return made

    def _check_place(self, target: Target, meta: Object) -> None:
        if not target.resource.namespaced:
            return
        if meta.get("namespace", target.namespace) != target.namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        if not self.store.find("namespaces", "", target.namespace):
            raise not_found(named("namespaces"), target.namespace)

    def update(self, target: Target, body: Any, query: Query) -> Object:
        """Replace an object, its status or its scale."""
        found = self.store.get(target.resource.place, target.namespace, target.name)
        if not isinstance(body, dict):
            raise bad_request("the body is no object")
        if body.get("metadata", {}).get("name", target.name) != target.name:
            raise bad_request("the name of the object does not match the name on the URL")
        return self._written(target, found, body, query)

    def patch(self, target: Target, body: Any, query: Query, content_type: str) -> Object:
        """Change parts of an object, its status or its scale."""
        found = self.store.get(target.resource.place, target.namespace, target.name)
        before = _scale_of(found) if target.part == "scale" else found
        if target.resource.custom and "strategic" in content_type:
            raise RefusedError(
                415,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json",
            )
        return self._written(target, found, patched(before, body, content_type), query)

    def _written(self, target: Target, found: Object, body: Object, query: Query) -> Object:
        if target.part == "scale":
            after = copy.deepcopy(found)
            after["spec"]["replicas"] = int(body["spec"]["replicas"])
            after["metadata"]["resourceVersion"] = body["metadata"].get("resourceVersion", "")
        else:
            after = body | {"kind": target.resource.kind}
            after.setdefault("metadata", {})["name"] = target.name
            after["metadata"].setdefault("namespace", target.namespace)
        if query.get("dryRun"):
            self._check_version(target, found, after)
            return after
        kept = self.store.replace(
            after, part="status" if target.part == "status" else "", manager=_manager(query)
        )
        return _scale_of(kept) if target.part == "scale" else kept

    def _check_version(self, target: Target, found: Object, after: Object) -> None:
        asked = after["metadata"].get("resourceVersion")
        if asked and asked != found["metadata"]["resourceVersion"]:
            raise conflict(target.resource, target.name)

    def delete(self, target: Target, body: Any, query: Query) -> Object:
        """Delete an object, or all that are selected."""
        options = body if isinstance(body, dict) else {}
        policy = options.get("propagationPolicy") or query.get("propagationPolicy", "Background")
        if not target.name:
            gone = self._selected(target, query)
            for each in [] if _dry(query, options) else gone:
                meta = each["metadata"]
                self.store.delete(
                    target.resource, meta.get("namespace", ""), meta["name"], orphan=policy == "Orphan"
                )
            return self.listed(target, query) | {"items": gone}
        found = self.store.get(target.resource.place, target.namespace, target.name)
        _check_preconditions(options, found)
        if _dry(query, options):
            return found
        self.store.delete(target.resource, target.namespace, target.name, orphan=policy == "Orphan")
        return success(target.resource, target.name, found["metadata"]["uid"])

    def _evict(self, target: Target, body: Any, query: Query) -> Object:
        """Delete a pod unless a disruption budget forbids it."""
        pod = self.store.get("pods", target.namespace, target.name)
        options = (body or {}).get("deleteOptions") or {}
        _check_preconditions(options, pod)
        for budget in self.store.all("poddisruptionbudgets", target.namespace):
            if is_ready(pod) and self._protects(budget, pod):
                why = "Cannot evict pod as it would violate the pod's disruption budget."
                raise RefusedError(429, "TooManyRequests", why)
        if not _dry(query, options):
            self.store.delete(target.resource, target.namespace, target.name)
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}

    def _protects(self, budget: Object, pod: Object) -> bool:
        wanted = (budget["spec"].get("selector") or {}).get("matchLabels") or {}
        if not wanted.items() <= (pod["metadata"].get("labels") or {}).items():
            return False
        alike = [
            each
            for each in self.store.all("pods", pod["metadata"]["namespace"])
            if wanted.items() <= (each["metadata"].get("labels") or {}).items()
        ]
        healthy = sum(map(is_ready, alike))
        return healthy - 1 < _least(budget["spec"], len(alike))

    def _log(self, pod: Object, query: Query) -> str:
        meta = pod["metadata"]
        containers = [each["name"] for each in pod["spec"]["containers"]]
        container = query.get("container") or (containers[0] if len(containers) == 1 else "")
        if not container:
            raise bad_request(
                f"a container name must be specified for pod {meta['name']}, choose one of: {containers}"
            )
        if container not in containers:
            raise bad_request(f"container {container} is not valid for pod {meta['name']}")
        if query.get("previous") == "true":
            container += " previous"
        lines = self.logs.get((meta["namespace"], meta["name"], container), [])
        return _cut(lines, query, self.store.clock())


def _dry(query: Query, options: Object) -> bool:
    """Whether nothing shall be changed: by the address, or by the options of a deletion."""
    return bool(query.get("dryRun") or options.get("dryRun"))


def _check_preconditions(options: Object, found: Object) -> None:
    """Raise the 409 of a deletion that is meant for another object of that name, or for another version."""
    wanted = options.get("preconditions") or {}
    for key, words in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        is_now = found["metadata"][key]
        if wanted.get(key, is_now) != is_now:
            raise RefusedError(
                409,
                "Conflict",
                f"Precondition failed: {words} in precondition: {wanted[key]}, {words} in object meta: {is_now}",
            )


def _manager(query: Query) -> str:
    return query.get("fieldManager", "client").replace(" ", "-")


def _cut(lines: list[str], query: Query, now: datetime) -> str:
    start = query.get("sinceTime", "")
    if "sinceSeconds" in query:
        start = (now - timedelta(seconds=int(query["sinceSeconds"]))).isoformat()
    if start:
        first = datetime.fromisoformat(start)
        lines = [line for line in lines if datetime.fromisoformat(line.partition(" ")[0]) >= first]
    if "tailLines" in query:
        count = int(query["tailLines"])
        lines = lines[-count:] if count else []
    if query.get("timestamps") != "true":
        lines = [line.partition(" ")[2] for line in lines]
    text = "".join(line + "\n" for line in lines)
    return text[: int(query["limitBytes"])] if "limitBytes" in query else text


def _least(spec: Object, total: int) -> int:
    """How many pods a disruption budget wants healthy."""
    if "minAvailable" in spec:
        return _whole(spec["minAvailable"], total)
    return total - _whole(spec.get("maxUnavailable", 0), total)


def _whole(value: object, total: int) -> int:
    text = str(value)
    return -(-total * int(text[:-1]) // 100) if text.endswith("%") else int(text)


def _defaulted(item: Object) -> Object:
    """Fill in the few defaults that clients rely on."""
    spec = item.get("spec")
    if item["kind"] in {"Deployment", "ReplicaSet", "StatefulSet"} and isinstance(spec, dict):
        spec.setdefault("replicas", 1)
    if item["kind"] == "Service" and isinstance(spec, dict):
        spec.setdefault("type", "ClusterIP")
        for port in spec.get("ports") or ():
            port.setdefault("protocol", "TCP")
            port.setdefault("targetPort", port["port"])
    return item


def _scale_of(item: Object) -> Object:
    if "replicas" not in item.get("spec", {}):
        raise no_such_path()
    labels = (item["spec"].get("selector") or {}).get("matchLabels") or {}
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: item["metadata"][key] for key in kept},
        "spec": {"replicas": item["spec"]["replicas"]},
        "status": {
            "replicas": item.get("status", {}).get("replicas", 0),
            "selector": ",".join(f"{name}={value}" for name, value in sorted(labels.items())),
        },
    }
