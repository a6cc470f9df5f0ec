"""Parts, machines and routes out of Kubernetes objects."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sre_copilot.domain.cmdb import (
    CALLS,
    CONTAINS,
    ROUTES_TO,
    RUNS_ON,
    Entity,
    Inventory,
    Relation,
    inventory_of,
)

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "ReplicaSet")
_OWNER = ("app.kubernetes.io/managed-by-team", "team", "owner", "owner-team")
_HOST_PORT = re.compile(
    r"^(?:[a-z][a-z0-9+.-]*://)?(?:[^@/\s]*@)?([a-z0-9.-]+)(?::\d+)?(?:[/?].*)?$", re.IGNORECASE
)


Objects = Sequence[Mapping[str, Any]]


class Cluster:
    """The objects of one cluster, found by kind, namespace and name."""

    def __init__(self, objects: Objects, source: str) -> None:
        self._source = source
        self._kinds: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for each in objects:
            self._kinds[str(each.get("kind", ""))].append(each)
        self._named = {(str(each.get("kind", "")), _namespace(each), _name(each)): each for each in objects}
        spaces: dict[str, set[str]] = defaultdict(set)
        for each in (*self._tops(), *self._kinds["Service"]):
            spaces[_name(each)].add(_namespace(each))
        self._shared = {name for name, namespaces in spaces.items() if len(namespaces) > 1}

    def inventory(self) -> Inventory:
        """All that the objects say."""
        relations = [*self._pods(), *self._services(), *self._ingresses(), *self._environments()]
        return inventory_of(self._entities(), relations)

    def _tops(self) -> list[Mapping[str, Any]]:
        """Workloads that no other one owns."""
        return [each for kind in WORKLOADS for each in self._kinds[kind] if self._top(each) is each]

    def _top(self, thing: Mapping[str, Any]) -> Mapping[str, Any]:
        """The workload at the upper end of the owners; the thing itself when it has none that is known."""
        seen = 0
        while seen < len(WORKLOADS):  # owners are at most that deep
            owner = next(
                (o for o in _meta(thing).get("ownerReferences") or () if o.get("controller", True)), None
            )
            above = self._named.get((owner["kind"], _namespace(thing), owner["name"])) if owner else None
            if above is None:
                return thing
            thing, seen = above, seen + 1
        return thing

    def _called(self, thing: Mapping[str, Any]) -> str:
        name = _name(thing)
        return f"{name}.{_namespace(thing)}" if name in self._shared else name

    def _entities(self) -> Iterator[Entity]:
        for each in self._tops():
            yield self._entity(each, "service", workload=str(each.get("kind")))
        for each in self._kinds["Service"]:
            yield self._entity(each, "service", service_type=str(_spec(each).get("type") or "ClusterIP"))
        for each in self._kinds["Pod"]:
            yield self._entity(each, "pod", node=str(_spec(each).get("nodeName") or ""))
        for each in self._kinds["Node"]:
            yield self._entity(each, "host", **_node(each))
        for each in self._kinds["Ingress"]:
            yield self._entity(each, "ingress")

    def _entity(self, thing: Mapping[str, Any], kind: str, **further: str) -> Entity:
        labels = {**(_meta(thing).get("labels") or {}), **(_meta(thing).get("annotations") or {})}
        owner = next((str(labels[key]) for key in _OWNER if labels.get(key)), "")
        found = {"namespace": _namespace(thing), "owner": owner, **further}
        return Entity(
            name=f"ingress/{self._called(thing)}" if kind == "ingress" else self._called(thing),
            kind=kind,
            attributes={key: value for key, value in found.items() if value},
            sources=(self._source,),
        )

    def _relation(self, caller: str, callee: str, kind: str) -> Relation:
        return Relation(caller=caller, callee=callee, kind=kind, sources=(self._source,))

    def _pods(self) -> Iterator[Relation]:
        for pod in self._kinds["Pod"]:
            top = self._top(pod)
            if top is not pod:
                yield self._relation(self._called(top), self._called(pod), CONTAINS)
            if node := _spec(pod).get("nodeName"):
                yield self._relation(self._called(pod), str(node), RUNS_ON)

    def _services(self) -> Iterator[Relation]:
        for service in self._kinds["Service"]:
            for top in self._selected(service):
                yield self._relation(self._called(service), self._called(top), ROUTES_TO)

    def _selected(self, service: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """The workloads whose pods a service selects; pods that nothing owns stand for themselves."""
        selector = _spec(service).get("selector") or {}
        if not selector:
            return
        owned = [(top, ((_spec(top).get("template") or {}).get("metadata") or {})) for top in self._tops()]
        bare = [(pod, _meta(pod)) for pod in self._kinds["Pod"] if self._top(pod) is pod]
        for thing, described in (*owned, *bare):
            labels = described.get("labels") or {}
            if _namespace(thing) == _namespace(service) and selector.items() <= labels.items():
                yield thing

    def _ingresses(self) -> Iterator[Relation]:
        for ingress in self._kinds["Ingress"]:
            for name in set(_backends(_spec(ingress))):
                service = self._named.get(("Service", _namespace(ingress), name))
                if service is not None:
                    yield self._relation(f"ingress/{self._called(ingress)}", self._called(service), ROUTES_TO)

    def _environments(self) -> Iterator[Relation]:
        for top in self._tops():
            for value in _environment(_spec(top)):
                service = self._addressed(value, _namespace(top))
                if service is not None:
                    yield self._relation(self._called(top), self._called(service), CALLS)

    def _addressed(self, value: str, namespace: str) -> Mapping[str, Any] | None:
        """The service that an address names; a bare word that is no address needs a port or a scheme to count."""
        match = _HOST_PORT.match(value.strip())
        if match is None or (value.strip() == match.group(1) and "." not in value):
            return None
        name, _, rest = match.group(1).partition(".")
        return self._named.get(("Service", rest.partition(".")[0] or namespace, name))


def _meta(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    return thing.get("metadata") or {}


def _spec(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    return thing.get("spec") or {}


def _name(thing: Mapping[str, Any]) -> str:
    return str(_meta(thing).get("name", ""))


def _namespace(thing: Mapping[str, Any]) -> str:
    return str(_meta(thing).get("namespace") or "")


def _node(node: Mapping[str, Any]) -> dict[str, str]:
    """What a machine is: hardware and software as the kubelet reports them."""
    status = node.get("status") or {}
    capacity, about = status.get("capacity") or {}, status.get("nodeInfo") or {}
    address = next((a["address"] for a in status.get("addresses") or () if a.get("type") == "InternalIP"), "")
    return {
        "address": str(address),
        "cpu": str(capacity.get("cpu", "")),
        "memory": str(capacity.get("memory", "")),
        "architecture": str(about.get("architecture", "")),
        "os": str(about.get("osImage", "")),
        "kubelet": str(about.get("kubeletVersion", "")),
    }


def _backends(spec: Mapping[str, Any]) -> Iterator[str]:
    paths = [path for rule in spec.get("rules") or () for path in (rule.get("http") or {}).get("paths") or ()]
    backends = [path.get("backend") or {} for path in paths]
    for backend in (*backends, spec.get("defaultBackend") or {}):
        if name := (backend.get("service") or {}).get("name"):
            yield str(name)


def _environment(spec: Mapping[str, Any]) -> Iterator[str]:
    """Values of plain environment variables of a workload; those out of secrets and maps are not there to be read."""
    template = (
        spec.get("template") or ((spec.get("jobTemplate") or {}).get("spec") or {}).get("template") or {}
    )
    for container in (template.get("spec") or {}).get("containers") or ():
        for variable in container.get("env") or ():
            if variable.get("value"):
                yield str(variable["value"])


def from_kubernetes(objects: Iterable[Mapping[str, Any]], *, source: str = "kubernetes") -> Inventory:
    """What contains what, runs where and routes to what, out of objects as the API server gives them.

    Pods hang from the workload at the upper end of their owners, and run on a node; services route to the workloads whose pods
    they select, ingresses to services; a workload whose environment names the address of a service calls it. A
    service and a workload of one name are one entity. A name that stands in several namespaces is written
    NAME.NAMESPACE. Objects of other kinds are ignored; a Secret is never read.
    """
    known = [each for each in objects if (each.get("metadata") or {}).get("name")]
    return Cluster(known, source).inventory()
