"""`sre-copilot rules`: what other rules would have done with the alerts of the last days."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sre_copilot.alerts.rehearsal import Difference
from sre_copilot.app.rehearsing import rehearse
from sre_copilot.app.storing import open_database
from sre_copilot.cli.alerting_tables import Output, check_form, say, show, table
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.words import counted
from sre_copilot.clock import SystemClock
from sre_copilot.incidents.alerting.rehearsed import document, noticed
from sre_copilot.incidents.alerting.surroundings import Lookout
from sre_copilot.settings.loading import load
from sre_copilot.store.alerting.inbox import Inbox
from sre_copilot.store.facts import Facts

app = typer.Typer(help="What other rules would have done.", no_args_is_help=True)
DAY_S = 86_400.0
SHOWN = 20  # alerts that are listed


@app.callback()
def rules() -> None:
    """Stay a group while there is one command only."""


@app.command("replay")
def replay(
    other: Annotated[Path, typer.Argument(metavar="FILE", help="Configuration with the changed rules.")],
    *,
    days: Annotated[float, typer.Option(min=0.01, max=366, help="So many days back.")] = 7,
    output: Output = "table",
    config: ConfigFile = None,
) -> None:
    """Say what changed rules would have done with the alerts of the last days; nobody is told anything, and nothing is changed.

    FILE is a copy of the configuration in which alerting.routing, alerting.correlation or alerting.lifecycle was changed. Both go through all
    alerts that came in, from an empty memory. Silences, maintenance and what people did are left out on both sides: it is about the rules.

    Exit code 0: people would notice no difference; 1: they would; 2: usage, or no alert is kept.
    """
    check_form(output)
    present, changed = load(config), load(other)
    database = open_database(present)
    now = time.time()
    try:
        with Console(stderr=True).status("replaying"):
            around = Lookout(tuple, Facts(database), SystemClock()).known
            found = rehearse(
                Inbox(database), present, changed, since=now - days * DAY_S, until=now, around=around
            )
    finally:
        database.close()
    if not show(document(found), output):
        _print(found)
    if noticed(found):
        raise typer.Exit(1)


def _print(found: Difference) -> None:
    before, after = found.before, found.after
    rows = [
        ("alerts", before.alerts, after.alerts),
        ("incidents", before.incidents, after.incidents),
        ("incidents that woke people", before.woken, after.woken),
        ("messages", before.notifications, after.notifications),
        *(
            (f"messages to {name}", before.told[name], after.told[name])
            for name in sorted(before.told | after.told)
        ),
    ]
    table(("", "present rules", "changed rules"), rows, nothing="")
    moved = [
        (key, ", ".join(old) or "nobody", ", ".join(new) or "nobody")
        for key, (old, new) in found.other_receivers.items()
    ]
    table(
        ("alert", "went to", "would go to"),
        moved[:SHOWN],
        nothing="Every alert would reach the same receivers.",
    )
    if len(moved) > SHOWN:
        say(f"{counted(len(moved), 'alert')} would reach others; --output json lists them all.")
    say(f"{counted(len(found.other_incidents), 'alert')} would come into another incident.")
    say(
        "Counted under the same alerts: a message is one text to one receiver; silences, maintenance and what people did are left out on both sides, "
        "so the present rules may count otherwise than what was really told."
    )
