"""`sre-copilot killswitch`: stop all that acts, for every worker; it needs the store alone, and no server."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from sre_copilot.action.switch import Standing
from sre_copilot.app.acting import ActingDesk, open_desk
from sre_copilot.app.storing import open_database
from sre_copilot.cli.account import caller
from sre_copilot.cli.alerting_tables import Output, check_form, say, show
from sre_copilot.cli.options import ConfigFile
from sre_copilot.clock import rfc3339
from sre_copilot.settings.loading import load

app = typer.Typer(help="Stop all that acts, for every worker.", no_args_is_help=True)
Reason = Annotated[str, typer.Option(help="Why; it is kept in the audit.", show_default=False)]


@app.command("on")
def on(*, reason: Reason, output: Output = "table", config: ConfigFile = None) -> None:
    """Throw the switch: no plan begins, and begun ones are taken back or completed, as `remediation.on_kill_switch` says."""
    check_form(output)
    _show(_desk(config).switch.throw(who=caller(), reason=reason), output)


@app.command("off")
def off(*, reason: Reason, output: Output = "table", config: ConfigFile = None) -> None:
    """Let plans begin again; what a crash has held up is released with it."""
    check_form(output)
    _show(_desk(config).switch.reset(who=caller(), reason=reason), output)


@app.command("show")
def show_switch(*, output: Output = "table", config: ConfigFile = None) -> None:
    """Show how the switch stands.

    Exit code 0: plans may begin; 1: the switch is thrown, or a crash holds up what begins by itself; 2: usage.
    """
    check_form(output)
    standing = _desk(config).standing()
    _show(standing, output)
    if standing.thrown or standing.held:
        raise typer.Exit(1)


def _show(standing: Standing, output: str) -> None:
    if show(_row(standing), output):
        return
    word = "thrown: nothing is done" if standing.thrown else "not thrown"
    by = f", since {rfc3339(standing.at)} by {standing.who}: {standing.reason}" if standing.at else ""
    say(f"The kill switch is {word}{by}")
    if standing.held:
        say(
            f"A worker died while {standing.held_plan} ran by itself ({rfc3339(standing.held_at)}): "
            "nothing begins by itself until `sre-copilot killswitch off`"
        )


def _row(standing: Standing) -> dict[str, Any]:
    return {**asdict(standing), "at": rfc3339(standing.at), "held_at": rfc3339(standing.held_at)}


def _desk(config: ConfigFile) -> ActingDesk:
    settings = load(config)
    return open_desk(settings, open_database(settings))
