"""`sre-copilot investigate CASE`: from a recorded incident to a report."""

from __future__ import annotations

import os
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console

from sre_copilot.app import investigate_case
from sre_copilot.errors import UsageError
from sre_copilot.incidents.investigation import Investigation, answered
from sre_copilot.incidents.report import build, print_report, render

INCONCLUSIVE = 3

STAGES = {
    "collect": {"en": "reading the case", "zh": "读取案例"},
    "detect": {"en": "looking for what is abnormal", "zh": "检测异常"},
    "localise": {"en": "ranking suspects", "zh": "定位嫌疑对象"},
    "verify": {"en": "re-running every cited check", "zh": "重新执行所引用的检查"},
    "conclude": {"en": "concluding", "zh": "得出结论"},
}


class Language(StrEnum):
    """A language of the report."""

    EN = "en"
    ZH = "zh"


class Output(StrEnum):
    """A form of the report."""

    TABLE = "table"
    JSON = "json"
    MD = "md"
    HTML = "html"


def default_language() -> Language:
    """Chinese where the environment's locale is Chinese, else English."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return Language.ZH if locale.lower().startswith("zh") else Language.EN


def investigate(
    case: Annotated[Path, typer.Argument(help="Folder of a recorded incident.", show_default=False)],
    lang: Annotated[
        Language | None, typer.Option(help="Language of the report (default: the locale's).")
    ] = None,
    output: Annotated[Output, typer.Option("--output", "-o", help="Form of the report.")] = Output.TABLE,
    out: Annotated[
        Path | None, typer.Option(help="Write the report to this file instead of printing it.")
    ] = None,
) -> None:
    """Investigate a recorded incident: what broke, where, why, and what could not be seen.

    Exit code 0: answered (also "no fault"); 3: inconclusive; 2: usage or bad input; 1: internal error.
    """
    language = lang or default_language()
    report_to(out, with_progress(case, language), output, language)


def report_to(out: Path | None, investigation: Investigation, output: Output, language: Language) -> None:
    """Print or write the report, then leave with the exit code of the outcome."""
    report = build(investigation.diagnosis, investigation.observation, investigation.observed)
    if output is Output.TABLE and out is None:
        print_report(report, Console(), lang=language.value)
    elif output is Output.TABLE and out is not None:
        page = Console(file=StringIO(), width=120)
        print_report(report, page, lang=language.value)
        _write(out, cast(StringIO, page.file).getvalue())
    elif out:
        _write(out, render(report, output=output.value, lang=language.value))
    else:
        typer.echo(render(report, output=output.value, lang=language.value))
    if not answered(investigation.diagnosis):
        raise typer.Exit(INCONCLUSIVE)


def with_progress(case: Path, language: Language) -> Investigation:
    """Investigate and say on standard error what is being done, where someone is watching."""
    console = Console(stderr=True)
    with console.status(STAGES["collect"][language.value]) as status:
        return investigate_case(case, progress=lambda stage: status.update(STAGES[stage][language.value]))


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}. Name a file in a folder that exists.") from error
