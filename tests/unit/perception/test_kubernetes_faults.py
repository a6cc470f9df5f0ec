"""What the source reads of a cluster with a fault is enough for the investigation to name it."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from sre_copilot.app import investigate
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Window
from sre_copilot.incidents.investigation import Investigation
from sre_copilot.perception.cluster.access import KubernetesSettings
from sre_copilot.perception.kubernetes import KubernetesSource
from sre_copilot.testing.servers.kubernetes import Kubernetes, kubernetes, record, runs_at_once

NAMES = ("web", "cart", "stock")


def kubelet(pod: dict[str, Any], address: str, moment: str) -> dict[str, Any] | None:
    """Runs pods, but for images that do not exist and for one that needs more memory than it may have."""
    status = runs_at_once(pod, address, moment)
    assert status
    image, container = pod["spec"]["containers"][0]["image"], status["containerStatuses"][0]
    if "absent" in image:
        waiting = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}
        container |= {"ready": False, "state": {"waiting": waiting}}
        status |= {"phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}]}
    if "greedy" in image:
        ended = {
            "terminated": {"reason": "OOMKilled", "exitCode": 137, "startedAt": moment, "finishedAt": moment}
        }
        waiting = {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}
        container |= {"ready": False, "restartCount": 4, "state": {"waiting": waiting}, "lastState": ended}
        status |= {"conditions": [{"type": "Ready", "status": "False"}]}
    return status


def deployment(name: str, image: str) -> dict[str, Any]:
    labels = {"app": name}
    container = {
        "name": "server",
        "image": image,
        "ports": [{"containerPort": 8080}],
        "resources": {"limits": {"memory": "64Mi"}, "requests": {"memory": "64Mi", "cpu": "100m"}},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {"kind": "Deployment", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def service(name: str) -> dict[str, Any]:
    spec = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]}
    return {"kind": "Service", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


@contextmanager
def shop() -> Iterator[Kubernetes]:
    with kubernetes(kubelet=kubelet) as cluster:
        cluster.apply(*(deployment(name, f"registry/{name}:1") for name in NAMES), *map(service, NAMES))
        yield cluster


def patch(cluster: Kubernetes, path: str, body: Any) -> None:
    kind = {"content-type": "application/strategic-merge-patch+json"}
    httpx.patch(cluster.url + path, json=body, headers=kind).raise_for_status()


def new_image(cluster: Kubernetes, name: str, image: str) -> None:
    spec = {"containers": [{"name": "server", "image": image}]}
    patch(
        cluster,
        f"/apis/apps/v1/namespaces/default/deployments/{name}",
        {"spec": {"template": {"spec": spec}}},
    )


def wrong_image(cluster: Kubernetes) -> None:
    new_image(cluster, "cart", "registry/cart:absent")
    with cluster.store.request():
        for pod in cluster.store.all("pods", "default"):
            if "absent" in pod["spec"]["containers"][0]["image"]:
                said = 'Failed to pull image "registry/cart:absent": registry/cart:absent: not found'
                record(cluster.store, pod, "Failed", said, kind="Warning", by="kubelet")


def out_of_memory(cluster: Kubernetes) -> None:
    new_image(cluster, "stock", "registry/stock:greedy")


def wrong_selector(cluster: Kubernetes) -> None:
    patch(cluster, "/api/v1/namespaces/default/services/web", {"spec": {"selector": {"app": "wbe"}}})


def node_not_ready(cluster: Kubernetes) -> None:
    with cluster.store.request():
        node = copy.deepcopy(cluster.store.get("nodes", "", "node-1"))
        said = {"reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
        node["status"]["conditions"] = [{"type": "Ready", "status": "Unknown", **said}]
        cluster.store.replace(node, part="status")


def quota_exceeded(cluster: Kubernetes) -> None:
    hard = {"hard": {"requests.memory": "192Mi"}}
    cluster.apply(
        {"kind": "ResourceQuota", "metadata": {"name": "small", "namespace": "default"}, "spec": hard}
    )
    patch(cluster, "/apis/apps/v1/namespaces/default/deployments/cart/scale", {"spec": {"replicas": 2}})


def investigated(cluster: Kubernetes) -> Investigation:
    source = KubernetesSource(KubernetesSettings(url=cluster.url, watch=False, requests_per_second=1000))
    reading = source.read(Window(0, 4e9))
    source.close()
    incident = Incident(id="one", namespace="default")
    return investigate(Observation(incident=incident, current=reading.telemetry, gaps=reading.gaps))


@pytest.mark.parametrize(
    ("fault", "entity", "kind"),
    [
        (wrong_image, "app/cart", "startup/image-reference"),
        (out_of_memory, "app/stock", "resource/out-of-memory"),
        (wrong_selector, "app/web", "routing/selector"),
        (node_not_ready, "node/node-1", "node/kubelet"),
        (quota_exceeded, "namespace/default", "admission/quota-memory"),
    ],
)
def test_a_fault_of_the_cluster_is_named(fault: Any, entity: str, kind: str) -> None:
    with shop() as cluster:
        fault(cluster)
        diagnosis = investigated(cluster).diagnosis
    assert diagnosis.suspects
    assert (diagnosis.suspects[0].entity, diagnosis.suspects[0].fault_type) == (entity, kind)
    assert not diagnosis.refuted


def test_a_sound_cluster_is_not_accused() -> None:
    with shop() as cluster:
        diagnosis = investigated(cluster).diagnosis
    assert diagnosis.culprit is None
    assert [each for each in diagnosis.findings if each.modality == "state"] == []
