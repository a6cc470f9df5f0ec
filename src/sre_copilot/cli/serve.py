"""`sre-copilot serve`: watch, and answer."""

from __future__ import annotations

import socket
from typing import Annotated, Any

import typer
import uvicorn
from rich.console import Console

from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, check_exposure, first_token, make_service, token_file
from sre_copilot.cli.options import ConfigFile
from sre_copilot.errors import SettingsError
from sre_copilot.settings.document import Settings
from sre_copilot.settings.loading import load
from sre_copilot.telemetry import set_up_logging

GRACE_S = 2  # for requests under way: the whole shutdown has five seconds


def serve(
    *,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port instead of server.port; 0: a free one.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address instead of server.host.")] = None,
    config: ConfigFile = None,
) -> None:
    """Watch all configured sources: learn what is normal, tell what is not and what will be; REST on 127.0.0.1:8000.

    Ctrl-C or SIGTERM ends it within five seconds with all state kept.
    """
    settings = _chosen(load(config), host, port)
    set_up_logging(settings.logging)
    service = make_service(settings)
    made = first_token(service)
    check_exposure(service)
    listener = _listen(settings)
    _announce(service, listener.getsockname()[1], made=made is not None)
    service.start()
    try:
        _run(service, listener)
    finally:
        service.close()


def _chosen(settings: Settings, host: str | None, port: int | None) -> Settings:
    changed = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    return settings.model_copy(update={"server": settings.server.model_copy(update=changed)})


def _listen(settings: Settings) -> socket.socket:
    """Take the port before anything is started, so that a port in use is one clear sentence."""
    host, port = settings.server.host, settings.server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"server.port {port}: cannot be listened on ({error.strerror}). End what uses it, or choose another: --port 0"
        ) from None
    return listener


def _run(service: Service, listener: socket.socket) -> None:
    server = service.settings.server
    options: dict[str, Any] = {
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": GRACE_S,
        "proxy_headers": bool(server.trusted_proxy),
        "forwarded_allow_ips": server.trusted_proxy or None,
    }
    if server.certificate_file and server.key_file:
        options |= {"ssl_certfile": str(server.certificate_file), "ssl_keyfile": str(server.key_file)}
    uvicorn.Server(uvicorn.Config(create_app(service), **options)).run(sockets=[listener])


def _announce(service: Service, port: int, *, made: bool) -> None:
    settings = service.settings
    scheme = "https" if settings.server.certificate_file else "http"
    console = Console(stderr=True, highlight=False)
    console.print(
        f"SRE Copilot listens on {scheme}://{settings.server.host}:{port}", markup=False, soft_wrap=True
    )
    path = token_file(settings)
    if made or path.exists():
        said = (
            f'curl -H "Authorization: Bearer $(cat {path})" {scheme}://{settings.server.host}:{port}/status'
        )
        console.print(said, markup=False, soft_wrap=True)
