"""`sre-copilot silence` and `sre-copilot maintenance`: what is kept from people, until when, and who said so."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from sre_copilot.alerts.matchers import parse_matchers
from sre_copilot.cli.alerting_tables import Output, check_form, say, seconds_of, show, table
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.server import TokenOption, Url, server
from sre_copilot.cli.times import duration, moment
from sre_copilot.clock import rfc3339

app = typer.Typer(help="Silences: what is kept from people, until when, and why.", no_args_is_help=True)
maintenance = typer.Typer(help="Maintenance windows: planned times of work.", no_args_is_help=True)
Conditions = Annotated[
    list[str],
    typer.Argument(
        metavar="MATCHER…", help="Conditions on labels: service=checkout severity=~'warning|info'."
    ),
]
Start = Annotated[str, typer.Option("--start", help="From when on: now, or a time.")]
End = Annotated[str, typer.Option("--end", help="Until when; instead of --duration.", show_default=False)]
Length = Annotated[str, typer.Option("--duration", "-d", help="How long: 30m, 2h, 1d.")]


@app.command("add")
def add(
    conditions: Conditions,
    *,
    comment: Annotated[str, typer.Option("--comment", "-c", help="Why.")],
    length: Length = "1h",
    start: Start = "now",
    end: End = "",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Add a silence, and print its id.

    Exit code 0: added; 2: usage; 3: no server answers.
    """
    body = {"matchers": _matchers(conditions), "comment": comment, **_times(start, end, length)}
    with server(config, url=url, token=token) as there:
        found = there.post("/api/v1/silences", body)
    typer.echo(found["id"])


@app.command("update")
def update(
    silence: Annotated[str, typer.Argument(metavar="ID", help="Id of the silence.")],
    *,
    comment: Annotated[str, typer.Option("--comment", "-c", help="Another comment.")] = "",
    length: Annotated[
        str, typer.Option("--duration", "-d", help="How long from now on: 30m, 2h, 1d.", show_default=False)
    ] = "",
    end: End = "",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Change the end or the comment of a silence, and print its id, which is another one where history would change.

    Exit code 0: changed; 2: usage, or there is none; 3: no server answers.
    """
    with server(config, url=url, token=token) as there:
        known = there.get(f"/api/v1/silences/{quote(silence, safe='')}")
        now = time.time()
        ends = known["ends_at"]
        if end:
            ends = rfc3339(moment(end, now=now, option="--end"))
        elif length:
            ends = rfc3339(now + duration(length, option="--duration"))
        body = {
            "id": silence,
            "matchers": known["matchers"],
            "starts_at": known["starts_at"],
            "ends_at": ends,
            "comment": comment or known["comment"],
        }
        found = there.post("/api/v1/silences", body, headers={"If-Match": f'"r{known["revision"]}"'})
    typer.echo(found["id"])


@app.command("expire")
def expire(
    silences: Annotated[list[str], typer.Argument(metavar="ID…", help="Ids of silences.")],
    *,
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """End silences now.

    Exit code 0: ended; 2: usage, or there is none; 3: no server answers.
    """
    with server(config, url=url, token=token) as there:
        for each in silences:
            there.delete(f"/api/v1/silences/{quote(each, safe='')}")
            say(f"{each}: ended")


@app.command("query")
def query(
    *,
    expired: Annotated[bool, typer.Option("--expired", help="Also those that are over.")] = False,
    output: Output = "table",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """List silences in effect and to come.

    Exit code 0: listed; 2: usage; 3: no server answers.
    """
    check_form(output)
    with server(config, url=url, token=token) as there:
        found = there.get("/api/v1/silences")
    found["items"] = [each for each in found["items"] if expired or each["state"] != "expired"]
    if not show(found, output):
        rows = [
            (
                each["id"],
                each["state"],
                _said(each["matchers"]),
                seconds_of(each["ends_at"]),
                each["created_by"],
                each["comment"],
            )
            for each in found["items"]
        ]
        table(("id", "state", "matchers", "until", "by", "comment"), rows, nothing="No silence.")


@maintenance.command("add")
def add_window(
    conditions: Conditions,
    *,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why.")],
    owner: Annotated[str, typer.Option(help="Who answers for it (default: you).", show_default=False)] = "",
    ticket: Annotated[str, typer.Option(help="Ticket that it belongs to.")] = "",
    rrule: Annotated[str, typer.Option(help="How it comes again (RFC 5545): FREQ=WEEKLY;BYDAY=SU.")] = "",
    time_zone: Annotated[str, typer.Option(help="Time zone of the repetition.")] = "UTC",
    length: Length = "1h",
    start: Start = "now",
    end: End = "",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Plan a time of work in which what matches wakes nobody, and print its id.

    Exit code 0: added; 2: usage; 3: no server answers.
    """
    body = {
        "matchers": _matchers(conditions),
        "reason": reason,
        "owner": owner or getpass.getuser(),
        "ticket": ticket,
        "rrule": rrule,
        "time_zone": time_zone,
        **_times(start, end, length),
    }
    with server(config, url=url, token=token) as there:
        found = there.post("/api/v1/maintenance", body)
    typer.echo(found["id"])


@maintenance.command("list")
def list_windows(
    *, output: Output = "table", url: Url = "", token: TokenOption = "", config: ConfigFile = None
) -> None:
    """List maintenance windows.

    Exit code 0: listed; 2: usage; 3: no server answers.
    """
    check_form(output)
    with server(config, url=url, token=token) as there:
        found = there.get("/api/v1/maintenance")
    if not show(found, output):
        rows = [
            (
                each["id"],
                each["state"],
                _said(each["matchers"]),
                seconds_of(each["starts_at"]),
                seconds_of(each["ended_at"] or each["ends_at"]),
                each["rrule"],
                each["owner"],
                each["reason"],
                each["ticket"],
            )
            for each in found["items"]
        ]
        table(
            ("id", "state", "matchers", "from", "until", "again", "owner", "reason", "ticket"),
            rows,
            nothing="No maintenance window.",
        )


@maintenance.command("end")
def end_window(
    window: Annotated[str, typer.Argument(metavar="ID", help="Id of the window.")],
    *,
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """End a maintenance window now: what it muted stands again as it was.

    Exit code 0: ended; 2: usage, or there is none; 3: no server answers.
    """
    with server(config, url=url, token=token) as there:
        there.delete(f"/api/v1/maintenance/{quote(window, safe='')}")
    say(f"{window}: ended")


def _matchers(conditions: Sequence[str]) -> list[dict[str, Any]]:
    return [each.to_api() for text in conditions for each in parse_matchers(text)]


def _times(start: str, end: str, length: str) -> dict[str, str | None]:
    now = float(int(time.time()))
    begins = moment(start, now=now, option="--start")
    ends = (
        moment(end, now=now, option="--end")
        if end
        else max(begins, now) + duration(length, option="--duration")
    )
    return {
        "starts_at": datetime.fromtimestamp(begins, UTC).isoformat(),
        "ends_at": datetime.fromtimestamp(ends, UTC).isoformat(),
    }


def _said(matchers: list[dict[str, Any]]) -> str:
    signs = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
    return " ".join(
        f"{each['name']}{signs[each['isEqual'], each['isRegex']]}{json.dumps(each['value'], ensure_ascii=False)}"
        for each in matchers
    )
