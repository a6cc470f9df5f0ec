"""`sre-copilot notify`: try whether a receiver can be reached, see what became of messages, try a wording."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.table import Table
from rich.text import Text

from sre_copilot.action.notify.notifier import Delivered
from sre_copilot.api.notifications import notification
from sre_copilot.app.notifying import make_receivers
from sre_copilot.app.storing import open_database
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.streams import print_document, table_console
from sre_copilot.clock import rfc3339
from sre_copilot.domain.notification import NotificationState
from sre_copilot.errors import UsageError
from sre_copilot.incidents.delivery.receivers import Receiver, Target
from sre_copilot.incidents.delivery.templates import DEFAULT, Wording, read, template
from sre_copilot.incidents.delivery.wording import message
from sre_copilot.incidents.report.clean import one_line
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import LANGUAGES, word
from sre_copilot.settings.loading import load
from sre_copilot.store.notifications import NotificationStore

app = typer.Typer(help="Try receivers, see what became of messages, try a wording.", no_args_is_help=True)
STATES = get_args(NotificationState)
LONGEST = 120  # characters of a cell
Output = Annotated[str, typer.Option("--output", "-o", help="table or json.")]


@app.command("test")
def try_receiver(
    receiver: Annotated[str, typer.Argument(help="Name of the receiver.", show_default=False)],
    *,
    output: Output = "table",
    config: ConfigFile = None,
) -> None:
    """Send a test message to every service of a receiver, at once and without the server.

    Exit code 0: all of them took it; 1: one did not; 2: usage.
    """
    settings = load(config)
    receivers = make_receivers(settings)
    if receiver not in receivers:
        raise UsageError(
            f"receiver {receiver!r}: is not configured. There are: {', '.join(receivers) or 'none'}."
        )
    chosen = receivers[receiver]
    outcomes = [
        (f"{target.name}:{address}" if address else target.name, target.kind, _tried(chosen, target, address))
        for target in chosen.targets
        for address in target.notifier.addressees or ("",)
        if address or target.notifier.address_of({}) is None
    ]
    if not outcomes:
        raise UsageError(f"receiver {receiver!r}: tells only people who are on call; nothing was sent.")
    _print_outcomes(outcomes, output)
    if not all(outcome.ok for _, _, outcome in outcomes):
        raise typer.Exit(1)


@app.command("log")
def log(
    *,
    incident: Annotated[
        str, typer.Option(metavar="ID", help="Only of this incident.", show_default=False)
    ] = "",
    receiver: Annotated[
        str, typer.Option(metavar="NAME", help="Only to this receiver.", show_default=False)
    ] = "",
    status: Annotated[
        str, typer.Option(help="Only pending, started, sent, failed or skipped ones.", show_default=False)
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the latest.")] = 50,
    output: Output = "table",
    config: ConfigFile = None,
) -> None:
    """Show what people were told, and what became of it at each address."""
    _check_output(output)
    store = NotificationStore(open_database(load(config)))
    incident = f"INC-{incident}" if incident.isdecimal() else incident
    rows = store.page(incident=incident, receiver=receiver, status=status, limit=limit).rows
    items = [notification(row, whole=True) for row in rows]
    if output == "json":
        print_document(json.dumps({"items": items}, indent=2, ensure_ascii=False))
        return
    table = Table()
    for column in ("at", "receiver", "state", "title", "target", "status", "attempts", "problem"):
        table.add_column(column)
    for item in items:
        for each in item["deliveries"] or [
            {"target": "", "status": item["status"], "attempts": 0, "problem": item["problem"]}
        ]:
            cells = (
                item["created_at"],
                item["receiver"],
                item["state"],
                item["title"],
                each["target"],
                each["status"],
                each["attempts"],
                each["problem"],
            )
            table.add_row(*(Text(one_line(str(cell), LONGEST)) for cell in cells))
    table_console().print(table)


@app.command("render")
def render(
    *,
    template_file: Annotated[
        Path | None,
        typer.Option(
            "--template",
            metavar="FILE",
            help="Template of the text (default: the default words).",
            show_default=False,
        ),
    ] = None,
    title_file: Annotated[
        Path | None,
        typer.Option("--title-template", metavar="FILE", help="Template of the title.", show_default=False),
    ] = None,
    state: Annotated[str, typer.Option(help=f"One of {', '.join(STATES)}.")] = "firing",
    lang: Annotated[str, typer.Option(help="en or zh.")] = "en",
    content: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Content of a notification, JSON (default: an example).", show_default=False
        ),
    ] = None,
) -> None:
    """Show what a template makes of a notification; a template that cannot be used is an error, exit code 2."""
    if state not in STATES:
        raise UsageError(f"--state: {state!r} is none; it is one of {', '.join(STATES)}")
    if lang not in LANGUAGES:
        raise UsageError(f"--lang: {lang!r} is none; it is one of {', '.join(LANGUAGES)}")
    wording = Wording(
        title=template(read(title_file, place="--title-template"), place="--title-template")
        if title_file
        else None,
        text=template(read(template_file, place="--template"), place="--template") if template_file else None,
    )
    chosen: Language = "zh" if lang == "zh" else "en"
    row = _row(state, _content(content), receiver="example")
    said = message(row, key=row["key"], language=chosen, wording=wording, strict=True)
    typer.echo(said.title)
    for name, value in said.fields:
        typer.echo(f"{name}: {value}")
    typer.echo(said.text)


def _tried(receiver: Receiver, target: Target, address: str) -> Delivered:
    content = {
        "title": word("notify.test_title", receiver.language, receiver=receiver.name),
        "summary": [word("notify.test_text", receiver.language)],
        "severity": "info",
    }
    row = _row("test", content, receiver=receiver.name)
    said = message(
        row, key=f"{row['key']}/{target.name}", language=receiver.language, to=address, wording=DEFAULT
    )
    return target.notifier.send(said, timeout_s=target.timeout_s)


def _row(state: str, content: dict[str, Any], *, receiver: str) -> dict[str, Any]:
    name = f"test-{secrets.token_hex(6)}"
    return {
        "key": f"{name}/{receiver}/{state}/1",
        "group_key": name,
        "receiver": receiver,
        "state": state,
        "severity": str(content.get("severity", "")),
        "created_at": time.time(),
        "payload": {"content": content, "people": []},
    }


def _content(file: Path | None) -> dict[str, Any]:
    if file is None:
        return example()
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"--content ({file}): cannot be read: {type(error).__name__}") from None
    if not isinstance(found, dict):
        raise UsageError(f"--content ({file}): holds no object; give the content of a notification")
    return found


def example() -> dict[str, Any]:
    """What a notification holds, to try a wording on."""
    began = time.time() - 900
    return {
        "incident_id": "INC-EXAMPLE",
        "title": "latency of payment",
        "severity": "critical",
        "priority": "P1",
        "status": "firing",
        "service": "payment",
        "services": ["payment", "checkout"],
        "summary": [
            {
                "key": "incident.summary",
                "params": {"alerts": 12, "kinds": 2, "services": 2, "named": "HighLatency ×11, ErrorRate"},
            }
        ],
        "started_at": began,
        "resolved_at": time.time(),
        "alert_count": 12,
        "alerts": [
            {
                "name": "HighLatency",
                "severity": "critical",
                "service": "payment",
                "starts_at": began,
                "summary": "p99 is 2.4 s",
            }
        ],
        "labels": {"env": "production"},
        "blast_radius": {"count": 2, "services": ["checkout", "web"], "unknown": []},
        "cause": "payment-db",
        "confidence": 0.82,
        "anomaly": {"metric": "latency", "current": 2.4, "expected": 0.3, "deviation": 8.1},
        "recommendation": {
            "action": "Roll back to v2.3.0",
            "estimated_minutes": 5,
            "success_rate": 0.95,
            "similar_cases": 8,
        },
        "links": [],
    }


def _print_outcomes(outcomes: list[tuple[str, str, Delivered]], output: str) -> None:
    _check_output(output)
    if output == "json":
        items = [
            {"target": name, "kind": kind, "ok": outcome.ok, "retry": outcome.retry, "reason": outcome.reason}
            for name, kind, outcome in outcomes
        ]
        print_document(
            json.dumps({"at": rfc3339(round(time.time())), "items": items}, indent=2, ensure_ascii=False)
        )
        return
    table = Table()
    for column in ("target", "service", "outcome", "reason"):
        table.add_column(column)
    for name, kind, outcome in outcomes:
        shown = (
            "delivered" if outcome.ok else "failed; it would be tried again" if outcome.retry else "failed"
        )
        table.add_row(*map(Text, (name, kind, shown, one_line(outcome.reason, 300))))
    table_console().print(table)


def _check_output(output: str) -> None:
    if output not in ("table", "json"):
        raise UsageError(f"--output: {output!r} is none; it is table or json")
