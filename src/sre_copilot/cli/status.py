"""`sre-copilot status`: how the running server is doing, what is abnormal and what is about to be."""

from __future__ import annotations

import json
import os
import ssl
import sys
import webbrowser
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sre_copilot.app.serving import token_file
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.streams import print_document, table_console
from sre_copilot.errors import SreCopilotError, UsageError
from sre_copilot.incidents.report.clean import one_line
from sre_copilot.perception.http import is_loopback
from sre_copilot.settings.document import Settings
from sre_copilot.settings.loading import load

DEGRADED = 1
NO_SERVER = 3
TIMEOUT_S = 10.0  # the store may wait five seconds for another writer
PAGE = 1000  # the most that a page holds, and more than anyone reads
JUST_NOW_H = 0.001  # hours: what goes on is listed whenever it began
LONGEST = 300  # characters of a cell
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - told apart, not listened on


class NoServerError(Exception):
    """Nothing that is ours answers."""


def status(
    *,
    url: Annotated[
        str, typer.Option(help="Where it answers (default: server.host and server.port).", show_default=False)
    ] = "",
    token: Annotated[
        str,
        typer.Option(
            envvar="SRE_COPILOT_TOKEN",
            help="Token (default: that of the first start, in store.folder).",
            show_default=False,
        ),
    ] = "",
    output: Annotated[str, typer.Option("--output", "-o", help="table or json.")] = "table",
    open_page: Annotated[
        bool,
        typer.Option(
            "--open",
            help="Print a link to the page in a browser, and open it; it works once, within a minute.",
        ),
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Ask the running server how it is doing: sources, lag, learning, and what is abnormal or about to be.

    Exit code 0: all is well; 1: it is degraded; 2: usage, or a token that is not accepted; 3: no server answers.
    """
    if output not in {"table", "json"}:
        raise typer.BadParameter(f"--output {output!r} is no form; write table or json")
    settings = load(config)
    place = url.rstrip("/") or address(settings)
    try:
        with _client(settings, place, token or _kept_token(settings)) as client:
            if open_page:
                _open(place, _get(client, "/api/v1/invitations", method="POST")["path"])
                return
            found = _asked(client, place)
    except NoServerError as error:
        said = f"sre-copilot: {place}: no SRE Copilot answers ({error}). Start it: sre-copilot serve; or say where it is: --url"
        Console(stderr=True, highlight=False).print(one_line(said, 1000), markup=False, soft_wrap=True)
        raise typer.Exit(NO_SERVER) from None
    if output == "json":
        print_document(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _print(found)
    if found["degraded"]:
        raise typer.Exit(DEGRADED)


def address(settings: Settings) -> str:
    """Where the server of these settings answers."""
    server = settings.server
    if server.port == 0:
        raise UsageError("server.port: is 0, so that nobody knows the port; give --url http://127.0.0.1:PORT")
    host = ANY.get(server.host, server.host)
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if server.certificate_file else 'http'}://{shown}:{server.port}"


def reasons(status: dict[str, Any]) -> list[str]:
    """Why its answers are not whole; nothing when all is well."""
    silent = [each for each in status["sources"] if not each["ok"] or each["problem"]]
    said = [f"{each['name']}: {each['problem'] or 'has not answered yet'}" for each in silent]
    found = [*status["problems"], *(said if status["last_tick_at"] else [])]
    if status["learning"]["problem"] or status["learning"]["state"] == "failed":
        found.append(f"learning: {status['learning']['problem'] or 'failed'}")
    return found


def _kept_token(settings: Settings) -> str:
    path = token_file(settings)
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--token: is not given, and {path} cannot be read ({type(error).__name__}). "
            "Make one: sre-copilot token create NAME; give it by SRE_COPILOT_TOKEN"
        ) from None


def _open(place: str, path: str) -> None:
    """Print the link, and open it where there is a screen."""
    link = f"{place}{path}"
    typer.echo(link)
    screen = (
        sys.platform in {"darwin", "win32"} or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if screen and sys.stdout.isatty():  # a browser of the terminal would take it over
        webbrowser.open(link)


def _client(settings: Settings, place: str, token: str) -> httpx.Client:
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


def _asked(client: httpx.Client, place: str) -> dict[str, Any]:
    found = _get(client, "/status")
    if not {"problems", "sources", "learning", "last_tick_at"} <= found.keys():
        raise NoServerError("what answers is something else")
    why = reasons(found)
    return {
        "url": place,
        "degraded": bool(why),
        "reasons": why,
        "status": found,
        "anomalies": _going_on(client, "/api/v1/anomalies"),
        "breaches": _going_on(client, "/api/v1/predictions"),
    }


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


def _going_on(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    rows = _get(client, path, hours=JUST_NOW_H, limit=PAGE)["items"]
    return [row for row in rows if row["closed_at"] is None]


def _get(client: httpx.Client, path: str, *, method: str = "GET", **params: Any) -> dict[str, Any]:
    try:
        response = client.request(method, path, params=params)
    except httpx.TransportError as error:
        raise NoServerError(str(error) or type(error).__name__) from None
    try:
        found = response.json()
    except ValueError:
        raise NoServerError(f"what answers is something else: status {response.status_code}") from None
    if not isinstance(found, dict):
        raise NoServerError("what answers is something else")
    if response.status_code in {401, 403}:
        raise UsageError(f"--token: is not accepted: {found.get('detail', response.status_code)}")
    if not response.is_success:
        raise SreCopilotError(f"{path}: {found.get('detail', response.status_code)}")
    return found


def _print(found: dict[str, Any]) -> None:
    console, now = table_console(), found["status"]
    learning = now["learning"]
    lag = "no tick yet" if now["lag_seconds"] is None else f"last tick {now['lag_seconds']:.0f} s ago"
    for line in (
        f"{found['url']}: {'degraded' if found['degraded'] else now['status']}; {lag}, {now['missed_ticks']} missed",
        f"series: {now['learned']:,} learned, {now['warming_up']:,} warming up",
        f"learning: {learning['state']}" + (f", ended {learning['finished_at']}" if learning["finished_at"] else "")
        + f". {learning['outlook']}",
        *found["reasons"],
    ):  # fmt: skip
        console.print(Text(one_line(line, LONGEST)))
    _table(console, "Sources", ("name", "kind", "state", "answered at", "problem and what to do"),
           [_source(each) for each in now["sources"]])  # fmt: skip
    _table(console, "Going on", ("severity", "since", "what"), [
        (each["severity"], each["since"], each["sentence"] or f"{each['entity']} {each['metric']} (hidden)")
        for each in found["anomalies"]
    ])  # fmt: skip
    _table(console, "Expected", ("risk", "at", "entity", "metric", "limit", "probability"), [
        (each["risk_level"], each["estimated_breach_at"], each["entity"], each["metric"],
         "" if each["limit"] is None else f"{each['limit']:g}", f"{each['probability']:.0%}")
        for each in found["breaches"]
    ])  # fmt: skip


def _source(source: dict[str, Any]) -> tuple[str, ...]:
    state = ("late" if source["problem"] else "ok") if source["ok"] else "down"
    advice = "; ".join(part for part in (source["problem"], source["remedy"], *source["gaps"]) if part)
    return (source["name"], source["kind"], state, source["answered_at"] or "never", advice)


def _table(console: Console, title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if not rows:
        console.print(Text(f"{title}: nothing"))
        return
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(str(cell), LONGEST)) for cell in row))
    console.print(table)
