"""`sre-copilot serve`: watch, and answer."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from types import FrameType
from typing import Annotated, Any

import typer
import uvicorn
from fastapi import FastAPI
from rich.console import Console

from sre_copilot.api.server import create_app
from sre_copilot.app.collector import calm_collector
from sre_copilot.app.serving import Service, check_exposure, first_token, make_service
from sre_copilot.app.storing import token_file
from sre_copilot.app.worker import make_worker
from sre_copilot.cli.first_screen import tell_when_it_ticks
from sre_copilot.cli.options import ConfigFile
from sre_copilot.errors import SettingsError
from sre_copilot.incidents.report.words import word
from sre_copilot.mcp.http import mount
from sre_copilot.settings.document import Server as ServerSettings
from sre_copilot.settings.document import Settings
from sre_copilot.settings.loading import find, load
from sre_copilot.store.lock import FolderLock
from sre_copilot.telemetry import set_up_logging

BACKLOG = 128  # connections that wait to be accepted: as many as most systems grant
GRACE_S = 2  # for requests under way: the whole shutdown has five seconds


def serve(
    *,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port instead of server.port; 0: a free one.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address instead of server.host.")] = None,
    config: ConfigFile = None,
) -> None:
    """Watch all configured sources: learn what is normal, tell what is not and what will be; REST on 127.0.0.1:8000. Without a source it takes in alerts alone.

    Ctrl-C or SIGTERM ends it within five seconds with all state kept.
    """
    settings = _chosen(load(config), host, port)
    set_up_logging(settings.logging)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    lock = FolderLock(settings.store.folder)
    service = make_service(settings, telling=True)
    try:
        made = first_token(service)
        check_exposure(service)
        listener = _listen(settings)
        place = _address(settings, listener.getsockname()[1])
        _announce(settings, place, made=made is not None)
        application = create_app(service)
        worker = make_worker(service, desk=application.state.desk)
        service.closing.append(worker.close)
        worker.start()
        service.start()
        tell_when_it_ticks(service, find(config), place)
        calm_collector()
        _run(service, application, listener)
    except SystemExit as ended:
        if ended.code:
            raise
    finally:
        _not_again()
        service.close()
        lock.close()
    if service.watch.busy or _still_at_work():
        _leave()


def _end(number: int, frame: FrameType | None) -> None:
    """Being told to end is no failure; uvicorn sends on, after it has ended, the signal that ended it."""
    raise SystemExit(0)


def _not_again() -> None:
    """What is kept at the end is kept whole, however impatient the person at the keyboard is."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _still_at_work() -> bool:
    """Whether a thread goes on for which the interpreter would wait: an investigation that reads its sources; it is begun again at the next start."""
    return any(not each.daemon and each is not threading.main_thread() for each in threading.enumerate())


def _leave() -> None:
    """End at once: the interpreter would wait for threads that wait for a silent system, as long as its time-outs are."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


class _Server(uvicorn.Server):
    """Lets the watch end together with the interface, not after it."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event) -> None:
        super().__init__(config)
        self._stop = stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal."""
        self._stop.set()
        super().handle_exit(sig, frame)


def _chosen(settings: Settings, host: str | None, port: int | None) -> Settings:
    changed = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    return settings.model_copy(update={"server": settings.server.model_copy(update=changed)})


def _listen(settings: Settings) -> socket.socket:
    """Take the port before anything is started, so that a port in use is one clear sentence."""
    host, port = settings.server.host, settings.server.port
    taken = f"server.port {port}: cannot be listened on at {host}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)  # whoever reads where it listens can connect at once
    except socket.gaierror as error:
        listener.close()
        raise SettingsError(
            f"server.host {host}: is no address of this machine ({error.strerror}). Write one, such as 127.0.0.1"
        ) from None
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"{taken} ({error.strerror}). End what uses it, or choose another: --port 0"
        ) from None
    return listener


def _run(service: Service, application: FastAPI, listener: socket.socket) -> None:
    if service.settings.mcp.enabled:
        mount(application, application.state.desk)
    config = uvicorn.Config(application, **options(service.settings.server))
    _Server(config, service.stop).run(sockets=[listener])


def options(server: ServerSettings) -> dict[str, Any]:
    """How uvicorn runs: what a proxy says of a client is believed of the declared one alone."""
    chosen: dict[str, Any] = {
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "lifespan": "off",
        "ws": "none",
        "timeout_graceful_shutdown": GRACE_S,
        "proxy_headers": bool(server.trusted_proxy),
        "forwarded_allow_ips": server.trusted_proxy or None,
    }
    if server.certificate_file and server.key_file:
        chosen |= {"ssl_certfile": str(server.certificate_file), "ssl_keyfile": str(server.key_file)}
    return chosen


def _address(settings: Settings, port: int) -> str:
    scheme = "https" if settings.server.certificate_file else "http"
    host = f"[{settings.server.host}]" if ":" in settings.server.host else settings.server.host
    return f"{scheme}://{host}:{port}"


def _announce(settings: Settings, place: str, *, made: bool) -> None:
    said = [f"SRE Copilot listens on {place}"]
    path = token_file(settings)
    if made or path.exists():
        said.append(f'curl -H "Authorization: Bearer $(cat {path.resolve()})" {place}/status')
    if not settings.sources:
        said.append(word("serving.alerts_alone", settings.language))
    for line in said:
        Console(stderr=True, highlight=False).print(line, markup=False, soft_wrap=True)
