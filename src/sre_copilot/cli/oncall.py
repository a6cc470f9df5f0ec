"""`sre-copilot oncall`: who is on call, who takes over, and what a calendar would mean."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from sre_copilot.alerts.oncall.calendar import read_calendar
from sre_copilot.alerts.oncall.people import OnCall, Turn
from sre_copilot.alerts.oncall.roster import Roster
from sre_copilot.alerts.oncall.schedule import Schedule
from sre_copilot.app.oncall import LiveRoster
from sre_copilot.app.oncall_changes import imported_rows, new_override, schedule_of
from sre_copilot.app.storing import open_database
from sre_copilot.cli.account import caller
from sre_copilot.cli.oncall_picture import picture
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.streams import print_document, table_console
from sre_copilot.cli.times import duration, moment
from sre_copilot.cli.words import counted
from sre_copilot.clock import rfc3339
from sre_copilot.errors import UsageError
from sre_copilot.incidents.report.clean import one_line
from sre_copilot.settings.loading import load
from sre_copilot.store.oncall import OverrideStore
from sre_copilot.telemetry import set_up_logging

app = typer.Typer(
    help="Who is on call, who takes over, and what a calendar would mean.", no_args_is_help=True
)
DAY_S = 86_400.0
Only = Annotated[str, typer.Option("--schedule", help="Only this schedule.", show_default=False)]
Days = Annotated[int, typer.Option(min=1, max=366, help="So many days.")]
Output = Annotated[str, typer.Option("--output", "-o", help="table or json.")]


@app.command("show")
def show(
    *,
    at: Annotated[str, typer.Option(metavar="TIME", help="Another time than now.")] = "now",
    days: Days = 7,
    only: Only = "",
    output: Output = "table",
    config: ConfigFile = None,
) -> None:
    """Show who is on call, who comes next, and when nobody is there; times are those of each schedule.

    Exit code 0: somebody is on call in every schedule; 1: in one nobody is; 2: usage.
    """
    _check_output(output)
    roster, _, problems = _opened(config)
    when = moment(at, now=time.time(), option="--at")
    plans = [schedule_of(roster, only)] if only else list(roster.schedules.values())
    if not plans:
        raise UsageError("alerting.people.schedules: holds none; see the page “On call”")
    if output == "json":
        items = [_document(plan, when, days) for plan in plans]
        print_document(
            json.dumps(
                {"at": rfc3339(when), "items": items, "problems": list(problems)},
                indent=2,
                ensure_ascii=False,
            )
        )
    else:
        for plan in plans:
            _print(roster, plan, when, days)
    _complain(problems)
    if any(not plan.on_call(when) for plan in plans):
        raise typer.Exit(1)


@app.command("override")
def override(
    schedule: Annotated[str, typer.Argument(help="Schedule.", show_default=False)],
    person: Annotated[str, typer.Argument(help="Who takes over.", show_default=False)],
    *,
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="From when.")] = "now",
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Until when.", show_default=False)] = "",
    lasting: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="Instead of --to: how long.", show_default=False)
    ] = "",
    replaces: Annotated[str, typer.Option(help="Only in the place of this person.", show_default=False)] = "",
    reason: Annotated[str, typer.Option(help="Why, for whoever asks.", show_default=False)] = "",
    config: ConfigFile = None,
) -> None:
    """Let somebody take over a schedule for a time."""
    roster, store, _ = _opened(config, changing=True)
    now = time.time()
    begin = moment(start, now=now, option="--from")
    if bool(end) == bool(lasting):
        raise typer.BadParameter("give one of --to TIME and --for DURATION")
    until = moment(end, now=now, option="--to") if end else begin + duration(lasting, option="--for")
    try:
        row = new_override(
            roster,
            schedule=schedule,
            person=person,
            start=begin,
            end=until,
            now=now,
            replaces=replaces,
            reason=reason,
        )
    except UsageError as error:
        asked = {"schedule": schedule, "person": person, "replaces": replaces, "start": begin, "end": until}
        store.refused("add", subject=schedule, now=now, by=caller(), problem=str(error), **asked)
        raise
    kept, _ = store.add(row, now=now, by=caller())
    zone = ZoneInfo(roster.schedules[schedule].time_zone)
    typer.echo(
        f"override {kept['id']}: {person} takes over {schedule} from {_local(begin, zone)} to {_local(until, zone)}"
    )


@app.command("overrides")
def overrides(*, only: Only = "", output: Output = "table", config: ConfigFile = None) -> None:
    """List overrides, the latest made first; the removed ones too."""
    _check_output(output)
    _, store, _ = _opened(config)
    rows = store.page(schedule=only, limit=1000).rows
    if output == "json":
        shown = [
            {key: rfc3339(value) if key.endswith("_at") else value for key, value in row.items()}
            for row in rows
        ]
        return print_document(json.dumps({"items": shown}, indent=2, ensure_ascii=False))
    columns = ("id", "schedule", "person", "replaces", "from", "to", "made by", "removed", "reason")
    table = Table(*columns)
    for row in rows:
        times = (rfc3339(row["starts_at"]) or "", rfc3339(row["ends_at"]) or "")
        who = (row["id"], row["schedule"], row["person"], row["replaces"])
        rest = (row["created_by"], rfc3339(row["removed_at"]) or "", one_line(row["reason"], 80))
        table.add_row(*map(Text, (*who, *times, *rest)))
    return table_console().print(table)


@app.command("remove-override")
def remove_override(
    key: Annotated[str, typer.Argument(metavar="ID", help="Id of the override.", show_default=False)],
    config: ConfigFile = None,
) -> None:
    """Remove an override; whoever is planned is on call again."""
    _, store, _ = _opened(config, changing=True)
    row = store.get(key)
    if row is None or store.remove(key, revision=row["revision"], now=time.time(), by=caller()) is None:
        why = (
            f"ID: there is no override {key!r}, or it was removed; `sre-copilot oncall overrides` lists them"
        )
        store.refused("remove", subject=key, now=time.time(), by=caller(), problem=why)
        raise UsageError(why)
    typer.echo(f"override {key} is removed")


@app.command("import")
def import_calendar(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="iCalendar file (.ics).", show_default=False)],
    *,
    into: Annotated[
        str,
        typer.Option("--schedule", help="Schedule whose overrides its shifts become.", show_default=False),
    ] = "",
    days: Days = 28,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what it means.")] = False,
    output: Output = "table",
    config: ConfigFile = None,
) -> None:
    """Take the shifts of a calendar for the next days as overrides of a schedule, each once however often it is imported.

    Nothing is taken when an event names nobody who is known. To plan a whole schedule by a calendar, name it as its `calendar_file` instead.
    """
    _check_output(output)
    roster, store, _ = _opened(config, changing=not dry_run)
    if not (into or dry_run):
        raise typer.BadParameter("give --schedule NAME, or --dry-run to see what the calendar means")
    name = schedule_of(roster, into).time_zone if into else "UTC"
    now = time.time()
    plan = _plan(file, roster, into or file.stem, name)
    found = plan.layers[0].turns(now, now + days * DAY_S)
    rows = imported_rows(roster, found, schedule=into, now=now, reason=f"from {file.name}") if into else []
    new = 0 if dry_run else store.add_all(rows, now=now, by=caller())
    if output == "json":
        shown = {"shifts": [_turn(each) for each in found], "new": new, "dry_run": dry_run}
        return print_document(json.dumps(shown, indent=2, ensure_ascii=False))
    _print(roster, plan, now, days)
    done = "nothing is changed (--dry-run)" if dry_run else f"{counted(new, 'new override')} of {into}"
    return typer.echo(f"{counted(len(found), 'shift')} in {counted(days, 'day')}; {done}")


def _plan(file: Path, roster: Roster, name: str, zone: str) -> Schedule:
    """A schedule of the calendar alone."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"FILE {file}: cannot be read: {error.strerror}. Name another.") from None
    layer = read_calendar(content, place=str(file), people=roster.people, zone=ZoneInfo(zone), name=file.name)
    return Schedule(id=name, name=name, time_zone=zone, layers=(layer,))


