"""A stand-in for the Kubernetes API server, for tests and demonstrations.

with kubernetes() as cluster:
    httpx.post(cluster.url + "/apis/apps/v1/namespaces/default/deployments", json=deployment)
    httpx.get(cluster.url + "/api/v1/pods?watch=true&resourceVersion=100")

It serves the kinds of `resources.py` with discovery, label and field selectors, paging, watches from a version with bookmarks and 410,
optimistic locking (409), the three kinds of patch, dry runs, finalizers and owner references, and the subresources
status, scale, eviction and log. Deployments become replica sets and pods, stateful sets pods and controller revisions; services get
endpoints; quotas are enforced. Definitions of custom kinds are obeyed, their schemas are not. With `node` pods are real processes.
It does not know server-side apply, admission webhooks, defaulting beyond what clients rely on, or validation of specifications,
and its OpenAPI description has no schemas of objects.
"""

from sre_copilot.testing.servers.kubernetes.controller import Kubelet, runs_at_once
from sre_copilot.testing.servers.kubernetes.nodes import Node, node, waits
from sre_copilot.testing.servers.kubernetes.record import record
from sre_copilot.testing.servers.kubernetes.server import Kubernetes, kubernetes

__all__ = ["Kubelet", "Kubernetes", "Node", "kubernetes", "node", "record", "runs_at_once", "waits"]
