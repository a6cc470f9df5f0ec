"""`sre-copilot case`: what is to be done with recorded incidents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from sre_copilot.cli.languages import default_language
from sre_copilot.cli.streams import print_document
from sre_copilot.errors import BadCaseError
from sre_copilot.incidents.report.clean import one_line
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import say
from sre_copilot.perception.case_format.case_check import CaseCheck, check_cases
from sre_copilot.perception.case_format.contents import Content
from sre_copilot.perception.case_format.remarks import Remark

BAD = 2
READ = {"en": "{rows:,} rows", "zh": "{rows:,} 条"}
SERVICES = {"en": ", services: {services:,}", "zh": "，服务：{services:,}"}
SPAN = {"en": ", {first} to {last} UTC", "zh": "，{first} 至 {last} UTC"}
ROW = {"en": " (row {row})", "zh": "（第 {row} 行）"}  # counted from 0

app = typer.Typer(no_args_is_help=True, help="Validate recorded cases.")


class CheckOutput(StrEnum):
    """A form of the result."""

    TABLE = "table"
    JSON = "json"


@app.callback()
def case() -> None:
    """Validate recorded cases."""


@app.command("check")
def check(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder of a recorded case, or of cases.", show_default=False),
    ],
    output: Annotated[
        CheckOutput, typer.Option("--output", "-o", help="Form of the result.")
    ] = CheckOutput.TABLE,
) -> None:
    """Validate a recorded incident, or a folder of them; name file, row and field of what is wrong.

    Exit code 0: all can be read (oddities are noted); 2: some cannot.
    """
    checks = list(check_cases(folder))
    if output is CheckOutput.JSON:
        print_document(json.dumps(as_json(checks), ensure_ascii=False, indent=2))
    else:
        console = Console(highlight=False)
        for line in lines(checks, default_language().value):
            console.print(line, soft_wrap=True)
    if not all(each.ok for each in checks):
        raise typer.Exit(BAD)


def lines(checks: Sequence[CaseCheck], lang: Language) -> Iterator[Text]:
    """Say the result: a line a case, then its problems and remarks, then the sum."""
    for each in checks:
        mark, style = ("ok ", "green") if each.ok else ("bad", "red")
        yield Text.assemble((mark, style), "  ", one_line(each.folder.name))
        for content in each.contents:
            yield Text.assemble(
                "     ", ("read   ", "dim"), "  ", one_line(content.file), ": ", _read(content, lang)
            )
        for problem in each.problems:
            yield Text.assemble("     ", ("problem", "red"), "  ", one_line(str(problem), limit=400))
        for remark in each.remarks:
            kind, style = ("gap    ", "yellow") if remark.is_gap else ("note   ", "dim")
            row = "" if remark.row is None else ROW[lang].format(row=remark.row)
            yield Text.assemble(
                "     ", (kind, style), "  ", one_line(say(remark.message, lang), limit=400), row
            )
    bad = sum(not each.ok for each in checks)
    yield Text(f"{len(checks)} checked, {bad} bad", style="bold")


def _read(content: Content, lang: Language) -> str:
    said = READ[lang].format(rows=content.rows)
    if content.services is not None:
        said += SERVICES[lang].format(services=content.services)
    if content.span is not None:
        said += SPAN[lang].format(first=_moment(content.span.start), last=_moment(content.span.end))
    return said


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def as_json(checks: Sequence[CaseCheck]) -> dict[str, Any]:
    """The result as data."""
    return {"ok": all(each.ok for each in checks), "cases": [_case(each) for each in checks]}


def _case(each: CaseCheck) -> dict[str, Any]:
    return {
        "folder": str(each.folder),
        "ok": each.ok,
        "read": [_content(content) for content in each.contents],
        "problems": [_problem(problem) for problem in each.problems],
        "remarks": [_remark(remark) for remark in each.remarks],
    }


def _content(content: Content) -> dict[str, Any]:
    return {
        "file": content.file,
        "rows": content.rows,
        "services": content.services,
        "first": content.span.start if content.span else None,
        "last": content.span.end if content.span else None,
    }


def _problem(problem: BadCaseError) -> dict[str, Any]:
    return {
        "file": problem.file,
        "row": problem.row,
        "field": problem.field or None,
        "problem": problem.problem,
        "remedy": problem.remedy or None,
    }


def _remark(remark: Remark) -> dict[str, Any]:
    return {
        "kind": "gap" if remark.is_gap else "note",
        "key": remark.key,
        "file": remark.file,
        "row": remark.row,
        "field": remark.field or None,
        "text": say(remark.message, "en"),
        "params": dict(remark.params),
    }
