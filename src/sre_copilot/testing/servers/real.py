"""Real servers on free ports of the loopback address, each with its data in a folder that the caller gives.

with prometheus_server(folder) as prometheus:
    remote_write(prometheus.url, [({"__name__": "up", "job": "shop"}, [(1_700_000_000, 1.0)])])

A server is awaited by asking it, and ended by its process id. `missing("prometheus")` says why one cannot be started here.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

READY_S = 20.0  # pessimistic: each of them is there in well under a second on an idle machine
STOP_S = 10.0
MOST_SAID = 300  # characters of a reason

PROMETHEUS_CONFIG = """\
global:
  scrape_interval: 15s
storage:
  tsdb:
    out_of_order_time_window: 30d
"""
"""Scrapes nothing, and takes samples that are up to 30 days old."""


class CannotRunHereError(RuntimeError):
    """A server is installed, and this machine does not let it run; it says why."""


def one_line(said: str) -> str:
    """The end of what a program said, where it says why, fit for a reason."""
    return " ".join(said.split())[-MOST_SAID:]


@dataclass(frozen=True, slots=True)
class RealServer:
    """A running server: where it listens, its process id, its folder and its version."""

    url: str
    pid: int
    folder: Path

    @property
    def log(self) -> str:
        """What it has said so far."""
        return (self.folder / "log.txt").read_text(encoding="utf-8", errors="replace")


def missing(*programs: str) -> str:
    """Why a server cannot be started here: the programs that are not installed; '' when all are."""
    absent = [program for program in programs if shutil.which(program) is None]
    return f"not installed here: {', '.join(absent)}" if absent else ""


@contextmanager
def prometheus_server(
    folder: Path, *, config: str = PROMETHEUS_CONFIG, arguments: Sequence[str] = (), port: int = 0
) -> Iterator[RealServer]:
    """Run Prometheus while the context is open; blocks that lie in `folder / "data"` are served."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prometheus.yml").write_text(config, encoding="utf-8")
    port = port or free_port()
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=60d",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--web.enable-lifecycle",
        "--web.enable-admin-api",
        *arguments,
    ]
    with _running(command, folder, f"http://127.0.0.1:{port}", ready="/-/ready") as server:
        yield server


@contextmanager
def victoria_metrics_server(
    folder: Path, *, arguments: Sequence[str] = (), port: int = 0
) -> Iterator[RealServer]:
    """Run VictoriaMetrics while the context is open."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    command = [
        "victoria-metrics",
        f"-storageDataPath={folder / 'data'}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-retentionPeriod=12",
        "-memory.allowedPercent=5",
        *arguments,
    ]
    with _running(command, folder, f"http://127.0.0.1:{port}", ready="/health") as server:
        yield server


@contextmanager
def alertmanager_server(folder: Path, *, config: str, port: int = 0) -> Iterator[RealServer]:
    """Run Alertmanager, alone, while the context is open; a changed `folder / "alertmanager.yml"` counts after POST `/-/reload`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "alertmanager.yml").write_text(config, encoding="utf-8")
    port = port or free_port()
    command = [
        "prometheus-alertmanager",
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with _running(command, folder, f"http://127.0.0.1:{port}", ready="/-/ready") as server:
        yield server


def backfill(text: Path, data: Path, *, longest_block: str = "168h") -> None:
    """Turn OpenMetrics text (ended by `# EOF`) into blocks of Prometheus in `data`, before it starts."""
    done = subprocess.run(  # noqa: S603 - fixed program, paths of the caller
        [
            *("promtool", "tsdb", "create-blocks-from", f"--max-block-duration={longest_block}"),
            *("openmetrics", str(text), str(data), "-q"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"promtool could not read {text}: {done.stderr.strip()}")


def free_port() -> int:
    """A port of the loopback address on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(command: Sequence[str], folder: Path, url: str, *, ready: str) -> Iterator[RealServer]:
    if reason := missing(command[0]):
        raise FileNotFoundError(reason)
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603
        try:
            server = RealServer(url, process.pid, folder)
            _wait(server, process, url + ready)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(server: RealServer, process: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=1.0, trust_env=False).is_success:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{url} did not answer; its log ends: {server.log[-500:]}")
