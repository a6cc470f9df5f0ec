"""Alertmanager beside ours: it keeps alerts in memory alone, and is what most people have."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from sre_copilot.testing.servers.real import free_port, missing

PROGRAM = "prometheus-alertmanager"
CONFIG = "route: {receiver: none, group_by: [alertname, service]}\nreceivers: [{name: none}]\n"
START_S = 20.0


@contextmanager
def alertmanager() -> Iterator[str | None]:
    """The address of a running one; None, with the reason said, where it is not installed."""
    if problem := missing(PROGRAM):
        print(f"no peer: {problem}")
        yield None
        return
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
        command = [
            PROGRAM,
            f"--config.file={folder / 'config.yaml'}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield _ready(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(START_S)


def _ready(url: str) -> str:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        try:
            if httpx.get(f"{url}/-/ready", trust_env=False).status_code == httpx.codes.OK:
                return url
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError("Alertmanager did not start")
