"""The cluster's state as outputs of `kubectl`, which is the form that analysers, reports and people read alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sre_copilot.perception.cluster import describe
from sre_copilot.perception.cluster.api import Kind, Object
from sre_copilot.perception.cluster.events import Occurrence, listed, say_events
from sre_copilot.perception.cluster.pods import say_pod
from sre_copilot.perception.cluster.text import (
    Page,
    age,
    born,
    mapping,
    mappings,
    metadata,
    name_of,
    namespace_of,
    owner_of,
    table,
)  # fmt: skip

_APPS = "/apis/apps/v1"
KINDS: tuple[Kind, ...] = (
    Kind("pods", "Pod", selected=True),
    Kind("services", "Service", selected=True),
    Kind("endpoints", "Endpoints"),
    Kind("configmaps", "ConfigMap"),
    Kind("serviceaccounts", "ServiceAccount"),
    Kind("resourcequotas", "ResourceQuota"),
    Kind("persistentvolumeclaims", "PersistentVolumeClaim"),
    Kind("persistentvolumes", "PersistentVolume", namespaced=False),
    Kind("nodes", "Node", namespaced=False),
    Kind("deployments", "Deployment", _APPS, selected=True),
    Kind("replicasets", "ReplicaSet", _APPS, selected=True),
    Kind("statefulsets", "StatefulSet", _APPS, selected=True),
    Kind("daemonsets", "DaemonSet", _APPS, selected=True),
    Kind("ingresses", "Ingress", "/apis/networking.k8s.io/v1"),
    Kind("storageclasses", "StorageClass", "/apis/storage.k8s.io/v1", namespaced=False),
)
EVENTS = Kind("events", "Event")
Say = Callable[[Page, Object], None]
Row = Callable[[Object, float], tuple[object, ...]]


@dataclass(frozen=True)
class Cluster:
    """What was read: objects by plural (None where they could not be read), events, and when."""

    objects: Mapping[str, tuple[Object, ...] | None]
    events: tuple[Occurrence, ...]
    now: float
    config_values: bool = True
    namespaces: tuple[str, ...] = field(default=())
    """Namespaces that were asked for, so that an empty one can be told from one that was not."""

    def of(self, plural: str) -> tuple[Object, ...]:
        """Objects of a kind; none where they could not be read."""
        return self.objects.get(plural) or ()

    @cached_property
    def pods_of(self) -> dict[tuple[str, str, str], list[Object]]:
        """Pods by namespace, kind and name of their controller."""
        found: dict[tuple[str, str, str], list[Object]] = {}
        for pod in self.of("pods"):
            found.setdefault((namespace_of(pod), *owner_of(pod)), []).append(pod)
        return found

    @cached_property
    def endpoints(self) -> dict[tuple[str, str], Object]:
        """Endpoints by namespace and name."""
        return {(namespace_of(each), name_of(each)): each for each in self.of("endpoints")}

    @cached_property
    def events_of(self) -> dict[tuple[str, str, str], list[Occurrence]]:
        """Events by kind, namespace and name of what they are about, oldest first."""
        found: dict[tuple[str, str, str], list[Occurrence]] = {}
        for each in self.events:
            found.setdefault((each.kind, each.namespace, each.name), []).append(each)
        return found

    @property
    def spaces(self) -> list[str]:
        """All namespaces that anything was read of."""
        found = {namespace_of(each) for items in self.objects.values() for each in items or ()}
        return sorted((found | {each.namespace for each in self.events} | set(self.namespaces)) - {""})


def state(cluster: Cluster) -> dict[str, str]:
    """Outputs by command: `kubectl describe` of each object, `kubectl get` of the lists that analysers look names up in."""
    return dict(sorted([*_described(cluster), *_listed(cluster)]))


def _described(cluster: Cluster) -> Iterator[tuple[str, str]]:
    for kind in KINDS:
        say = _sayers(cluster).get(kind.plural)
        for item in cluster.of(kind.plural) if say else ():
            if say and not _spent(kind, item):
                yield (
                    f"kubectl describe {kind.plural} {name_of(item)}{_in(item)}",
                    _page(cluster, kind, item, say),
                )


def _sayers(cluster: Cluster) -> dict[str, Say]:
    """How each kind is described."""

    def pods(kind: str, item: Object) -> list[Object]:
        return cluster.pods_of.get((namespace_of(item), kind, name_of(item)), [])

    def near(item: Object) -> list[Object]:
        return [pod for pod in cluster.of("pods") if namespace_of(pod) == namespace_of(item)]

    return {
        "pods": lambda page, item: say_pod(page, item, cluster.now),
        "services": lambda page, item: describe.say_service(
            page, item, cluster.endpoints.get((namespace_of(item), name_of(item)))
        ),
        "endpoints": describe.say_endpoints,
        "configmaps": lambda page, item: describe.say_config_map(page, item, values=cluster.config_values),
        "resourcequotas": describe.say_quota,
        "persistentvolumeclaims": lambda page, item: describe.say_claim(page, item, near(item)),
        "persistentvolumes": describe.say_volume,
        "nodes": describe.say_node,
        "deployments": describe.say_deployment,
        "replicasets": lambda page, item: describe.say_replica_set(page, item, pods("ReplicaSet", item)),
        "statefulsets": lambda page, item: describe.say_stateful_set(page, item, pods("StatefulSet", item)),
        "daemonsets": lambda page, item: describe.say_daemon_set(page, item, pods("DaemonSet", item)),
        "ingresses": describe.say_ingress,
    }


def _spent(kind: Kind, item: Object) -> bool:
    """A replica set of an older revision, which wants no pod and has none."""
    status, spec = mapping(item.get("status")), mapping(item.get("spec"))
    return kind.plural == "replicasets" and not spec.get("replicas") and not status.get("replicas")


def _page(cluster: Cluster, kind: Kind, item: Object, say: Say) -> str:
    page = Page()
    say(page, item)
    say_events(page, cluster.events_of.get((kind.name, _event_space(item), name_of(item)), ()), cluster.now)
    return page.text()


def _event_space(item: Object) -> str:
    return namespace_of(item) or "default"  # where events about objects of the cluster are kept


def _in(item: Object) -> str:
    return f" -n {namespace_of(item)}" if namespace_of(item) else ""


def _listed(cluster: Cluster) -> Iterator[tuple[str, str]]:
    for space in cluster.spaces:
        inside = _of_space(cluster, space)
        for plural, (header, row) in _LISTS.items():
            if (items := inside(plural)) is not None:
                wide = " -o wide" if plural == "pods" else ""
                yield f"kubectl get {plural} -n {space}{wide}", _list(header, row, items, space, cluster.now)
        if claims := inside("persistentvolumeclaims"):
            yield f"kubectl get persistentvolumeclaims -n {space} -o json", _manifests(claims)
        events = [each for each in cluster.events if each.namespace == space]
        if events:
            yield f"kubectl get events -n {space}", listed(events, cluster.now)
    for plural in ("nodes", "storageclasses"):
        if rows := [_name_row(each, cluster.now) for each in cluster.of(plural)]:
            yield f"kubectl get {plural}", table(("NAME", "AGE"), rows)


def _of_space(cluster: Cluster, space: str) -> Callable[[str], list[Object] | None]:
    """Objects of a kind in a namespace; None where the kind could not be read."""

    def inside(plural: str) -> list[Object] | None:
        items = cluster.objects.get(plural)
        return None if items is None else [each for each in items if namespace_of(each) == space]

    return inside


def _list(header: Sequence[str], row: Row, items: Sequence[Object], space: str, now: float) -> str:
    """A list, or the words that `kubectl` has for none."""
    if not items:
        return f"No resources found in {space} namespace.\n"
    return table(header, [row(each, now) for each in items])


def _name_row(item: Object, now: float) -> tuple[object, ...]:
    return name_of(item), _age(item, now)


def _service_row(item: Object, now: float) -> tuple[object, ...]:
    spec = mapping(item.get("spec"))
    return name_of(item), spec.get("type", "ClusterIP"), spec.get("clusterIP", ""), _age(item, now)


def _pod_row(item: Object, now: float) -> tuple[object, ...]:
    status = mapping(item.get("status"))
    containers = mappings(status.get("containerStatuses"))
    total = len(mappings(mapping(item.get("spec")).get("containers")))
    ready = sum(bool(each.get("ready")) for each in containers)
    restarts = sum(int(each.get("restartCount", 0)) for each in containers)
    node = mapping(item.get("spec")).get("nodeName", "")
    return (
        name_of(item), f"{ready}/{total}", _status(item, containers), restarts, _age(item, now),
        status.get("podIP", ""), node,
    )  # fmt: skip


def _status(item: Object, containers: Iterable[Mapping[str, Any]]) -> str:
    """The reason of the first container that does not run, else the phase."""
    status = mapping(item.get("status"))
    if metadata(item).get("deletionTimestamp"):
        return "Terminating"
    for each in containers:
        for kind in ("waiting", "terminated"):
            if reason := mapping(mapping(each.get("state")).get(kind)).get("reason"):
                return str(reason)
    return str(status.get("reason") or status.get("phase", "Unknown"))


def _age(item: Object, now: float) -> str:
    start = born(item)
    return age(now - start if start is not None else None)


_LISTS: dict[str, tuple[tuple[str, ...], Row]] = {
    "pods": (("NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"), _pod_row),
    "services": (("NAME", "TYPE", "CLUSTER-IP", "AGE"), _service_row),
    "serviceaccounts": (("NAME", "AGE"), _name_row),
    "resourcequotas": (("NAME", "AGE"), _name_row),
}


def _manifests(items: Iterable[Object]) -> str:
    """What claims ask for, which their description does not tell."""
    kept = [{"metadata": {"name": name_of(each)}, "spec": each.get("spec", {})} for each in items]
    return json.dumps({"kind": "List", "items": kept}, sort_keys=True)
