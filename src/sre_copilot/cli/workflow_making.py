"""`sre-copilot workflow simulate` and `workflow generate`: try a workflow on the past, and make one from what is written."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sre_copilot.app.storing import open_database
from sre_copilot.app.workflow_desk import WorkflowDesk
from sre_copilot.cli.account import caller
from sre_copilot.cli.alerting_tables import Output, check_form, lines, say, show, table
from sre_copilot.cli.options import ConfigFile, MayAskModel
from sre_copilot.cli.streams import print_document
from sre_copilot.cli.times import moment
from sre_copilot.cli.words import counted
from sre_copilot.clock import SystemClock, rfc3339
from sre_copilot.errors import UsageError
from sre_copilot.settings.loading import load
from sre_copilot.store.alerting.states import AlertRecords

if TYPE_CHECKING:
    from sre_copilot.app.workflow_making import Made
    from sre_copilot.app.workflow_trying import Tried
    from sre_copilot.workflows.simulation.simulate import Decided, Simulation

FAILED = 1
CaseFolder = Annotated[
    Path | None, typer.Option("--case", metavar="DIR", help="A recorded case.", show_default=False)
]
IncidentId = Annotated[
    str, typer.Option("--incident", metavar="ID", help="An incident of the store.", show_default=False)
]


def simulate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File of a workflow.", show_default=False)],
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Its inputs.", show_default=False)
    ] = None,
    *,
    case: CaseFolder = None,
    at: Annotated[
        str, typer.Option("--at", help="On the configured sources, as they were then.", show_default=False)
    ] = "",
    incident: IncidentId = "",
    days: Annotated[
        float | None,
        typer.Option(
            "--days",
            min=0.01,
            max=3660,
            show_default=False,
            help="Each time of the last days that alerts and incidents would have started it.",
        ),
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option("--answer", metavar="STEP.FIELD=VALUE", help="What a person answers; repeatable."),
    ] = None,
    output: Output = "table",
    config: ConfigFile = None,
) -> None:
    """Run a workflow on the past: tools, checks and queries read what was recorded; actions, messages and tasks are told, not done.

    Exit code 0: it would have succeeded (with --days: each time); 1: it would have failed; 2: usage.
    """  # fmt: skip
    from sre_copilot.app.workflow_trying import DAY_S, Trial, on_sources, past  # noqa: PLC0415 - three seconds of imports, for those alone who try
    from sre_copilot.workflows.simulation.simulate import simulate as simulated  # noqa: PLC0415

    check_form(output)
    if sum((case is not None, bool(at), bool(incident), days is not None)) != 1:
        raise UsageError(
            "--case: say on what: --case DIR, --at TIME, --incident ID or --days N; one of them."
        )
    settings, text = load(config), _read(file)
    given, answers = _pairs(inputs or []), _answers(answer or [])
    if incident or days is not None:
        records = AlertRecords(open_database(settings))
        trial = Trial(
            text=text,
            records=records,
            open_ports=on_sources(settings),
            role="admin",
            inputs=given,
            answers=answers,
        )
        tried = (
            (trial.on_incident(incident),)
            if incident
            else trial.on_incidents(since=time.time() - (days or 0.0) * DAY_S)
        )
        _show_tried(tried, output)
        return
    then = moment(at, now=time.time(), option="--at") if at else None
    with past(settings, case=case, at=then) as (ports, now):
        found = simulated(text, ports, now=now, inputs=given, answers=answers, role="admin")
    if not show(asdict(found), output):
        _print(found)
    if found.status != "succeeded":
        raise typer.Exit(FAILED)


def generate(
    sop: Annotated[
        Path | None,
        typer.Argument(metavar="SOP", help="File of a semi-structured procedure.", show_default=False),
    ] = None,
    *,
    case: CaseFolder = None,
    incident: IncidentId = "",
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Whether it is kept as a draft.")] = True,
    model: MayAskModel = True,
    config: ConfigFile = None,
) -> None:
    """Make a workflow from a procedure, from an incident, or from what is found on a recorded case; print it with its difference to the present version.

    Where a model is configured it proposes the steps, else rules do. What lint finds wrong is repaired. It is kept as a draft, which nothing
    runs: `workflow apply --draft ID` makes it a version.
    Exit code 0: clean by lint; 1: lint has remarks; 2: usage.
    """
    from sre_copilot.app.asking import speaker_of  # noqa: PLC0415 - as above
    from sre_copilot.app.workflow_making import Making  # noqa: PLC0415

    if sum((sop is not None, case is not None, bool(incident))) != 1:
        raise UsageError("SOP: name the file of a procedure, --incident ID, or --case DIR; one of them.")
    settings = load(config)
    database, clock = open_database(settings), SystemClock()
    speaker = speaker_of(settings) if model and case is None else None
    making = Making(settings, database, clock, speaker)
    if sop is not None:
        made, origin = making.from_procedure(_read(sop), name=sop.name), str(sop)
    elif incident:
        made, origin = making.from_incident(incident), f"incident {incident}"
    else:
        made, origin = making.from_case(_folder(case)), str(case)
    _show_made(made, WorkflowDesk(settings, database, clock), origin if keep else "")


def _show_made(made: Made, desk: WorkflowDesk, origin: str) -> None:
    """Print what was made, what is to say of it on standard error, and keep it where it has an origin."""
    print_document(made.text.rstrip("\n"))
    _remark(_compared(made.text, desk))
    _remark(f"made by {made.by}" + (f" ({made.why_rules})" if made.why_rules else ""))
    for each in made.repaired.repairs:
        _remark(f"repaired: {each}")
    if origin:
        kept = desk.draft(
            made.text, who=caller(), origin=origin, made_by=made.by, repairs=made.repaired.repairs
        )
        _remark(
            f"{kept['id']} is kept as a draft; look at it, then `sre-copilot workflow apply --draft {kept['id']}`"
        )
    for remark in made.repaired.remarks:
        _remark(str(remark))
    if made.repaired.remarks:
        raise typer.Exit(FAILED)


def _compared(text: str, desk: WorkflowDesk) -> str:
    """The difference to the present version, where there is one."""
    if desk.collection.store.version(desk.id_of(text)) is None:
        return "there is no version of it yet"
    return desk.difference(text) or "the present version is the same"


def _remark(text: str) -> None:
    typer.echo(text, err=True)


def _show_tried(tried: Sequence[Tried], output: Output) -> None:
    if not show({"items": [each.document() for each in tried]}, output):
        for each in tried:
            say(f"{each.incident_id or '-'} at {rfc3339(each.at)}, started by {each.started_by}")
            if each.found is not None:
                _print(each.found)
            if each.problem:
                say(each.problem)
        say(f"would have been started {counted(len(tried), 'time')}")
    if any(each.found is None or each.found.status != "succeeded" for each in tried):
        raise typer.Exit(FAILED)


def _print(found: Simulation) -> None:
    lines([("status", found.status), ("error", found.error), ("seconds", round(found.seconds, 3))])
    table(("step", "kind", "status", "error"), [(each.step, each.kind, each.status, each.error) for each in found.path], nothing="no step")  # fmt: skip
    for each in found.conditions:
        say(_said(each))
    for deed in found.would:
        say(
            f"would {deed.kind} ({deed.step}): {deed.text} {json.dumps(dict(deed.detail), ensure_ascii=False)}"
        )
    lines([("outputs", json.dumps(dict(found.outputs), ensure_ascii=False) if found.outputs else "")])


def _said(each: Decided) -> str:
    value = "has no value" if each.value is None else str(each.value).lower()
    read = ", ".join(
        f"{name} = {json.dumps(seen, ensure_ascii=False)[:200]}" for name, seen in each.read.items()
    )
    return f"condition of {each.step}: {value}: {each.expression} ({read})" + (f": {each.problem}" if each.problem else "")  # fmt: skip


def _answers(given: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in given:
        place, sign, value = each.partition("=")
        step, dot, field = place.partition(".")
        if not sign or not dot:
            raise typer.BadParameter(f"--answer {each!r} is none; write STEP.FIELD=VALUE")
        found.setdefault(step, {})[field] = _typed(value)
    return found


def _pairs(given: list[str]) -> dict[str, Any]:
    pairs = [each.partition("=") for each in given]
    if wrong := next((each for each, pair in zip(given, pairs, strict=True) if not pair[1]), None):
        raise typer.BadParameter(f"{wrong!r} is no input; write NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _typed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _folder(case: Path | None) -> Path:
    if case is None or not case.is_dir():
        raise UsageError(f"--case {case}: is no folder. Name that of a recorded case.")
    return case


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read ({type(error).__name__}). Name a file of text.") from None
