"""The running server, as commands of the command line speak to it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
import typer
from rich.console import Console

from sre_copilot.app.storing import token_file
from sre_copilot.errors import SreCopilotError, UsageError
from sre_copilot.incidents.report.clean import one_line
from sre_copilot.perception.http import is_loopback
from sre_copilot.settings.document import Settings
from sre_copilot.settings.loading import load

NO_SERVER = 3
TIMEOUT_S = 15.0  # the store may wait five seconds for another writer, and a command ten for a take-over
LONG_S = 60.0  # a PDF of a long report takes some seconds
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - told apart, not listened on
Url = Annotated[
    str, typer.Option(help="Where it answers (default: server.host and server.port).", show_default=False)
]
TokenOption = Annotated[
    str,
    typer.Option(
        "--token",
        envvar="SRE_COPILOT_TOKEN",
        help="Token (default: that of the first start, in store.folder).",
        show_default=False,
    ),
]


class NoServerError(Exception):
    """Nothing that is ours answers."""


class Server:
    """A server that answers; each call returns the document that it answered."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """Read something; parameters that are None are left out."""
        return self.ask(
            "GET", path, params={name: value for name, value in params.items() if value is not None}
        )

    def post(
        self, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Add or change something."""
        return self.ask("POST", path, json={} if body is None else body, headers=headers)

    def delete(self, path: str) -> dict[str, Any]:
        """Remove or end something."""
        return self.ask("DELETE", path)

    def read(self, path: str, **params: Any) -> httpx.Response:
        """Read something that is no document of fields; an answer that is a problem raises as `ask` does."""
        try:
            response = self._client.get(path, params=params, timeout=LONG_S)
        except httpx.TransportError as error:
            raise NoServerError(str(error) or type(error).__name__) from None
        if not response.is_success:
            raise self._refused(path, response)
        return response

    @staticmethod
    def _refused(path: str, response: httpx.Response) -> Exception:
        try:
            said = response.json().get("detail", response.status_code)
        except (ValueError, AttributeError):
            return NoServerError(f"what answers is something else: status {response.status_code}")
        if response.status_code == 401:
            return UsageError(f"--token: is not accepted: {said}")
        if response.status_code in {400, 403, 404, 422}:
            return UsageError(str(said))
        return SreCopilotError(str(said))

    def ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Ask, and see whether what answers is ours.

        Raises
        ------
        NoServerError : when nothing of ours answers
        UsageError : when the token is not accepted, or what was given is wrong
        SreCopilotError : when it could not be done
        """
        try:
            response = self._client.request(method, path, **options)
        except httpx.TransportError as error:
            raise NoServerError(str(error) or type(error).__name__) from None
        try:
            found = response.json()
        except ValueError:
            raise NoServerError(f"what answers is something else: status {response.status_code}") from None
        if not isinstance(found, dict):
            raise NoServerError("what answers is something else")
        said = found.get("detail", response.status_code)
        if response.status_code == 401:
            raise UsageError(f"--token: is not accepted: {said}")
        if response.status_code in {400, 403, 404, 409, 412, 422}:
            raise UsageError(str(said))
        if not response.is_success:
            raise SreCopilotError(f"{path}: {said}")
        return found


@contextmanager
def server(config: Path | None, *, url: str = "", token: str = "") -> Iterator[Server]:
    """The server of a configuration; when none answers, say how to start one and end with the code 3."""
    settings = (
        Settings() if url and token else load(config)
    )  # the configuration may need secrets of the server alone
    place = url.rstrip("/") or address(settings)
    with client(settings, place, token or kept_token(settings)) as opened:
        try:
            yield Server(opened)
        except NoServerError as error:
            no_server(place, error)


def no_server(place: str, error: NoServerError) -> None:
    """Say that none answers, and end."""
    said = f"sre-copilot: {place}: no SRE Copilot answers ({error}). Start it: sre-copilot serve; or say where it is: --url"
    Console(stderr=True, highlight=False).print(one_line(said, 1000), markup=False, soft_wrap=True)
    raise typer.Exit(NO_SERVER) from None


def address(settings: Settings) -> str:
    """Where the server of these settings answers."""
    server = settings.server
    if server.port == 0:
        raise UsageError("server.port: is 0, so that nobody knows the port; give --url http://127.0.0.1:PORT")
    host = ANY.get(server.host, server.host)
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if server.certificate_file else 'http'}://{shown}:{server.port}"


def kept_token(settings: Settings) -> str:
    path = token_file(settings)
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--token: is not given, and {path} cannot be read ({type(error).__name__}). "
            "Make one: sre-copilot token create NAME; give it by SRE_COPILOT_TOKEN"
        ) from None


def client(settings: Settings, place: str, token: str) -> httpx.Client:
    parts = urlsplit(place)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError("--url: is no address; write http://HOST:PORT or https://HOST:PORT")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise UsageError("--url: the token would travel in clear to another machine; write https://")
    if not token.isascii() or not token.isprintable():
        raise UsageError("--token: holds characters that no token has; copy it again")
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(
        base_url=place, headers=headers, timeout=TIMEOUT_S, verify=_trusted(settings), trust_env=False
    )


def _trusted(settings: Settings) -> ssl.SSLContext:
    """The system's certificates, and that of the server itself, which may have been signed by nobody else."""
    context = ssl.create_default_context()
    if settings.server.certificate_file:
        try:
            context.load_verify_locations(settings.server.certificate_file)
        except OSError as error:
            raise UsageError(
                f"server.certificate_file ({settings.server.certificate_file}): cannot be read ({error.strerror})"
            ) from None
    return context
