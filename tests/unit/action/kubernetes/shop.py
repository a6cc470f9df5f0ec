"""What the tests of the executor share: a workload, actions, calls, and what the cluster has."""

import time
from typing import Any

from sre_copilot.action.executor import Call
from sre_copilot.action.executors.kubernetes import CustomResource
from sre_copilot.domain.plan import Action, Target
from sre_copilot.testing.servers.kubernetes import Kubernetes

ROLLOUT = CustomResource(
    kind="Rollout",
    group="example.org",
    version="v1",
    plural="rollouts",
    fields=("spec.weight", "spec.headers"),
)


def workload(
    kind: str = "Deployment", name: str = "shop", image: str = "shop:1", **spec: Any
) -> dict[str, Any]:
    """A workload whose containers take a variable from the config map `shop`."""
    labels = {"app": name}
    env = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "shop", "key": "A"}}}]
    container = {"name": "web", "image": image, "env": env}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    whole = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template} | spec
    return {"kind": kind, "metadata": {"name": name, "namespace": "default"}, "spec": whole}


def action(verb: str, kind: str, name: str = "shop", namespace: str = "default", **parameters: Any) -> Action:
    """An action of the executor `kubernetes`."""
    target = Target(executor="kubernetes", kind=kind, name=name, namespace=namespace)
    return Action(name=f"kubernetes.{verb}", target=target, parameters=parameters)


def call(key: str = "PLAN-1/s1/do", **more: Any) -> Call:
    """A call with ten seconds to go."""
    return Call(key=key, deadline=time.monotonic() + 10, **more)


def undoing(**more: Any) -> Call:
    """The call of the undo."""
    return call("PLAN-1/s1/undo", **more)


def got(cluster: Kubernetes, plural: str, name: str = "shop", namespace: str = "default") -> dict[str, Any]:
    """An object as the cluster has it."""
    return cluster.store.get(plural, namespace, name)


def pods(cluster: Kubernetes, app: str = "shop") -> list[dict[str, Any]]:
    """Pods of an application."""
    return [each for each in cluster.store.all("pods") if each["metadata"]["labels"].get("app") == app]
