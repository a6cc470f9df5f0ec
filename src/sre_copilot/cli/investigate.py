"""`sre-copilot investigate`: from a recorded incident, or from an alert on the configured sources, to a report."""

from __future__ import annotations

from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console

from sre_copilot.app import investigate_case
from sre_copilot.cli.files import write_file
from sre_copilot.cli.languages import Language, default_language
from sre_copilot.cli.options import AlertFile, ConfigFile, MayAskModel
from sre_copilot.cli.streams import print_document
from sre_copilot.errors import UsageError
from sre_copilot.incidents.investigation import Investigation, answered
from sre_copilot.incidents.report import Report, build, print_report, render
from sre_copilot.perception.case_format.reading import one_case
from sre_copilot.settings.loading import load

INCONCLUSIVE = 3

STAGES = {
    "collect": {"en": "reading the case", "zh": "读取案例"},
    "detect": {"en": "looking for what is abnormal", "zh": "检测异常"},
    "localise": {"en": "ranking suspects", "zh": "定位嫌疑对象"},
    "verify": {"en": "re-running every cited check", "zh": "重新执行所引用的检查"},
    "conclude": {"en": "concluding", "zh": "得出结论"},
    "reflect": {"en": "trying to refute the conclusion", "zh": "尝试反驳结论"},
}


class Output(StrEnum):
    """A form of the report."""

    TABLE = "table"
    JSON = "json"
    MD = "md"
    HTML = "html"


ENDINGS = {
    ".html": Output.HTML,
    ".htm": Output.HTML,
    ".md": Output.MD,
    ".json": Output.JSON,
    ".txt": Output.TABLE,
}
STANDARD_OUTPUT = Path("-")


def investigate(
    case: Annotated[
        Path | None,
        typer.Argument(metavar="[CASE]", help="Folder of a recorded incident.", show_default=False),
    ] = None,
    *,
    alert: AlertFile = None,
    service: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Instead of a case: a service on the configured sources.", show_default=False
        ),
    ] = "",
    since: Annotated[
        str, typer.Option(help="With --service: from so long ago, for example 30m or 2h.")
    ] = "30m",
    incident: Annotated[
        str,
        typer.Option(
            metavar="ID",
            help="Instead of a case: an incident of the store, by its id or its number.",
            show_default=False,
        ),
    ] = "",
    config: ConfigFile = None,
    model: MayAskModel = True,
    lang: Annotated[
        Language | None, typer.Option(help="Language of the report (default: the locale's).")
    ] = None,
    url: Annotated[
        str,
        typer.Option(help="With --incident: ask the server there for it, not the store.", show_default=False),
    ] = "",
    token: Annotated[
        str,
        typer.Option(
            envvar="SRE_COPILOT_TOKEN",
            help="With --url: token (default: that of the first start, in store.folder).",
            show_default=False,
        ),
    ] = "",
    output: Annotated[
        Output | None,
        typer.Option(
            "--output",
            "-o",
            help="Form of the report (default: as --out ends, else table).",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the report to this file instead of printing it; - prints it."
        ),
    ] = None,
) -> None:
    """Investigate a recorded incident, or an alert, service or incident on the configured sources: what broke, where, why, and what could not be seen.

    Exit code 0: answered (also "no fault"); 3: inconclusive; 2: usage or bad input; 1: internal error.
    """
    language = lang or default_language()
    path = None if out == STANDARD_OUTPUT else out
    if [case is not None, alert is not None, bool(service), bool(incident)].count(True) != 1:
        raise UsageError(
            "Name one thing to investigate: the folder of a case, --alert FILE, --service NAME, or --incident ID."
        )
    if case is not None:
        found = with_progress(case, language)
        diagnosis, report = found.diagnosis, build(found.diagnosis, found.observation, found.observed)
    else:
        from sre_copilot.cli import investigate_live as live  # noqa: PLC0415 - the whole team

        settings = load(config)
        if incident:
            chosen = (
                live.asked(config, incident, url=url, token=token) if url else live.kept(settings, incident)
            )
        else:
            chosen = live.Chosen(incident=live.incident_from(alert, service, since))
        diagnosis, report = live.investigate_live(settings, chosen, language.value, model=model)
    report_to(path, report, output or form_of(path), language)
    if not answered(diagnosis):
        raise typer.Exit(INCONCLUSIVE)


def form_of(out: Path | None) -> Output:
    """The form that the ending of a file asks for; a table where there is no file, or no ending that is known."""
    return ENDINGS.get(out.suffix.lower(), Output.TABLE) if out else Output.TABLE


def report_to(out: Path | None, report: Report, output: Output, language: Language) -> None:
    """Print or write the report."""
    if output is Output.TABLE and out is None:
        print_report(report, Console(), lang=language.value)
    elif output is Output.TABLE and out is not None:
        page = Console(file=StringIO(), width=120)
        print_report(report, page, lang=language.value)
        write_file(out, cast(StringIO, page.file).getvalue(), option="--out")
    elif out:
        write_file(out, render(report, output=output.value, lang=language.value), option="--out")
    else:
        print_document(render(report, output=output.value, lang=language.value))


def with_progress(case: Path, language: Language) -> Investigation:
    """Investigate and say on standard error what is being done, where someone is watching."""
    one_case(case)
    console = Console(stderr=True)
    with console.status(STAGES["collect"][language.value]) as status:
        return investigate_case(case, progress=lambda stage: status.update(STAGES[stage][language.value]))
