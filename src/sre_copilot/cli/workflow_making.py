"""`sre-copilot workflow simulate` and `workflow generate`: try a workflow on the past, and make one from what is written."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from sre_copilot.app.storing import open_database
from sre_copilot.app.workflow_desk import WorkflowDesk
from sre_copilot.app.workflow_trying import from_case, from_procedure, past
from sre_copilot.cli.alerting_tables import Output, check_form, lines, say, show, table
from sre_copilot.cli.oncall import _who
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.streams import print_document
from sre_copilot.cli.times import moment
from sre_copilot.clock import SystemClock
from sre_copilot.errors import UsageError
from sre_copilot.settings.loading import load
from sre_copilot.workflows.lint.linter import lint_text
from sre_copilot.workflows.simulation.simulate import Decided, Simulation
from sre_copilot.workflows.simulation.simulate import simulate as simulated

FAILED = 1
CaseFolder = Annotated[
    Path | None, typer.Option("--case", metavar="DIR", help="A recorded case.", show_default=False)
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
    answer: Annotated[
        list[str] | None,
        typer.Option("--answer", metavar="STEP.FIELD=VALUE", help="What a person answers; repeatable."),
    ] = None,
    output: Output = "table",
    config: ConfigFile = None,
) -> None:
    """Run a workflow on a past incident: tools, checks and queries read what was recorded; actions, messages and tasks are told, not done.

    Exit code 0: it would have succeeded; 1: it would have failed; 2: usage.
    """
    check_form(output)
    if (case is None) == (not at):
        raise UsageError("--case: say on what: --case DIR, or --at TIME; not both.")
    then = moment(at, now=time.time(), option="--at") if at else None
    with past(load(config), case=case, at=then) as (ports, now):
        found = simulated(
            _read(file),
            ports,
            now=now,
            inputs=_pairs(inputs or []),
            answers=_answers(answer or []),
            role="admin",
        )
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
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Whether it is kept as a draft.")] = True,
    config: ConfigFile = None,
) -> None:
    """Make a workflow from a procedure, or from what is found on a recorded case, by rules; print it with its difference to the present version.

    It is kept as a draft, which nothing runs: `workflow apply --draft ID` makes it a version.
    Exit code 0: clean by lint; 1: lint has remarks; 2: usage.
    """
    if (sop is None) == (case is None):
        raise UsageError("SOP: name the file of a procedure, or --case DIR; not both.")
    settings = load(config)
    text = from_procedure(_read(sop), settings, name=sop.name) if sop else from_case(_folder(case))
    desk = WorkflowDesk(settings, open_database(settings), SystemClock())
    difference = desk.difference(text)
    print_document(text)
    print_document(difference or "the present version is the same")
    if keep:
        made = desk.draft(text, who=_who(), origin=str(sop or case))
        say(
            f"{made['id']} is kept as a draft; look at it, then `sre-copilot workflow apply --draft {made['id']}`"
        )
    remarks = lint_text(text, desk.known)
    for each in remarks:
        say(str(each))
    if remarks:
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
