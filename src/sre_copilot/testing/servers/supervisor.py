"""A real supervisor with programs of a test's own, on a unix socket or a loopback port.

with supervisor(folder, {"web": "sleep 1000"}) as running:
    running.rpc.getProcessInfo("web")
"""

from __future__ import annotations

import base64
import contextlib
import getpass
import http.client
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # comes with the extra `lab`, as supervisor does

READY_S = 20.0  # pessimistic: it is there in half a second on an idle machine
USER = "someone"


@dataclass(frozen=True, slots=True)
class RunningSupervisor:
    """Where it listens, its folder, and how it is asked past everybody."""

    socket: Path
    port: int
    folder: Path
    rpc: Any


@contextmanager
def supervisor(
    folder: Path,
    programs: Mapping[str, str],
    *,
    options: str = "",
    password: str = "",
    autostart: bool = True,
) -> Iterator[RunningSupervisor]:
    """Run it while the context is open; `options` are further lines of each program. Both its ways in ask for the password, when there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    where, port = folder / "supervisor.sock", _free_port()
    text = _daemon(folder, where, port, password) + _programs(programs, options, autostart=autostart)
    (folder / "supervisord.conf").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(folder / "supervisord.conf")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        rpc = xmlrpc.client.ServerProxy("http://localhost", transport=_Unix(where, password)).supervisor
        _wait(rpc, process, folder)
        yield RunningSupervisor(where, port, folder, rpc)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """At once: nobody needs its programs any more."""
    programs = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.kill()
    process.wait()
    for each in programs:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()


def _daemon(folder: Path, where: Path, port: int, password: str) -> str:
    asks = f"username={USER}\npassword={password}\n" if password else ""
    return (
        f"[supervisord]\nnodaemon=true\nuser={getpass.getuser()}\nlogfile={folder}/supervisord.log\n"
        f"pidfile={folder}/supervisord.pid\nchildlogdir={folder}\n"
        f"[unix_http_server]\nfile={where}\n{asks}[inet_http_server]\nport=127.0.0.1:{port}\n{asks}"
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
    )


def _programs(programs: Mapping[str, str], options: str, *, autostart: bool) -> str:
    """Programs named `GROUP:NAME` become a group."""
    text, groups = "", dict[str, list[str]]()
    for name, command in programs.items():
        group, _, program = name.rpartition(":")
        groups.setdefault(group, []).append(program)
        start = str(autostart).lower()
        text += f"[program:{program}]\ncommand={command}\nautostart={start}\nstopwaitsecs=5\n{options}\n"
    groups.pop("", None)
    return text + "".join(f"[group:{name}]\nprograms={','.join(each)}\n" for name, each in groups.items())


class _Unix(xmlrpc.client.Transport):
    def __init__(self, where: Path, password: str) -> None:
        super().__init__()
        self._where, self._password = where, password

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        where = str(self._where)

        class Connection(http.client.HTTPConnection):
            def connect(self) -> None:
                self.sock = socket.socket(socket.AF_UNIX)
                self.sock.connect(where)

        return Connection("localhost")

    def send_headers(self, connection: http.client.HTTPConnection, headers: Any) -> None:
        if self._password:
            word = base64.b64encode(f"{USER}:{self._password}".encode()).decode()
            headers = [*headers, ("Authorization", f"Basic {word}")]
        super().send_headers(connection, headers)


def _wait(rpc: Any, process: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < until:
        try:
            if rpc.getState()["statename"] == "RUNNING":
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"supervisor did not start; see {folder}/supervisord.log")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
