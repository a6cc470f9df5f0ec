"""`sre-copilot action`: what could be done to other systems, and what it would do. An effect needs an approved plan."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from sre_copilot.app.acting import ActingDesk, open_desk, preview_row
from sre_copilot.app.approving_made import plans_of
from sre_copilot.app.storing import open_database
from sre_copilot.cli.alerting_tables import Output, check_form, say, show, table
from sre_copilot.cli.oncall import _who
from sre_copilot.cli.options import ConfigFile
from sre_copilot.errors import UsageError
from sre_copilot.settings.loading import load

app = typer.Typer(help="What could be done to other systems, and what it would do.", no_args_is_help=True)


@app.command("list")
def list_actions(*, output: Output = "table", config: ConfigFile = None) -> None:
    """List every action that the configured executors know, with its level, and whether it can be undone and told from none.

    Exit code 0: listed; 2: usage.
    """
    check_form(output)
    desk = _desk(config)
    rows = desk.specs(desk.settings.language)
    if show({"items": rows}, output):
        return
    columns = ("action", "level", "undo", "exactly once", "parameters", "does")
    shown = [
        (row["name"], row["level"], _yes(row["reversible"]), _yes(row["exactly_once"]), _parameters(row), row["does"])
        for row in rows
    ]  # fmt: skip
    table(columns, shown, nothing="No action: configure actions.executors.")


@app.command("run")
def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Action, as `action list` names it.", show_default=False)],
    *,
    target: Annotated[
        str,
        typer.Option(help="A service of actions.targets, or KIND/NAME, KIND/NAMESPACE/NAME.", show_default=False),
    ],
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="KEY=VALUE", help="A parameter; may be given often.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what it would do.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for whoever approves it.", show_default=False)] = "",
    output: Output = "table",
    config: ConfigFile = None,
) -> None:  # fmt: skip
    """Show what an action would do (--dry-run), or propose it as a plan that waits for an approver; it is never carried out at once.

    Exit code 0: shown or proposed; 2: usage.
    """
    check_form(output)
    desk = _desk(config)
    action = desk.action(name, target, parameters(param or []))
    if dry_run:
        row = preview_row(action, desk.preview(action), desk.settings.language)
        if not show(row, output):
            _say_preview(row)
        return
    plan = desk.propose(action, who=_who(), plans=plans_of(desk.settings, desk.database), reason=reason)
    if not show({"plan_id": plan.id, "status": "proposed"}, output):
        say(f"{plan.id} is proposed; it waits for an approver (sre-copilot plan approve {plan.id})")


def parameters(given: list[str]) -> dict[str, Any]:
    """`KEY=VALUE` as parameters; a value that is JSON is taken as that.

    Raises
    ------
    UsageError : when one has no `=`, or stands twice
    """
    found: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError(f"--param {each[:80]!r}: write KEY=VALUE")
        if name in found:
            raise UsageError(f"--param {name}: stands twice; give it once")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _say_preview(row: dict[str, Any]) -> None:
    judged = (
        "the target itself has judged it" if row["checked_by_target"] else "as far as can be told from here"
    )
    say(f"{row['action']} on {row['target']['name']}: nothing was changed ({judged})")
    for line in row["difference"] or ["no difference"]:
        say(f"  {line}")
    for line in row["objections"]:
        say(f"  ! {line}")


def _parameters(row: dict[str, Any]) -> str:
    known = row["parameters"]
    needed = set(known.get("required", ()))
    return ", ".join(f"{name}{'' if name in needed else '?'}" for name in known.get("properties", {}))


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _desk(config: ConfigFile) -> ActingDesk:
    settings = load(config)
    return open_desk(settings, open_database(settings))