def _opened(config: ConfigFile, *, changing: bool = False) -> tuple[Roster, OverrideStore, tuple[str, ...]]:
    settings = load(config)
    if changing:  # the line of the audit goes where the server's lines go
        set_up_logging(settings.logging, rotating=False)
    store = OverrideStore(open_database(settings))
    live = LiveRoster(settings.alerting.people, store)
    return live.now(time.time()), store, live.problems


def _print(roster: Roster, plan: Schedule, at: float, days: int) -> None:
    console, zone = table_console(), ZoneInfo(plan.time_zone)
    end = at + days * DAY_S
    found, gaps = plan.shifts(at, end), plan.gaps(at, end)
    names = {key: each.name for key, each in roster.people.items()}
    present = ", ".join(names.get(each.person, each.person) for each in plan.on_call(at))
    following = plan.next_handover(at)
    more = f"; next hand-over {_local(following, zone)}" if following else ""
    head = f"{plan.name} ({plan.time_zone}), {_local(at, zone)}: {present or 'NOBODY'}{more}"
    console.print(Text(one_line(head, 400)), soft_wrap=True)
    table = Table("from", "to", "who", "by")
    parts = [*((each.start, each.end, names.get(each.person, each.person), _source(each)) for each in found)]
    parts += [(low, high, "NOBODY", "gap") for low, high in gaps]
    for low, high, who, source in sorted(parts):
        table.add_row(*map(Text, (_local(low, zone), _local(high, zone), who, source)))
    console.print(table)
    for line in picture(found, gaps, start=at, days=days, zone=zone, names=names):
        console.print(Text(line), soft_wrap=True)
    console.print()


