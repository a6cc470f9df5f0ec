"""`sre-copilot status`: how the running server is doing, what is abnormal and what is about to be."""

from __future__ import annotations

import json
import os
import sys
import webbrowser
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sre_copilot.cli.alerting_tables import seconds_of
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.server import (
    NoServerError,
    Server,
    TokenOption,
    Url,
    address,
    client,
    kept_token,
    no_server,
)
from sre_copilot.cli.streams import print_document, table_console
from sre_copilot.cli.words import counted
from sre_copilot.incidents.report.clean import one_line
from sre_copilot.settings.loading import load

DEGRADED = 1
PAGE = 1000  # the most that a page holds, and more than anyone reads
JUST_NOW_H = 0.001  # hours: what goes on is listed whenever it began
LONGEST = 300  # characters of a cell


def status(
    *,
    url: Url = "",
    token: TokenOption = "",
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
    """Ask the running server how it is doing: sources, lag, learning, and open incidents, and what is abnormal or about to be.

    Exit code 0: all is well; 1: it is degraded; 2: usage, or a token that is not accepted; 3: no server answers.
    """
    if output not in {"table", "json"}:
        raise typer.BadParameter(f"--output {output!r} is no form; write table or json")
    settings = load(config)
    place = url.rstrip("/") or address(settings)
    try:
        with client(settings, place, token or kept_token(settings)) as opened:
            answering = Server(opened)
            if open_page:
                _open(place, answering.post("/api/v1/invitations")["path"])
                return
            found = _asked(answering, place)
    except NoServerError as error:
        no_server(place, error)
        return
    if output == "json":
        print_document(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _print(found)
    if found["degraded"]:
        raise typer.Exit(DEGRADED)


def reasons(status: dict[str, Any]) -> list[str]:
    """Why its answers are not whole; nothing when all is well."""
    silent = [each for each in status["sources"] if not each["ok"] or each["problem"]]
    said = [f"{each['name']}: {each['problem'] or 'has not answered yet'}" for each in silent]
    found = [*status["problems"], *(said if status["last_tick_at"] else [])]
    if status["learning"]["problem"] or status["learning"]["state"] == "failed":
        found.append(f"learning: {status['learning']['problem'] or 'failed'}")
    return found


def _open(place: str, path: str) -> None:
    """Print the link, and open it where there is a screen."""
    link = f"{place}{path}"
    typer.echo(link)
    screen = (
        sys.platform in {"darwin", "win32"} or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if screen and sys.stdout.isatty():  # a browser of the terminal would take it over
        webbrowser.open(link)


def _asked(answering: Server, place: str) -> dict[str, Any]:
    found = answering.get("/status")
    if not {"problems", "sources", "learning", "last_tick_at"} <= found.keys():
        raise NoServerError("what answers is something else")
    why = reasons(found)
    return {
        "url": place,
        "degraded": bool(why),
        "reasons": why,
        "status": found,
        "anomalies": _going_on(answering, "/api/v1/anomalies"),
        "breaches": _going_on(answering, "/api/v1/predictions"),
        "incidents": answering.get("/api/v1/incidents", status="open", limit=PAGE)["items"],
    }


def _going_on(answering: Server, path: str) -> list[dict[str, Any]]:
    rows = answering.get(path, hours=JUST_NOW_H, limit=PAGE)["items"]
    return [row for row in rows if row["closed_at"] is None]


def _print(found: dict[str, Any]) -> None:
    console, now = table_console(), found["status"]
    learning = now["learning"]
    lag = "no tick yet" if now["lag_seconds"] is None else f"last tick {now['lag_seconds']:.0f} s ago"
    for line in (
        f"{found['url']}: {'degraded' if found['degraded'] else now['status']}; {lag}, {now['missed_ticks']} missed",
        f"series: {now['learned']:,} learned, {now['warming_up']:,} warming up",
        f"learning: {learning['state']}" + (f", ended {learning['finished_at']}" if learning["finished_at"] else "")
        + f". {learning['outlook']}",
        *_alerting(now.get("alerting")),
        *found["reasons"],
    ):  # fmt: skip
        console.print(Text(one_line(line, LONGEST)))
    _table(console, "Sources", ("name", "kind", "state", "answered at", "problem and what to do"),
           [_source(each) for each in now["sources"]])  # fmt: skip
    _table(console, "Incidents", ("id", "severity", "since", "what", "alerts", "acknowledged by"),
           [_incident(each) for each in found["incidents"] if each["woken"]])  # fmt: skip
    if quiet := sum(not each["woken"] for each in found["incidents"]):
        said = counted(quiet, "more incident")
        console.print(Text(f"{said} not worth telling anybody so far: sre-copilot incident list --quiet-too"))
    _table(console, "Going on", ("severity", "since", "what"), [
        (each["severity"], each["since"], each["sentence"] or f"{each['entity']} {each['metric']} (hidden)")
        for each in found["anomalies"]
    ])  # fmt: skip
    _table(console, "Expected", ("risk", "at", "entity", "metric", "limit", "probability"), [
        (each["risk_level"], each["estimated_breach_at"], each["entity"], each["metric"],
         "" if each["limit"] is None else f"{each['limit']:g}", f"{each['probability']:.0%}")
        for each in found["breaches"]
    ])  # fmt: skip


def _alerting(alerting: dict[str, Any] | None) -> list[str]:
    """What goes on and what waits; nothing from a server that tells nothing of it."""
    if alerting is None:
        return []
    found = alerting.get("warning_precision") or {}
    if found.get("value") is not None:
        known = f"{found['value']:.0%} ({found['real']} real problems of {counted(found['judged'], 'judged incident')})"
    else:
        known = f"not known: {found.get('problem', '')}"
    decides = "this server decides" if alerting["leads"] else f"{alerting['leader'] or 'NOBODY'} decides"
    return [
        f"alerting: {counted(alerting['alerts_firing'], 'alert')} firing, {counted(alerting['incidents_open'], 'incident')} open; {decides}; "
        f"waiting: {alerting['inbox_waiting']:,} to be decided, {counted(alerting['notifications_waiting'], 'message')}",
        *([f"precision of warnings: {known}"] if found else []),
    ]


def _incident(incident: dict[str, Any]) -> tuple[str, ...]:
    kept = "muted" if incident.get("muted") else ""
    kept = "snoozed" if incident["snoozed_until"] else kept
    return (
        incident["id"],
        incident["severity"],
        seconds_of(incident["started_at"]),
        incident["title"] + (f" ({kept})" if kept else ""),
        f"{incident['alert_count']:,}",
        incident["acknowledged_by"] or "nobody",
    )


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
