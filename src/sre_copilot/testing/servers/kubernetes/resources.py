"""The kinds that the stand-in serves, and the documents by which a client discovers them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_SUBRESOURCES: dict[str, tuple[str | None, tuple[str, ...], dict[str, str]]] = {
    "status": (None, ("get", "patch", "update"), {}),
    "scale": ("Scale", ("get", "patch", "update"), {"group": "autoscaling", "version": "v1"}),
    "eviction": ("Eviction", ("create",), {"group": "policy", "version": "v1"}),
    "log": (None, ("get",), {}),
}
_STORED_VERSIONS = {
    "EndpointSlice": "v1beta1"
}  # published with the hash of the version that was stored first


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind: where it is served, what it is called, what may be done with it."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    custom: bool = False
    """Whether a client defined it: no strategic patch is known for it then."""
    stored: str = ""
    """Under what it is kept, where that is not its plural: another version of a kind is not converted here."""

    @property
    def place(self) -> str:
        """Under what it is kept."""
        return self.stored or self.plural

    @property
    def api_version(self) -> str:
        """As an object's `apiVersion` says it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        """The kind in lower case."""
        return self.kind.lower()

    @property
    def qualified(self) -> str:
        """As messages of the API server name it: `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


def _core(plural: str, kind: str, *short: str, sub: tuple[str, ...] = (), **more: Any) -> Resource:
    return Resource("", "v1", plural, kind, short=short, subresources=sub, **more)


def _apps(plural: str, kind: str, *short: str, sub: tuple[str, ...] = ("scale", "status")) -> Resource:
    return Resource("apps", "v1", plural, kind, short=short, categories=("all",), subresources=sub)


RESOURCES: tuple[Resource, ...] = (
    _core("limitranges", "LimitRange", "limits"),
    _core("configmaps", "ConfigMap", "cm"),
    _core("endpoints", "Endpoints", "ep"),
    _core("events", "Event", "ev"),
    _core("namespaces", "Namespace", "ns", sub=("status",), namespaced=False,
          verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection")),
    _core("nodes", "Node", "no", sub=("status",), namespaced=False),
    _core("persistentvolumeclaims", "PersistentVolumeClaim", "pvc", sub=("status",)),
    _core("persistentvolumes", "PersistentVolume", "pv", sub=("status",), namespaced=False),
    _core("pods", "Pod", "po", sub=("eviction", "log", "status"), categories=("all",)),
    _core("resourcequotas", "ResourceQuota", "quota", sub=("status",)),
    _core("secrets", "Secret"),
    _core("serviceaccounts", "ServiceAccount", "sa"),
    _core("services", "Service", "svc", sub=("status",), categories=("all",)),
    _apps("daemonsets", "DaemonSet", "ds", sub=("status",)),
    _apps("deployments", "Deployment", "deploy"),
    _apps("replicasets", "ReplicaSet", "rs"),
    _apps("statefulsets", "StatefulSet", "sts"),
    Resource("apps", "v1", "controllerrevisions", "ControllerRevision"),
    Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False,
             short=("crd", "crds"), subresources=("status",), categories=("api-extensions",)),
    Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", short=("hpa",),
             subresources=("status",), categories=("all",)),
    Resource("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", short=("hpa",),
             subresources=("status",), categories=("all",), stored="horizontalpodautoscalers.v1"),
    Resource("batch", "v1", "cronjobs", "CronJob", short=("cj",), subresources=("status",), categories=("all",)),
    Resource("batch", "v1", "jobs", "Job", subresources=("status",), categories=("all",)),
    Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
    Resource("events.k8s.io", "v1", "events", "Event", short=("ev",), stored="events.events.k8s.io"),
    Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", short=("netpol",)),
    Resource("coordination.k8s.io", "v1", "leases", "Lease"),
    Resource("networking.k8s.io", "v1", "ingresses", "Ingress", short=("ing",), subresources=("status",)),
    Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", short=("pdb",), subresources=("status",)),
    Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False, short=("sc",)),
    Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview",
             namespaced=False, verbs=("create",)),
)  # fmt: skip


def named(plural: str) -> Resource:
    """The kind of this plural; raises `KeyError` when the stand-in does not serve it."""
    return next(each for each in RESOURCES if each.plural == plural)


def versions(address: str) -> Object:
    """The answer to `/api`."""
    where = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": where}


def defined(definition: Object) -> list[Resource]:
    """The kinds that a CustomResourceDefinition makes known."""
    spec, names = definition["spec"], definition["spec"]["names"]
    return [
        Resource(
            spec["group"], each["name"], names["plural"], names["kind"],
            namespaced=spec.get("scope") != "Cluster", short=tuple(names.get("shortNames") or ()),
            subresources=tuple(sorted(set(each.get("subresources") or {}) & {"status", "scale"})), custom=True,
            stored=f"{names['plural']}.{spec['group']}",
        )
        for each in spec["versions"]
        if each.get("served")
    ]  # fmt: skip


def groups(served: Sequence[Resource]) -> Object:
    """The answer to `/apis`."""
    found = sorted({each.group for each in served if each.group})
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(served, each) for each in found]}


def _group(served: Sequence[Resource], name: str) -> Object:
    versions = dict.fromkeys(each.version for each in served if each.group == name)
    every = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": every, "preferredVersion": every[0]}


def group(served: Sequence[Resource], name: str) -> Object | None:
    """The answer to `/apis/NAME`, or None."""
    if not any(name and each.group == name for each in served):
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(served, name)}


def resource_list(served: Sequence[Resource], name: str, version: str) -> Object | None:
    """The answer to `/api/v1` and `/apis/GROUP/VERSION`, or None."""
    found = [each for each in served if (each.group, each.version) == (name, version)]
    if not found:
        return None
    entries = [entry for each in found for entry in _entries(each)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": found[0].api_version,
        "resources": sorted(entries, key=lambda entry: str(entry["name"])),
    }


def _entries(each: Resource) -> list[Object]:
    own: Object = {
        "name": each.plural,
        "singularName": each.singular,
        "namespaced": each.namespaced,
        "kind": each.kind,
        "verbs": sorted(each.verbs),
    }
    if "list" in each.verbs:
        own["storageVersionHash"] = storage_hash(each)
    if each.short:
        own["shortNames"] = list(each.short)
    if each.categories:
        own["categories"] = list(each.categories)
    return [own, *(_sub_entry(each, name) for name in each.subresources)]


def _sub_entry(each: Resource, name: str) -> Object:
    kind, verbs, more = _SUBRESOURCES[name]
    return {
        "name": f"{each.plural}/{name}",
        "singularName": "",
        "namespaced": each.namespaced,
        "kind": kind or each.kind,
        "verbs": list(verbs),
        **more,
    }


def storage_hash(each: Resource) -> str:
    """What discovery says of the stored version: eight bytes of a hash of group, version and kind."""
    kept = each if each.custom else next(one for one in RESOURCES if one.kind == each.kind)
    version = _STORED_VERSIONS.get(kept.kind, kept.version)
    digest = hashlib.sha256(f"{kept.group}/{version}/{kept.kind}".encode()).digest()
    return base64.b64encode(digest[:8]).decode()
