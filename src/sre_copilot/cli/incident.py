"""`sre-copilot incident`: what goes on, what was told to whom and why, and what to do about it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from sre_copilot.cli.alerting_tables import Output, check_form, lines, say, seconds_of, show, table
from sre_copilot.cli.incident_words import last_told, state_of, still_fires, whole
from sre_copilot.cli.languages import Language, default_language
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.server import TokenOption, Url, server
from sre_copilot.cli.times import duration
from sre_copilot.cli.words import counted

app = typer.Typer(
    help="What goes on, what was told to whom and why, and what to do about it.", no_args_is_help=True
)
CAUSES = {"inconclusive": "not known", "no_fault": "no fault seen", "failed": "not looked at: failed"}
"""What stands for a cause where an investigation named none."""
DECIDED = ("plan", "remediation", "killswitch")
"""Kinds of the timeline that tell of decisions and of what was done."""
Id = Annotated[
    str, typer.Argument(metavar="ID", help="Id (INC-7) or number (7), as `incident list` shows it.")
]
Lang = Annotated[Language | None, typer.Option(help="Language (default: the locale's).")]


@app.command("list")
def list_incidents(
    *,
    status: Annotated[
        str, typer.Option(help="open, firing, acknowledged, resolved, merged or all.")
    ] = "open",
    severity: Annotated[str | None, typer.Option(help="critical, high, warning, info or low.")] = None,
    quiet_too: Annotated[
        bool, typer.Option("--quiet-too", help="Also those that were not worth telling anybody.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    output: Output = "table",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """List incidents, those opened last first.

    Exit code 0: nothing goes on; 1: something does; 2: usage; 3: no server answers.
    """
    check_form(output)
    with server(config, url=url, token=token) as there:
        woken = None if quiet_too else "true"
        found = there.get("/api/v1/incidents", status=status, severity=severity, woken=woken, limit=limit)
    if not show(found, output):
        columns = ("id", "priority", "severity", "status", "since", "what", "alerts", "cause", "who")
        table(columns, map(_row, found["items"]), nothing="No incident.")
        if found["next"]:
            say(f"There are more; --limit shows up to 1000 (these are {limit}).")
    if any(each["status"] in ("firing", "acknowledged") for each in found["items"]):
        raise typer.Exit(1)


@app.command("show")
def show_incident(
    incident: Id,
    *,
    lang: Lang = None,
    output: Output = "table",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Show one incident with its alerts, and what was decided and done about it.

    Exit code 0: shown; 2: usage, or there is none; 3: no server answers.
    """
    check_form(output)
    spoken = (lang or default_language()).value
    with server(config, url=url, token=token) as there:
        found = there.get(_path(incident))
        told = (
            []
            if output != "table"
            else there.get(f"{_path(incident)}/timeline", limit=1000, lang=spoken)["items"]
        )
    if show(found, output):
        return
    diagnosis = found["diagnosis"]
    cause = diagnosis.get("cause") or diagnosis.get("outcome", "")
    lines(
        [
            ("incident", f"{found['id']}: {found['title']}"),
            ("status", state_of(found)),
            *((name, found[name]) for name in ("severity", "priority")),
            ("since", seconds_of(found["started_at"])),
            ("resolved", seconds_of(found["resolved_at"])),
            ("merged into", found["merged_into"]),
            ("services", ", ".join(found["services"])),
            ("cause", f"{cause} ({diagnosis.get('confidence', 0):.0%})" if diagnosis.get("cause") else cause),
            ("acknowledged by", found["acknowledged_by"]),
            ("assignee", found["assignee"]),
            (
                "told",
                "; ".join(last_told(name, each) for name, each in found["told"].items()) or "nobody so far",
            ),
            (
                "escalation",
                found["escalation"] and f"{found['escalation']['policy']}: {found['escalation']['status']}",
            ),
            ("room", found["room_id"]),
        ]
    )
    rows = [
        (
            each["severity"],
            each["status"] + (", muted" if each["muted"] else ""),
            seconds_of(each["starts_at"]),
            each["name"],
            each["context"].get("service", ""),
        )
        for each in found["alerts"]
    ]
    table(("severity", "status", "since", "alert", "service"), rows, nothing="No alert.")
    if found["alert_count"] > len(rows):
        say(
            f"{counted(found['alert_count'], 'alert')} in all: sre-copilot alert list --incident {found['id']} --status all"
        )
    decided = [each for each in told if each["kind"] in DECIDED]
    if decided:
        table(("at", "who", "decided and done"), map(_told, decided), nothing="")


