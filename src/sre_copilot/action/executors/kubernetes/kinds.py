"""The kinds that actions are done to, and where the API server has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object and where it is served."""

    name: str
    plural: str
    root: str = "/api/v1"
    namespaced: bool = True

    def path(self, namespace: str = "", name: str = "", part: str = "") -> str:
        """Path of its list, of one object, or of a part of one."""
        inside = ["namespaces", namespace] if namespace and self.namespaced else []
        parts = [*inside, self.plural, *filter(None, (name, part))]
        return "/".join((self.root, *(quote(each, safe="") for each in parts)))


_APPS = "/apis/apps/v1"
POD = Kind("Pod", "pods")
NODE = Kind("Node", "nodes", namespaced=False)
SERVICE = Kind("Service", "services")
CONFIG_MAP = Kind("ConfigMap", "configmaps")
DEPLOYMENT = Kind("Deployment", "deployments", _APPS)
STATEFUL_SET = Kind("StatefulSet", "statefulsets", _APPS)
DAEMON_SET = Kind("DaemonSet", "daemonsets", _APPS)
REPLICA_SET = Kind("ReplicaSet", "replicasets", _APPS)
REVISION = Kind("ControllerRevision", "controllerrevisions", _APPS)
INGRESS = Kind("Ingress", "ingresses", "/apis/networking.k8s.io/v1")
AUTOSCALER = Kind("HorizontalPodAutoscaler", "horizontalpodautoscalers", "/apis/autoscaling/v2")

ROLLED = {each.name: each for each in (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)}
"""Kinds that roll out a template of pods."""
OWNERS = ROLLED | {REPLICA_SET.name: REPLICA_SET}
KINDS = OWNERS | {each.name: each for each in (POD, NODE, SERVICE, CONFIG_MAP, INGRESS)}


def meta(item: Object) -> Object:
    """Its metadata."""
    found: Object = item.get("metadata") or {}
    return found


def version_of(item: Object) -> str:
    """Its resourceVersion."""
    return str(meta(item).get("resourceVersion", ""))


def notes_of(item: Object) -> dict[str, str]:
    """Its annotations."""
    return dict(meta(item).get("annotations") or {})


def controller(item: Object) -> Object | None:
    """The reference to the object that controls it and would replace it, or None."""
    owners: list[Object] = meta(item).get("ownerReferences") or []
    return next((each for each in owners if each.get("controller")), None)
