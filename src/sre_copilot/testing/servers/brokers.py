"""Real brokers on free ports of the loopback address, which a test may kill and start again with what they have on disk.

with broker_process("nats", folder) as broker:
    bus = open_bus(BusSettings(transport="nats", url=broker.url))
    broker.kill()
    broker.start()

`kafka` is a server that speaks Kafka's protocol (`noida-db`), not Apache Kafka.
"""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sre_copilot.testing.servers.real import free_port

READY_S = 20.0
PROGRAMS = {"kafka": "noida-db", "nats": "nats-server", "redis": "redis-server"}


@dataclass
class BrokerProcess:
    """A broker: its kind, where it listens, and where its data lie."""

    kind: str
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Its address, as `bus.url` takes it."""
        scheme = "" if self.kind == "kafka" else f"{self.kind}://"
        return f"{scheme}127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(self._command(), stdout=log, stderr=log)  # noqa: S603
        until = time.monotonic() + READY_S
        while time.monotonic() < until and self.process.poll() is None:
            with socket.socket() as probe:
                probe.settimeout(1.0)
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError(f"{self.kind} did not start: {(self.folder / 'log.txt').read_text()[-500:]}")

    def kill(self) -> None:
        """End it as a power cut does."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _command(self) -> Sequence[str]:
        folder, port = str(self.folder), str(self.port)
        if self.kind == "nats":
            return ["nats-server", "-a", "127.0.0.1", "-p", port, "-js", "-sd", folder]
        if self.kind == "redis":
            keep = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
            return ["redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", folder, *keep]
        found = importlib.util.find_spec("noida_db")
        program = str(Path(str(found.origin)).parent / "noida-db") if found else "noida-db"
        return [program, "start", "--data-dir", folder, "--only", "kafka", "--kafka-port", port]


def missing_broker(kind: str) -> str:
    """Why a broker cannot be started here; '' when it can."""
    there = importlib.util.find_spec("noida_db") if kind == "kafka" else shutil.which(PROGRAMS[kind])
    return "" if there else f"not installed here: {PROGRAMS[kind]}"


@contextmanager
def broker_process(kind: str, folder: Path) -> Iterator[BrokerProcess]:
    """Run a broker while the context is open."""
    folder.mkdir(parents=True, exist_ok=True)
    broker = BrokerProcess(kind, free_port(), folder)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
