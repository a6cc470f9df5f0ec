"""A real systemd in a container of systemd-nspawn, over a copy-on-write view of this machine's own file system. It starts nothing but what it is given.

with systemd(folder, {"shop-web.service": "[Service]\\nExecStart=/bin/sleep infinity\\n"}) as machine:
    machine.ask("restart", "shop-web.service")

It needs root, and a machine that lets root mount file systems and make name spaces.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sre_copilot.testing.servers.real import CannotRunHereError, one_line

READY_S = 30.0
STOP_S = 15.0
TARGET = "trial.target"
POWER_OFF = signal.SIGRTMIN + 4  # what systemd as the first process takes for it


@dataclass(frozen=True, slots=True)
class Machine:
    """A running one: its files as seen from here, and how its systemctl is called."""

    root: Path
    leader: int

    @property
    def systemctl(self) -> tuple[str, ...]:
        """The command, to which words are added."""
        return ("nsenter", f"--target={self.leader}", "--mount", "--pid", "--uts", "--ipc", "systemctl")

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Call systemctl there, past everybody."""
        return subprocess.run([*self.systemctl, *words], check=False, capture_output=True, text=True, timeout=60)  # noqa: S603  # fmt: skip


@contextmanager
def systemd(folder: Path, units: Mapping[str, str]) -> Iterator[Machine]:
    """Run it with some units while the context is open.

    Raises
    ------
    CannotRunHereError : this machine does not let it; it says why
    """
    with ExitStack() as opened:
        root = _root(folder, opened)
        place = root / "etc/systemd/system"
        place.mkdir(parents=True, exist_ok=True)
        for name, text in {**units, TARGET: "[Unit]\nDescription=Nothing more\n"}.items():
            (place / name).write_text(text, encoding="utf-8")
        log = folder / "log.txt"
        process = opened.enter_context(_booted(root, log))
        machine = Machine(root, _leader(process, log))
        opened.callback(_end, process, machine.leader)
        _wait(machine, process, log)
        yield machine


def _root(folder: Path, opened: ExitStack) -> Path:
    """The view: what is written there lies in a file system of memory, and is gone afterwards."""
    kept = folder / "kept"
    kept.mkdir(parents=True)
    _mounted(opened, kept, "-t", "tmpfs", "tmpfs")
    upper, work, root = (kept / each for each in ("upper", "work", "root"))
    for each in (upper, work, root):
        each.mkdir()
    options = f"lowerdir=/,upperdir={upper},workdir={work}"
    _mounted(opened, root, "-t", "overlay", "-o", options, "overlay")
    (root / "etc/machine-id").unlink(missing_ok=True)
    (root / "etc/machine-id").touch()
    return root


def _mounted(opened: ExitStack, place: Path, *words: str) -> None:
    done = _ran("mount", *words, str(place))
    if done.returncode:
        raise CannotRunHereError(f"nothing can be mounted here: {one_line(done.stderr)}")
    opened.callback(_ran, "umount", "-l", str(place))


def _ran(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=30)  # noqa: S603


@contextmanager
def _booted(root: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The container; it is killed where nothing else ended it."""
    command: Sequence[str] = (
        *("systemd-nspawn", "--boot", "--quiet", "--directory", str(root), "--register=no", "--keep-unit"),
        *("--console=pipe", "--machine=trial", "--", f"systemd.unit={TARGET}"),
    )
    if shutil.which(command[0]) is None:
        raise CannotRunHereError(f"not installed here: {command[0]}")
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)  # noqa: S603
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(STOP_S)


def _leader(process: subprocess.Popen[bytes], log: Path) -> int:
    """The process id, here, of the systemd in there."""
    until = time.monotonic() + READY_S
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while True:
        _alive(process, until, log)
        for child in children.read_text(encoding="ascii").split():
            if Path(f"/proc/{child}/comm").read_text(encoding="ascii").strip() == "systemd":
                return int(child)
        time.sleep(0.05)


def _wait(machine: Machine, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_S
    while machine.ask("is-active", TARGET).returncode:
        _alive(process, until, log)
        time.sleep(0.1)


def _alive(process: subprocess.Popen[bytes], until: float, log: Path) -> None:
    if process.poll() is not None or time.monotonic() > until:
        said = log.read_text(encoding="utf-8", errors="replace")
        raise CannotRunHereError(f"systemd does not start here: {one_line(said)}")


def _end(process: subprocess.Popen[bytes], leader: int) -> None:
    """Switch it off in order."""
    if process.poll() is None:
        _ran("kill", f"-{POWER_OFF}", str(leader))
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