def _document(plan: Schedule, at: float, days: int) -> dict[str, Any]:
    end = at + days * DAY_S
    present = plan.on_call(at)
    return {
        "schedule": plan.id,
        "name": plan.name,
        "time_zone": plan.time_zone,
        "on_call": [_shift(each) for each in present],
        "gap": not present,
        "next_handover_at": rfc3339(plan.next_handover(at)),
        "shifts": [_shift(each) for each in plan.shifts(at, end)],
        "gaps": [{"start": rfc3339(low), "end": rfc3339(high)} for low, high in plan.gaps(at, end)],
    }


def _shift(shift: OnCall) -> dict[str, Any]:
    names = ("person", "layer", "override", "instead_of")
    times = {"start": rfc3339(shift.start), "end": rfc3339(shift.end)}
    return {**times, **{name: getattr(shift, name) for name in names}}


def _turn(turn: Turn) -> dict[str, Any]:
    return {"start": rfc3339(turn.start), "end": rfc3339(turn.end), "person": turn.person}


def _source(shift: OnCall) -> str:
    instead = f" for {shift.instead_of}" if shift.instead_of else ""
    return f"override {shift.override}{instead}" if shift.override else shift.layer


def _local(at: float, zone: ZoneInfo) -> str:
    """A local time with its distance from UTC, which tells the two of a doubled hour apart."""
    return f"{datetime.fromtimestamp(at, UTC).astimezone(zone):%a %Y-%m-%d %H:%M %z}"


def _check_output(output: str) -> None:
    if output not in {"table", "json"}:
        raise typer.BadParameter(f"--output {output!r} is no form; write table or json")


def _complain(problems: tuple[str, ...]) -> None:
    for each in problems:
        print(one_line(each, 1000), file=sys.stderr)  # noqa: T201 - beside the document
