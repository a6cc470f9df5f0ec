"""Runs `sre-copilot` as a person does: as a process of its own, ended by a signal.

write_config(folder, prometheus={"url": "http://127.0.0.1:9090"})
with serving(folder) as server:
    server.until(lambda: server.get("/status")["ticks"])
    code, seconds = server.end()
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

START_S = 60.0  # numba may compile at a first start
LISTENS = re.compile(r"SRE Copilot listens on (\S+)")


@dataclass
class Serving:
    """A running `serve`: where it listens, its process, its configuration's folder, and what it has said."""

    process: subprocess.Popen[str]
    folder: Path
    url: str = ""
    said: list[str] = field(default_factory=list)
    verify: Any = True

    @property
    def token(self) -> str:
        """The token of the first start."""
        return (self.folder / "data/token").read_text(encoding="utf-8").strip()

    def get(self, path: str, **params: Any) -> Any:
        """The answer to a request with the first token, which must succeed."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.get(
            self.url + path, headers=headers, params=params, verify=self.verify, trust_env=False, timeout=10
        )
        answer.raise_for_status()
        return answer.json()

    def until(self, what: Callable[[], Any], *, seconds: float = 60.0) -> Any:
        """Wait until something is true; tell what was said when it never is."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            if found := what():
                return found
            time.sleep(0.1)
        raise AssertionError("it never came to be: " + "".join(self.said[-30:]))

    def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; return the exit code and the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(20), time.monotonic() - began


def write_config(folder: Path, **keys: Any) -> Path:
    """Write a configuration whose state lies beside it."""
    path = folder / "config.yaml"
    document = {"store": {"folder": str(folder / "data")}, **keys}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def run(*arguments: str, folder: Path, seconds: float = 120.0) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(  # noqa: S603 - our own program, arguments of the test
        [sys.executable, "-m", "sre_copilot", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        check=False,
    )


@contextmanager
def serving(folder: Path, *arguments: str, verify: Any = True) -> Iterator[Serving]:
    """Run `serve --port 0` with the configuration in a folder while the context is open."""
    command = [sys.executable, "-m", "sre_copilot", "serve", "--config", str(folder / "config.yaml")]
    process = subprocess.Popen(  # noqa: S603
        [*command, *(arguments or ("--port", "0"))], cwd=folder, stderr=subprocess.PIPE, text=True
    )
    found = Serving(process, folder, verify=verify)
    reader = threading.Thread(target=lambda: found.said.extend(process.stderr or ()), daemon=True)
    reader.start()
    try:
        found.url = found.until(lambda: _address(found.said), seconds=START_S)
        yield found
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        reader.join(5)


def _address(said: list[str]) -> str:
    return next((match[1] for line in list(said) if (match := LISTENS.search(line))), "")
