"""The controller of stateful sets: pods with numbers, started and replaced one after the other, and revisions of their template."""

from __future__ import annotations

import copy
from typing import Any

from sre_copilot.testing.servers.kubernetes.record import record
from sre_copilot.testing.servers.kubernetes.resources import Object, named
from sre_copilot.testing.servers.kubernetes.store import Store
from sre_copilot.testing.servers.kubernetes.templates import is_ready, owner_of, template_hash

HASH = "controller-revision-hash"


def keep(store: Store, item: Object) -> None:
    """Make a step towards what a stateful set asks for, and say how far it is."""
    revision = _revision(store, item)
    pods = sorted(store.owned(item, "pods"), key=_ordinal)
    _step(store, item, revision, pods)
    _say(store, item, revision)


def _revision(store: Store, item: Object) -> Object:
    """The revision of the present template; going back to an old one makes that the newest."""
    meta, template = item["metadata"], item["spec"]["template"]
    name = f"{meta['name']}-{template_hash(template)}"
    owned = store.owned(item, "controllerrevisions")
    newest = max((each["revision"] for each in owned), default=0)
    known = store.find("controllerrevisions", meta["namespace"], name)
    if known is None:
        return store.create(
            {
                "kind": "ControllerRevision",
                "metadata": {
                    "name": name, "namespace": meta["namespace"], "labels": dict(template["metadata"].get("labels") or {}),
                    "ownerReferences": [owner_of(item)],
                },
                "data": {"spec": {"template": copy.deepcopy(template) | {"$patch": "replace"}}},
                "revision": newest + 1,
            }
        )  # fmt: skip
    if known["revision"] < newest:
        return store.replace(copy.deepcopy(known) | {"revision": newest + 1})
    return known


def _step(store: Store, item: Object, revision: Object, pods: list[Object]) -> None:
    """At most one pod more, less or newer: the next waits until all that are there are ready."""
    wanted = item["spec"].get("replicas", 1)
    hash_ = revision["metadata"]["name"]
    if surplus := [pod for pod in pods if _ordinal(pod) >= wanted]:
        _end(store, item, surplus[-1])
        return
    broken = [pod for pod in pods if not is_ready(pod) and pod["metadata"]["labels"].get(HASH) != hash_]
    if broken:
        _end(store, item, broken[-1])
        return
    if not all(map(is_ready, pods)):
        return
    if missing := sorted(set(range(wanted)) - set(map(_ordinal, pods))):
        _start(store, item, missing[0], hash_)
        return
    old = [pod for pod in pods if pod["metadata"]["labels"].get(HASH) != hash_]
    if old and (item["spec"].get("updateStrategy") or {}).get("type") != "OnDelete":
        _end(store, item, old[-1])


def _start(store: Store, item: Object, number: int, revision: str) -> None:
    meta, template = item["metadata"], copy.deepcopy(item["spec"]["template"])
    name = f"{meta['name']}-{number}"
    own: dict[str, Any] = template.get("metadata") or {}
    labels = {**(own.get("labels") or {}), HASH: revision, "statefulset.kubernetes.io/pod-name": name}
    whole = own | {
        "name": name,
        "namespace": meta["namespace"],
        "labels": labels,
        "ownerReferences": [owner_of(item)],
    }
    store.create({"kind": "Pod", "metadata": whole, "spec": template["spec"]})
    message = f"create Pod {name} in StatefulSet {meta['name']} successful"
    record(store, item, "SuccessfulCreate", message, by="statefulset-controller")


def _end(store: Store, item: Object, pod: Object) -> None:
    meta = pod["metadata"]
    store.delete(named("pods"), meta["namespace"], meta["name"])
    message = f"delete Pod {meta['name']} in StatefulSet {item['metadata']['name']} successful"
    record(store, item, "SuccessfulDelete", message, by="statefulset-controller")


def _say(store: Store, item: Object, revision: Object) -> None:
    pods = store.owned(item, "pods")
    newest, wanted = revision["metadata"]["name"], item["spec"].get("replicas", 1)
    updated = [pod for pod in pods if pod["metadata"]["labels"].get(HASH) == newest]
    complete = len(updated) == wanted and all(map(is_ready, updated))
    before = (item.get("status") or {}).get("currentRevision", newest)
    ready = sum(map(is_ready, pods))
    status = {
        "observedGeneration": item["metadata"]["generation"],
        "replicas": len(pods),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "updatedReplicas": len(updated),
        "currentReplicas": len(pods) - len(updated) if not complete else len(pods),
        "currentRevision": newest if complete else before,
        "updateRevision": newest,
        "collisionCount": 0,
    }
    store.replace(copy.deepcopy(item) | {"status": status}, part="all")


def _ordinal(pod: Object) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])
