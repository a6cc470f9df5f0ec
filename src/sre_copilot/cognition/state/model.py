"""What a Kubernetes cluster consists of, as far as its recorded description says."""

from __future__ import annotations

from dataclasses import dataclass, field

from sre_copilot.cognition.state.text import Event

Evidence = tuple[str, str]  # the command whose output holds it, and the line


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe as it is configured; `handler` is `http-get`, `grpc`, `tcp-socket` or `exec`, `port` a number or a name."""

    handler: str
    port: str
    delay_s: float
    timeout_s: float
    period_s: float
    failures: int
    line: str


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a pod or of a pod template; `waiting` and `ended` are the reasons of its state and its last state."""

    name: str
    image: str = ""
    ports: tuple[tuple[int, str], ...] = ()
    waiting: str = ""
    ended: str = ""
    ready: bool = True
    restarts: int = 0
    limits: dict[str, str] = field(default_factory=dict)
    requests: dict[str, str] = field(default_factory=dict)
    probes: dict[str, Probe] = field(default_factory=dict)
    environment: tuple[tuple[str, str, str], ...] = ()
    sources: tuple[
        tuple[str, str, str], ...
    ] = ()  # kind, name and line of what the whole environment is taken from
    lines: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod as described, and the workload that owns it."""

    name: str
    workload: str
    key: str
    phase: str
    node: str
    ip: str
    labels: dict[str, str]
    selectors: dict[str, str]
    tolerations: tuple[str, ...]
    containers: tuple[Container, ...]
    claims: tuple[Evidence, ...]
    mounts: bool
    events: tuple[Event, ...]
    lines: dict[str, str]

    @property
    def ready(self) -> bool:
        """All its containers are ready; one that is pending may not have come to say so."""
        return (
            self.phase != "Pending"
            and bool(self.containers)
            and all(container.ready for container in self.containers)
        )

    @property
    def restarts(self) -> int:
        """Restarts of its containers."""
        return sum(container.restarts for container in self.containers)


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment or StatefulSet: what it wants, what it has, and the template of its pods."""

    name: str
    kind: str
    key: str
    desired: int
    current: int
    available: int
    labels: dict[str, str]
    service_account: str
    containers: tuple[Container, ...]
    events: tuple[Event, ...]
    lines: dict[str, str]


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of a service and where it leads."""

    port: int
    protocol: str
    target: str
    target_protocol: str
    endpoints: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """A service; `addresses` are its own."""

    name: str
    key: str
    kind: str
    selector: dict[str, str]
    addresses: tuple[str, ...]
    ports: tuple[ServicePort, ...]
    lines: dict[str, str]


@dataclass(frozen=True, slots=True)
class Claim:
    """A volume claim; what it asks for is known only where a manifest was recorded."""

    name: str
    key: str
    status: str
    storage_class: str
    volume: str
    used_by: tuple[str, ...]
    capacity: str
    access_modes: tuple[str, ...]
    selector: dict[str, str]
    events: tuple[Event, ...]
    lines: dict[str, str]


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume."""

    name: str
    key: str
    status: str
    storage_class: str
    claim: str
    capacity: str
    access_modes: tuple[str, ...]
    labels: dict[str, str]
    lines: dict[str, str]


@dataclass(frozen=True, slots=True)
class Node:
    """A node; `ready` is `True`, `False` or `Unknown` as its kubelet or the node controller says."""

    name: str
    key: str
    roles: str
    labels: dict[str, str]
    taints: tuple[str, ...]
    unschedulable: bool
    ready: str
    ready_line: str
    runtime: str
    allocatable: dict[str, str]
    events: tuple[Event, ...]
    lines: dict[str, str]


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """One resource of a quota: used and allowed."""

    quota: str
    resource: str
    used: str
    hard: str
    key: str
    line: str
