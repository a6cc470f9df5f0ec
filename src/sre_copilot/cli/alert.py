"""`sre-copilot alert`: what fires, what keeps it from people, and why."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from sre_copilot.cli.alerting_tables import Output, check_form, lines, say, seconds_of, sentences, show, table
from sre_copilot.cli.languages import Language, default_language
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.server import TokenOption, Url, server
from sre_copilot.cli.words import counted

app = typer.Typer(help="What fires, what keeps it from people, and why.", no_args_is_help=True)
MOST_NAMED = 3  # of what mutes an alert
Fingerprint = Annotated[str, typer.Argument(help="Fingerprint, as `alert list` shows it.")]
Lang = Annotated[Language | None, typer.Option(help="Language (default: the locale's).")]


@app.command("list")
def list_alerts(
    *,
    status: Annotated[str, typer.Option(help="firing, resolved or all.")] = "firing",
    severity: Annotated[str | None, typer.Option(help="critical, high, warning, info or low.")] = None,
    service: Annotated[str | None, typer.Option(help="Only alerts of this service.")] = None,
    incident: Annotated[str | None, typer.Option(help="Only alerts of this incident.")] = None,
    muted: Annotated[
        bool | None, typer.Option("--muted/--not-muted", help="Only those that are muted, or are not.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    output: Output = "table",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """List alerts, those that began last first.

    Exit code 0: none fires; 1: some do; 2: usage; 3: no server answers.
    """
    check_form(output)
    with server(config, url=url, token=token) as there:
        found = there.get(
            "/api/v1/alerts",
            status=status,
            severity=severity,
            service=service,
            incident=incident,
            muted=None if muted is None else str(muted).lower(),
            limit=limit,
        )
    if not show(found, output):
        columns = ("fingerprint", "severity", "status", "since", "alert", "service", "incident", "muted")
        table(columns, map(_row, found["items"]), nothing="No alert.")
        if found["next"]:
            say(f"There are more; --limit shows up to 1000 (these are {limit}).")
    if any(each["status"] == "firing" for each in found["items"]):
        raise typer.Exit(1)


@app.command("get")
def get_alert(
    fingerprint: Fingerprint,
    *,
    lang: Lang = None,
    output: Output = "table",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Show one alert, and why it is grouped, muted, routed and told as it is.

    Exit code 0: shown; 2: usage, or there is none; 3: no server answers.
    """
    check_form(output)
    spoken = (lang or default_language()).value
    with server(config, url=url, token=token) as there:
        found = there.get(f"/api/v1/alerts/{quote(fingerprint, safe='')}/explain", lang=spoken)
    if show(found, output):
        return
    alert = found["alert"]
    lines(
        [
            ("alert", alert["name"]),
            ("fingerprint", alert["fingerprint"]),
            ("status", alert["status"]),
            ("severity", alert["severity"]),
            ("since", seconds_of(alert["starts_at"])),
            *_end(alert),
            ("told", f"{counted(alert['received'], 'time')}, last at {seconds_of(alert['updated_at'])}"),
            ("muted", "; ".join(_mutes(alert))),
            ("labels", " ".join(f"{name}={value}" for name, value in alert["labels"].items())),
            *((name, value) for name, value in alert["annotations"].items()),
            ("incident", alert["incident_id"]),
            ("acknowledged by", alert["acknowledged_by"]),
            ("note", alert["note"]),
        ]
    )
    _print_why(found["because"])


@app.command("ack")
def acknowledge(
    fingerprint: Fingerprint,
    *,
    note: Annotated[str, typer.Option(help="What to say with it.")] = "",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Take an alert on; its incident is acknowledged with its last alert.

    Exit code 0: done; 2: usage, or there is none; 3: no server answers.
    """
    with server(config, url=url, token=token) as there:
        found = there.post(f"/api/v1/alerts/{quote(fingerprint, safe='')}/ack", {"note": note})
    say(f"{found['name']} ({found['fingerprint']}): acknowledged by {found['acknowledged_by']}")


def _row(alert: dict[str, Any]) -> tuple[Any, ...]:
    state = alert["status"] + (", acknowledged" if alert["acknowledged_by"] else "")
    return (
        alert["fingerprint"],
        alert["severity"],
        state,
        seconds_of(alert["starts_at"]),
        alert["name"],
        alert["context"].get("service", ""),
        alert["incident_id"],
        "; ".join(_mutes(alert)),
    )


def _mutes(alert: dict[str, Any]) -> list[str]:
    """What keeps it from people, in words."""
    words = (("silence", "silenced_by"), ("inhibited by", "inhibited_by"), ("maintenance", "maintained_by"))
    return [
        f"{word} {', '.join(alert[name][:MOST_NAMED])}" + (" …" if len(alert[name]) > MOST_NAMED else "")
        for word, name in words
        if alert[name]
    ]


def _end(alert: dict[str, Any]) -> list[tuple[str, str]]:
    if not alert["ends_at"]:
        return []
    name = "ended" if alert["status"] == "resolved" else "ends unless it is told again"
    return [(name, seconds_of(alert["ends_at"]))]


def _print_why(because: list[dict[str, Any]]) -> None:
    say("")
    table(
        ("stage", "since", "why"),
        [
            (
                each["stage"],
                seconds_of(each["at"]),
                sentences([each["sentence"], *(part["sentence"] for part in each["parts"])]),
            )
            for each in because
        ],
        nothing="",
    )