@app.command("timeline")
def timeline(
    incident: Id,
    *,
    lang: Lang = None,
    output: Output = "table",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Show what happened with an incident, in order.

    Exit code 0: shown; 2: usage, or there is none; 3: no server answers.
    """
    check_form(output)
    spoken = (lang or default_language()).value
    with server(config, url=url, token=token) as there:
        found = there.get(f"{_path(incident)}/timeline", limit=1000, lang=spoken)
    if not show(found, output):
        table(("at", "who", "what"), map(_told, found["items"]), nothing="Nothing has happened yet.")


@app.command("explain")
def explain(
    incident: Id,
    *,
    lang: Lang = None,
    output: Output = "table",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Say why an incident is one, what mutes it, by which routes it goes, who was told and called, what it was merged with or split from, what was decided and done.

    Exit code 0: shown; 2: usage, or there is none; 3: no server answers.
    """
    check_form(output)
    spoken = (lang or default_language()).value
    with server(config, url=url, token=token) as there:
        found = there.get(f"{_path(incident)}/explain", lang=spoken)
    if show(found, output):
        return
    say(f"{found['incident']['id']}: {found['incident']['title']}")
    because = [(each["stage"], seconds_of(each["at"]), each["who"], whole(each)) for each in found["because"]]
    table(("stage", "at", "who", "why"), because, nothing="")
    rows = [(seconds_of(each["at"]), each["fingerprint"], whole(each)) for each in found["alerts"]]
    table(("at", "alert", "why it is in it"), rows, nothing="No reason was noted.")


@app.command("ack")
def acknowledge(incident: Id, *, url: Url = "", token: TokenOption = "", config: ConfigFile = None) -> None:
    """Take an incident on: nobody else is called.

    Exit code 0: done; 2: usage, or there is none; 3: no server answers.
    """
    _do(incident, "ack", {}, url=url, token=token, config=config)


@app.command("unack")
def unacknowledge(incident: Id, *, url: Url = "", token: TokenOption = "", config: ConfigFile = None) -> None:
    """Give an incident back: the escalation goes on.

    Exit code 0: done; 2: usage, or there is none; 3: no server answers.
    """
    _do(incident, "unack", {}, url=url, token=token, config=config)


@app.command("investigate")
def investigate(incident: Id, *, url: Url = "", token: TokenOption = "", config: ConfigFile = None) -> None:
    """Let the server look into an incident now; `incident timeline` and the incident's room tell what comes of it.

    Exit code 0: it is looked into; 2: usage, or there is none; 3: no server answers.
    """
    with server(config, url=url, token=token) as there:
        found = there.post(f"{_path(incident)}/investigate")
    say(f"{found['incident_id']}: round {found['round']}, {found['state']}")


@app.command("link")
def link(
    incident: Id,
    others: Annotated[list[str], typer.Argument(help="Incidents that have to do with it.")],
    *,
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Say that other incidents have to do with one; each stays its own.

    Exit code 0: done; 2: usage, or there is none; 3: no server answers.
    """
    _do(incident, "link", {"others": others}, url=url, token=token, config=config)


@app.command("assign")
def assign(
    incident: Id,
    assignee: Annotated[str, typer.Argument(help="Who sees to it; '' for nobody.")],
    *,
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Say who sees to it.

    Exit code 0: done; 2: usage, or there is none; 3: no server answers.
    """
    _do(incident, "assign", {"assignee": assignee}, url=url, token=token, config=config)


@app.command("comment")
def comment(
    incident: Id,
    text: Annotated[str, typer.Argument(help="What is worth keeping.")],
    *,
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Note something in the timeline of an incident.

    Exit code 0: done; 2: usage, or there is none; 3: no server answers.
    """
    _do(incident, "comment", {"text": text}, url=url, token=token, config=config)


@app.command("snooze")
def snooze(
    incident: Id,
    *,
    length: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 1d.")] = "1h",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Tell and call nobody for a while.

    Exit code 0: done; 2: usage, or there is none; 3: no server answers.
    """
    until = datetime.fromtimestamp(time.time() + duration(length, option="--for"), UTC).isoformat()
    _do(incident, "snooze", {"until": until}, url=url, token=token, config=config)


@app.command("judge")
def judge(
    incident: Id,
    *,
    real: Annotated[bool, typer.Option("--real/--false-alarm", help="Whether it was a real problem.")],
    note: Annotated[str, typer.Option(help="What to say with it.")] = "",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Say whether an incident was a real problem or a false alarm; `status` tells the precision of warnings from it.

    Exit code 0: done; 2: usage, or there is none; 3: no server answers.
    """
    with server(config, url=url, token=token) as there:
        found = there.post(f"{_path(incident)}/judgement", {"real": real, "note": note})
    say(
        f"{found['incident_id']}: {'a real problem' if found['real'] else 'a false alarm'}, says {found['by']}"
    )


@app.command("resolve")
def resolve(incident: Id, *, url: Url = "", token: TokenOption = "", config: ConfigFile = None) -> None:
    """Say that an incident is over. Where some of its alerts still fire, it says how many, and when it opens again.

    Exit code 0: done; 2: usage, or there is none; 3: no server answers.
    """
    found = _do(incident, "resolve", {}, url=url, token=token, config=config)
    if found.get("firing_count"):
        say(still_fires(found))


@app.command("reopen")
def reopen(incident: Id, *, url: Url = "", token: TokenOption = "", config: ConfigFile = None) -> None:
    """Say that an incident is not over; then it ends by hand alone.

    Exit code 0: done; 2: usage, or there is none; 3: no server answers.
    """
    _do(incident, "reopen", {}, url=url, token=token, config=config)


@app.command("merge")
def merge(
    incident: Id,
    others: Annotated[list[str], typer.Argument(help="Incidents that are the same matter.")],
    *,
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Let other incidents be part of one.

    Exit code 0: done; 2: usage, or there is none; 3: no server answers.
    """
    _do(incident, "merge", {"others": others}, url=url, token=token, config=config)


@app.command("split")
def split(
    incident: Id,
    fingerprints: Annotated[list[str], typer.Argument(help="Alerts that are another matter.")],
    *,
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Let some alerts of an incident be one of their own.

    Exit code 0: done; 2: usage, or there is none; 3: no server answers.
    """
    _do(incident, "split", {"fingerprints": fingerprints}, url=url, token=token, config=config)


def _path(incident: str) -> str:
    return f"/api/v1/incidents/{quote(incident, safe='')}"


def _do(
    incident: str, verb: str, body: dict[str, Any], *, url: str, token: str, config: Path | None
) -> dict[str, Any]:
    with server(config, url=url, token=token) as there:
        found = there.post(f"{_path(incident)}/{verb}", body or None)
    say(f"{found['id']}: {found['status']}; {found['title']}")
    return found


def _told(each: dict[str, Any]) -> tuple[str, str, str]:
    """An entry of the timeline."""
    return seconds_of(each["at"]), each["who"], each["sentence"]


def _row(incident: dict[str, Any]) -> tuple[Any, ...]:
    return (
        incident["id"],
        incident["priority"],
        incident["severity"],
        state_of(incident),
        seconds_of(incident["started_at"]),
        incident["title"],
        incident["alert_count"],
        incident["diagnosis"].get("cause") or CAUSES.get(incident["diagnosis"].get("outcome", ""), ""),
        incident["assignee"] or incident["acknowledged_by"],
    )
