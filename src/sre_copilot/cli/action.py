"""`sre-copilot action`: what could be done to other systems, and what it would do. An effect needs an approved plan."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from sre_copilot.app.acting import ActingDesk, open_desk, preview_row
from sre_copilot.app.approving_made import plans_of
from sre_copilot.app.storing import open_database
from sre_copilot.cli.account import caller
from sre_copilot.cli.alerting_tables import Output, check_form, say, show, table
from sre_copilot.cli.options import ConfigFile
from sre_copilot.domain.plan import Plan
from sre_copilot.errors import UsageError
from sre_copilot.settings.loading import load

app = typer.Typer(help="What could be done to other systems, and what it would do.", no_args_is_help=True)


@app.command("list")
def list_actions(*, output: Output = "table", config: ConfigFile = None) -> None:
    """List every action that the configured executors know, with the kinds of target that it is done to, its parameters (`?`: may be left out), its level, and whether it can be undone and told from none.

    Exit code 0: listed; 2: usage.
    """
    check_form(output)
    desk = _desk(config)
    rows = desk.specs(desk.settings.language)
    if show({"items": rows}, output):
        return
    columns = ("action", "done to", "parameters", "level", "undo", "exactly once", "does")
    shown = [
        (row["name"], ", ".join(row["kinds"]), described(row["parameters"]), row["level"], _yes(row["reversible"]), _yes(row["exactly_once"]), row["does"])
        for row in rows
    ]  # fmt: skip
    table(columns, shown, nothing="No action: configure actions.executors.")
    if rows:
        say(f"for example: sre-copilot action run {example(rows)} --dry-run")


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
    incident: Annotated[
        str, typer.Option(metavar="ID", help="Incident during which it is done, by id or number; its report tells of it.", show_default=False)
    ] = "",
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
        lang = desk.settings.language
        row = {**preview_row(action, desk.preview(action), lang), "judgement": desk.judgement(action, lang)}
        if not show(row, output):
            _say_preview(row)
        return
    plans = plans_of(desk.settings, desk.database)
    there = desk.waiting(action, plans)
    plan = there or desk.propose(action, who=caller(), plans=plans, reason=reason, incident=incident)
    if not show({"plan_id": plan.id, "status": "proposed", "already": there is not None}, output):
        _say_proposed(plan, there is not None)


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


def _say_proposed(plan: Plan, already: bool) -> None:
    how = f"(sre-copilot plan approve {plan.id})"
    if already:
        say(f"{plan.id} does the same already, and waits for an approver {how}; {plan.requester} asked for it. No second plan was made.")  # fmt: skip
    else:
        say(f"{plan.id} is proposed; it waits for an approver {how}")


def _say_preview(row: dict[str, Any]) -> None:
    judged = (
        "the target itself has judged it" if row["checked_by_target"] else "as far as can be told from here"
    )
    say(f"{row['action']} on {row['target']['name']}: nothing was changed ({judged})")
    for line in row["difference"] or ["no difference"]:
        say(f"  {line}")
    for line in row["objections"]:
        say(f"  ! {line}")
    _say_judgement(row["judgement"])


def _say_judgement(row: dict[str, Any]) -> None:
    say(f"{'forbidden; ' if row['forbidden'] else ''}{row['words']}")
    for line in row["reasons"]:
        say(f"  {line}")
    for line in row["limits"]:
        say(f"  it would not be begun now: {line}")


def described(schema: Mapping[str, Any]) -> str:
    """Parameters with type and range; `?` marks one that may be left out."""
    needed = set(schema.get("required", ()))
    return ", ".join(
        f"{name}{'' if name in needed else '?'}{_of_type(each)}"
        for name, each in schema.get("properties", {}).items()
    )


def example(rows: Sequence[Mapping[str, Any]]) -> str:
    """An action with a target as it is given: a service of `actions.targets` where one is named there."""
    row = next((each for each in rows if each["targets"]), rows[0])
    target = row["targets"][0] if row["targets"] else f"{row['kinds'][0]}/NAME"
    needed = "".join(f" --param {name}=…" for name in row["parameters"].get("required", ()))
    return f"{row['name']} --target {target}{needed}"


def _of_type(schema: Mapping[str, Any]) -> str:
    if schema.get("enum"):
        return f": {'|'.join(map(str, schema['enum']))}"
    kind = schema.get("type", "")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None and high is None:
        return f": {words}" if words else ""
    return f": {words} {'' if low is None else low}..{'' if high is None else high}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _desk(config: ConfigFile) -> ActingDesk:
    settings = load(config)
    return open_desk(settings, open_database(settings))
