"""A real Podman that serves the Docker API on a unix socket, with an image of one program: `sleep`.

with podman(folder) as running:
    running.run("web")
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sre_copilot.testing.servers.real import CannotRunHereError, one_line

READY_S = 20.0
IMAGE = "localhost/sleeper:1"
PROGRAMS = ("/bin/sleep", "/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6")


@dataclass(frozen=True, slots=True)
class Podman:
    """Where it listens, and how it is asked past everybody."""

    socket: Path
    command: tuple[str, ...]

    def ask(self, *words: str) -> str:
        """Run podman itself."""
        done = subprocess.run([*self.command, *words], capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise RuntimeError(f"podman {words[0]}: {done.stderr.strip()}")
        return done.stdout.strip()

    def run(self, name: str) -> None:
        """Make a container that does nothing, and start it."""
        limits = ("--ulimit", "nofile=1024:2048", "--ulimit", "nproc=2000:2000")
        self.ask(
            "run",
            "-d",
            "--init=false",
            "--network=host",
            *limits,
            "--name",
            name,
            IMAGE,
            "/bin/sleep",
            "1000",
        )

    def shown(self, name: str, what: str) -> Any:
        """A part of the description of a container, as a Go template."""
        return self.ask("inspect", "--format", what, name)


@contextmanager
def podman(folder: Path) -> Iterator[Podman]:
    """Run it while the context is open; its containers are removed at the end.

    Raises `CannotRunHereError` where it, or a first container of it, does not start.
    """
    runtime = shutil.which("runc") or shutil.which("crun") or "runc"
    short = Path(tempfile.mkdtemp(prefix="podman-"))  # it takes no longer name than 50 characters
    command = (
        "podman",
        *("--root", str(folder / "root"), "--runroot", str(short), "--runtime", runtime),
        *("--cgroup-manager=cgroupfs", "--events-backend=file", "--storage-driver=vfs"),
    )
    folder.mkdir(parents=True, exist_ok=True)
    where = folder / "podman.sock"
    log = folder / "log.txt"
    with log.open("wb") as said:
        process = subprocess.Popen(  # noqa: S603
            [*command, "system", "service", "--time=0", f"unix://{where}"], stdout=said, stderr=said
        )
    running = Podman(where, command)
    try:
        _wait(where, process, log)
        _try_out(running, folder)
        yield running
    finally:
        subprocess.run([*command, "rm", "-f", "-a", "-t", "0"], capture_output=True, check=False)  # noqa: S603
        process.terminate()
        process.wait(20)
        shutil.rmtree(short, ignore_errors=True)


def _wait(where: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_S
    while not where.exists():
        if process.poll() is not None or time.monotonic() > until:
            said = log.read_text(encoding="utf-8", errors="replace")
            raise CannotRunHereError(f"podman does not start here: {one_line(said)}")
        time.sleep(0.05)


def _try_out(running: Podman, folder: Path) -> None:
    try:
        running.ask("import", str(_image(folder)), IMAGE)
        running.run("first")
        running.ask("rm", "-f", "-t", "0", "first")
    except (RuntimeError, OSError) as error:
        raise CannotRunHereError(f"containers do not run here: {one_line(str(error))}") from error


def _image(folder: Path) -> Path:
    file = folder / "image.tar"
    with tarfile.open(file, "w") as tar:
        for each in PROGRAMS:
            tar.add(Path(each).resolve(), arcname=each)
    return file
