"""An invented cluster as `kubectl` would print it: four workloads, each with a service, on two of three nodes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import polars as pl

from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Alert, Telemetry

NAMESPACE = "harbour"


@dataclass(frozen=True)
class App:
    """A workload, its only pod and its service; every field is one line that a test may bend."""

    name: str
    node: str = "iron"
    port: int = 8000
    service_port: str = "8000/TCP"
    target: str = "8000/TCP"
    endpoint: str | None = None
    selector: str | None = None
    environment: tuple[str, ...] = ()
    liveness: str = "http-get http://:8000/health delay=5s timeout=1s period=10s #success=1 #failure=3"
    readiness: str = "http-get http://:8000/health delay=5s timeout=1s period=10s #success=1 #failure=3"
    replicas: str = "1 desired | 1 updated | 1 total | 1 available | 0 unavailable"
    status: str = "Running"
    state: str = "Running"
    reason: str = ""
    last_reason: str = ""
    ready: bool = True
    restarts: int = 0
    selectors: str = "<none>"
    sidecar_port: int = 0
    volumes: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    replica_set_events: tuple[str, ...] = ()
    pod: bool = True
    service: bool = True

    def documents(self, index: int) -> dict[str, str]:
        """The recorded outputs about it."""
        found = {
            self._key("deployments", self.name): self._deployment(),
            self._key("replicasets", self._set): self._replica_set(),
        }
        if self.pod:
            found[self._key("pods", f"{self._set}-x1")] = self._pod(index)
        if self.service:
            found[self._key("services", self.name)] = self._service(index)
        return found

    @property
    def _set(self) -> str:
        return f"{self.name}-7c9"

    @staticmethod
    def _key(kind: str, name: str) -> str:
        return f"kubectl describe {kind} {name} -n {NAMESPACE}"

    def _container(self, pad: str, *, running: bool) -> list[str]:
        lines = ["main:", "  Image:  registry.test/shop/" + self.name + ":1", f"  Port:  {self.port}/TCP"]
        if running:
            lines += [f"  State:  {self.state}", *([f"    Reason:  {self.reason}"] if self.reason else [])]
            lines += (
                ["  Last State:  Terminated", f"    Reason:  {self.last_reason}"] if self.last_reason else []
            )
            lines += [f"  Ready:  {self.ready}", f"  Restart Count:  {self.restarts}"]
        lines += ["  Limits:", "    memory:  64Mi", "  Requests:", "    cpu:  100m"]
        lines += [f"  Liveness:  {self.liveness}", f"  Readiness:  {self.readiness}"]
        lines += ["  Environment:", *("    " + line for line in self.environment)]
        if self.sidecar_port:
            lines += [
                "side:",
                f"  Port:  {self.sidecar_port}/TCP",
                "  State:  Running",
                "  Ready:  True",
                "  Restart Count:  0",
            ]
        return [pad + line for line in lines]

    def _deployment(self) -> str:
        head = [
            f"Name:  {self.name}",
            f"Selector:  app={self.name}",
            f"Replicas:  {self.replicas}",
            "Pod Template:",
        ]
        template = [f"  Labels:  app={self.name}", f"  Service Account:  {self.name}", "  Containers:"]
        return "\n".join([*head, *template, *self._container("   ", running=False), "Events:  <none>"])

    def _replica_set(self) -> str:
        current = "0 current / 1 desired" if self.replica_set_events else "1 current / 1 desired"
        head = [f"Name:  {self._set}", f"Controlled By:  Deployment/{self.name}", f"Replicas:  {current}"]
        return "\n".join([*head, *_events(self.replica_set_events)])

    def _pod(self, index: int) -> str:
        lines = [
            f"Name:  {self._set}-x1", f"Node:  {self.node + '/10.1.0.1' if self.node else '<none>'}", f"Labels:  app={self.name}",
            f"Status:  {self.status}", f"IP:  10.2.0.{index}", f"Controlled By:  ReplicaSet/{self._set}", "Containers:",
            *self._container("  ", running=True), "Volumes:", *self.volumes, f"Node-Selectors:  {self.selectors}",
            "Tolerations:  node.kubernetes.io/not-ready:NoExecute op=Exists for 300s", *_events(self.events),
        ]  # fmt: skip
        return "\n".join(lines)

    def _service(self, index: int) -> str:
        endpoint = (
            self.endpoint if self.endpoint is not None else f"10.2.0.{index}:{self.target.split('/')[0]}"
        )
        return "\n".join([
            f"Name:  {self.name}", f"Selector:  {self.selector or 'app=' + self.name}", "Type:  ClusterIP", f"IP:  10.3.0.{index}",
            f"Port:  main  {self.service_port}", f"TargetPort:  {self.target}", f"Endpoints:  {endpoint}",
        ])  # fmt: skip


def _events(lines: tuple[str, ...]) -> list[str]:
    head = [
        "Events:",
        "  Type     Reason   Age   From     Message",
        "  ----     ------   ----  ----     -------",
    ]
    return [*head, *("  " + line for line in lines)]


@dataclass(frozen=True)
class Worker:
    """A node."""

    name: str
    labels: str = "disk=ssd"
    taints: str = "<none>"
    closed: bool = False
    ready: str = "Ready   True   then   then   KubeletReady   kubelet is posting ready status"
    runtime: str = "containerd://1.7"

    def document(self) -> dict[str, str]:
        """Its description."""
        lines = [
            f"Name:  {self.name}", "Roles:  worker", f"Labels:  {self.labels}", f"Taints:  {self.taints}",
            f"Unschedulable:  {str(self.closed).lower()}", "Conditions:", "  Type   Status  Reason", f"  {self.ready}",
            "System Info:", f"  Container Runtime Version:  {self.runtime}",
        ]  # fmt: skip
        return {f"kubectl describe nodes {self.name}": "\n".join(lines)}


@dataclass(frozen=True)
class City:
    """The cluster, its logs and alerts."""

    apps: tuple[App, ...] = (
        App("lamp", "iron", environment=("BOOK_ADDR:  book:8000", "CORN_ADDR:  corn:8000")),
        App("book", "iron", environment=("CORN_ADDR:  corn:8000",)),
        App("corn", "gold", environment=("DB_HOST:  deep", "DB_PORT:  3306")),
        App(
            "deep",
            "gold",
            3306,
            "3306/TCP",
            "3306/TCP",
            liveness="tcp-socket :3306 delay=5s",
            readiness="tcp-socket :3306 delay=5s",
        ),
    )
    nodes: tuple[Worker, ...] = (
        Worker("iron"),
        Worker("gold"),
        Worker("rock", "node-role.kubernetes.io/control-plane=yes"),
    )
    extra: tuple[tuple[str, str], ...] = ()
    logs: tuple[tuple[str, str], ...] = ()
    alerts: tuple[Alert, ...] = field(default=())

    def bend(self, name: str, **changes: object) -> City:
        """The same city with one app changed."""
        apps = tuple(replace(each, **changes) if each.name == name else each for each in self.apps)  # type: ignore[arg-type]
        return replace(self, apps=apps)

    def observe(self) -> Observation:
        """As recorded."""
        state: dict[str, str] = dict(self.extra)
        for index, each in enumerate(self.apps, start=1):
            state |= each.documents(index)
        for node in self.nodes:
            state |= node.document()
        table = (
            pl.DataFrame(list(self.logs), schema=["service", "message"], orient="row") if self.logs else None
        )
        return Observation(
            incident=Incident(id="x", namespace=NAMESPACE),
            current=Telemetry(state=state, logs=table, alerts=self.alerts),
        )
