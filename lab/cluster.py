"""The shop on Kubernetes: its services as Deployments of a contract server, whose node runs the pods as processes.

Stores and links are as under supervisor. A service has an address of its own, 127.0.0.1 and its port, behind which its ready pods take turns;
a release is what its Deployment's template says, so that rolling out, crash loops and rolling back are what they are elsewhere.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from lab import control, stack
from lab.layout import (
    CONFIG_VARIABLE,
    HOST_VARIABLE,
    INSTANCE_VARIABLE,
    RELEASES,
    SERVICES,
    TARGETS,
    Configuration,
)
from sre_copilot.testing.servers.kubernetes import Kubernetes, kubernetes, node, waits

SPACE = "default"
READY_S = 90.0
TELL_S = 0.5  # how old the list of what is scraped may be: less than a scrape
STRATEGIC = "application/strategic-merge-patch+json"
_DEPLOYMENTS = f"/apis/apps/v1/namespaces/{SPACE}/deployments"
_PODS = f"/api/v1/namespaces/{SPACE}/pods"


@dataclass(frozen=True, slots=True)
class ClusterShop(stack.Shop):
    """A shop whose services are pods; signals go to all pods of a service, releases to its Deployment."""

    url: str = ""
    """Address of the API server."""

    def pid(self, process: str) -> int:
        """A process of a service, or of what supervisor runs; 0 when none is running."""
        return next(iter(self.pids(process)), 0)

    def pids(self, process: str) -> list[int]:
        """All processes of a service."""
        if process not in SERVICES:
            found = stack.Shop.pid(self, process)
            return [found] if found else []
        answer = _client(self.url).get(_PODS, params={"labelSelector": f"app={process}"}).raise_for_status()
        statuses = [
            one for each in answer.json()["items"] for one in each["status"].get("containerStatuses") or ()
        ]
        return [
            int(one["containerID"].removeprefix("process://")) for one in statuses if "containerID" in one
        ]

    def signal(self, process: str, number: signal.Signals) -> None:
        """Send a signal to every process of a service that is running."""
        for pid in self.pids(process):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def release(self, service: str, release: control.Release) -> None:
        """Roll out another release of a service."""
        self.releases[service] = release
        container = {"name": service, "image": f"{service}:{release.version}", "env": _release(release)}
        body = {"spec": {"template": {"spec": {"containers": [container]}}}}
        answer = _client(self.url).patch(f"{_DEPLOYMENTS}/{service}", content=json.dumps(body), headers={"content-type": STRATEGIC})  # fmt: skip
        answer.raise_for_status()

    def afflict(self, service: str, *defects: str) -> None:
        """Let defects befall the pods that run; none: heal them, and the release too, where it is not rolled back yet."""
        released = _released(self.url)[service]
        if not defects and released.defects:
            self.release(service, control.Release(released.version))
        control.write_release(self.folder, service, control.Release(self.releases[service].version, defects))
        self.signal(service, signal.SIGHUP)


def attached(folder: Path, url: str) -> ClusterShop:
    """The handles of a shop that another process runs and ends."""
    found = stack.attached(folder)
    return ClusterShop(
        found.configuration, found.collector, found.supervisor, _released(url), found.lock, url
    )


@contextmanager
def running(say: Callable[[str], None] = lambda _: None, *, replicas: int = 1) -> Iterator[ClusterShop]:
    """Start the whole shop, yield it when all of its pods are ready, and end all of it whatever happens."""
    with stack.running(say, services=()) as below, kubernetes(kubelet=waits) as cluster:
        variables = {
            CONFIG_VARIABLE: str(below.folder / "shop.json"),
            "MALLOC_ARENA_MAX": "1",
            "PYTHONPATH": str(stack.ROOT),
        }
        with node(cluster, below.folder, variables=variables, log_name=_log_name):
            say("starting the services as pods")
            for service in SERVICES:
                cluster.apply(*_objects(service, below.configuration, replicas))
            with _telling(cluster, below.folder / TARGETS):
                _await(cluster, below.folder)
                yield ClusterShop(
                    below.configuration,
                    below.collector,
                    below.supervisor,
                    below.releases,
                    below.lock,
                    cluster.url,
                )


@contextmanager
def _telling(cluster: Kubernetes, path: Path) -> Iterator[None]:
    """Keep a file of the pods that run, for Prometheus."""
    ended = threading.Event()

    def tell() -> None:
        while not ended.wait(TELL_S):
            with cluster.store.changed:
                pods = cluster.store.all("pods", SPACE)
            control.write(path, [_scraped(each) for each in pods if (each.get("status") or {}).get("podIP")])

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(5)


def _scraped(pod: dict[str, Any]) -> dict[str, Any]:
    ports = {each["name"]: each["containerPort"] for each in pod["spec"]["containers"][0]["ports"]}
    service = pod["metadata"]["labels"]["app"]
    labels = {"job": service, "service": service, "instance": pod["metadata"]["name"]}
    return {"targets": [f"{pod['status']['podIP']}:{ports['metrics']}"], "labels": labels}


def _objects(service: str, configuration: Configuration, replicas: int) -> Iterator[dict[str, Any]]:
    """The Deployment and the Service of a service."""
    ports = {"app": configuration.ports[service], "metrics": configuration.metrics_ports[service]}
    labels, meta = {"app": service}, {"name": service, "namespace": SPACE}
    own = [_field(HOST_VARIABLE, "status.podIP"), _field(INSTANCE_VARIABLE, "metadata.name")]
    container = {
        "name": service,
        "image": f"{service}:{RELEASES[service]}",
        "command": [sys.executable, "-m", "lab.shop", service],
        "env": [*own, *_release(control.Release(RELEASES[service]))],
        "ports": [{"name": name, "containerPort": port} for name, port in ports.items()],
        "readinessProbe": {"httpGet": {"path": "/metrics", "port": "metrics"}, "periodSeconds": 1, "timeoutSeconds": 1},
    }  # fmt: skip
    pod = {"containers": [container], "terminationGracePeriodSeconds": 2}  # as under supervisor
    # no pod more than wanted and one less while a release is rolled out: a bad one shows, as it does where there is no room for two
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "strategy": rolling,
            "template": {"metadata": {"labels": labels}, "spec": pod}}  # fmt: skip
    yield {"kind": "Deployment", "metadata": {**meta, "labels": labels}, "spec": spec}
    open_port = {"name": "app", "port": ports["app"], "targetPort": "app"}
    yield {
        "kind": "Service",
        "metadata": meta,
        "spec": {"clusterIP": "127.0.0.1", "selector": labels, "ports": [open_port]},
    }


def _field(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _release(release: control.Release) -> list[dict[str, str]]:
    values = {control.VERSION_VARIABLE: release.version, control.DEFECTS_VARIABLE: ",".join(release.defects)}
    return [{"name": name, "value": value} for name, value in values.items()]


def _released(url: str) -> dict[str, control.Release]:
    """What the Deployments say that is run now; a rollback changes it too."""
    found = {}
    for each in _client(url).get(_DEPLOYMENTS).raise_for_status().json()["items"]:
        values = {
            one["name"]: one.get("value", "")
            for one in each["spec"]["template"]["spec"]["containers"][0]["env"]
        }
        defects = tuple(filter(None, values[control.DEFECTS_VARIABLE].split(",")))
        found[each["metadata"]["name"]] = control.Release(values[control.VERSION_VARIABLE], defects)
    return found


def _log_name(pod: dict[str, Any], container: str) -> str:
    """One file a service, where the logs of the shop lie."""
    return f"{container}.log"


def _client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, trust_env=False, timeout=10)


def _await(cluster: Kubernetes, folder: Path) -> None:
    """Wait until every service has a ready pod."""
    deadline = time.monotonic() + READY_S
    while missing := _not_ready(cluster):
        if time.monotonic() > deadline:
            log = folder / f"{missing[0]}.log"
            said = log.read_text(encoding="utf-8")[-800:] if log.exists() else "nothing"
            raise RuntimeError(f"{missing[0]} did not start: {said}")
        time.sleep(0.3)


def _not_ready(cluster: Kubernetes) -> list[str]:
    with cluster.store.changed:
        found = cluster.store.all("deployments")
    return [each["metadata"]["name"] for each in found
            if (each.get("status") or {}).get("readyReplicas", 0) < each["spec"]["replicas"]]  # fmt: skip
