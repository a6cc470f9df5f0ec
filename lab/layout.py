"""What the shop consists of: its services, who calls whom, and the configuration that its processes share."""

from __future__ import annotations

import json
import os
import socket
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

SYSTEM = "lab-shop"
TARGETS = "pods.json"  # in the folder of a run: what Prometheus scrapes where services are pods
ENTRY = "gateway"
CONFIG_VARIABLE = "LAB_CONFIG"
HOST_VARIABLE = "LAB_HOST"  # the address that a pod listens on; processes under supervisor share 127.0.0.1
INSTANCE_VARIABLE = "LAB_INSTANCE"  # the name of a pod

CALLS: dict[str, tuple[str, ...]] = {
    "gateway": ("catalogue", "cart", "checkout"),
    "catalogue": ("inventory", "postgres"),
    "cart": ("redis",),
    "checkout": ("cart", "inventory", "payment", "shipping", "notification"),
    "payment": ("postgres",),
    "inventory": ("postgres",),
    "shipping": (),
    "notification": ("redis",),
}
SERVICES = tuple(CALLS)
STORES = ("postgres", "redis")
SECURE = "payment"  # the one service that speaks TLS
RELEASES = {name: f"2.{index + 3}.1" for index, name in enumerate(SERVICES)}


@dataclass(frozen=True, slots=True)
class Configuration:
    """Addresses and folders that every process of one running shop shares; rests as JSON in the run's folder."""

    folder: str
    ports: dict[str, int]
    links: dict[str, int]
    metrics_ports: dict[str, int]
    database: str
    redis_port: int
    spans_url: str

    @classmethod
    def from_environment(cls) -> Configuration:
        """Read the file that the environment names."""
        return cls(**json.loads(Path(os.environ[CONFIG_VARIABLE]).read_text(encoding="utf-8")))

    def write(self) -> Path:
        """Store it in the run's folder and return the path."""
        path = Path(self.folder) / "shop.json"
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        return path

    def address(self, service: str) -> str:
        """The address of a service as its callers see it: its end of the TCP link."""
        scheme = "https" if service == SECURE else "http"
        return f"{scheme}://127.0.0.1:{self.links[service]}"


def edges() -> list[list[str]]:
    """Who calls whom, as `topology.json` holds it."""
    return [[caller, callee] for caller, callees in CALLS.items() for callee in callees]


def instance(service: str) -> str:
    """The name of the only instance of a service."""
    return f"{service}-1"


def own_instance(service: str) -> str:
    """What this process is called: its pod's name, else that of the only instance."""
    return os.environ.get(INSTANCE_VARIABLE) or instance(service)


def own_host() -> str:
    """The address that this process listens on."""
    return os.environ.get(HOST_VARIABLE, "127.0.0.1")


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on; all are held at once so that none repeats."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
