"""`sre-copilot stats`: how quickly things are found and mended, and how often a repair helps."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sre_copilot.cli.alerting_tables import Output, check_form, say, show, table
from sre_copilot.cli.languages import Language, default_language
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.server import TokenOption, Url, server
from sre_copilot.incidents.statistics.figures import Figure
from sre_copilot.incidents.statistics.picture import bar, shown

MET = {True: "met", False: "MISSED", None: ""}
AIM = {"seconds": "<", "ratio": "≥"}
"""How a figure is to be to its target: a time below it, a share at least it."""
FIELDS = ("unit", "value", "median", "p90", "n", "of", "least", "target", "traditional", "missing")


def stats(
    *,
    days: Annotated[float, typer.Option(min=0.01, max=3660, help="So many days back.")] = 30,
    lang: Annotated[Language | None, typer.Option(help="Language (default: the locale's).")] = None,
    output: Output = "table",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Show MTTD, MTTI, MTTR, repair success, precision of warnings and noise reduction, each with how many cases it is of.

    Exit code 0: shown, and no target is missed; 1: one is missed; 2: usage; 3: no server answers.
    """
    check_form(output)
    spoken = (lang or default_language()).value
    with server(config, url=url, token=token) as there:
        found = there.get("/api/v1/stats", days=days, lang=spoken)
    if not show(found, output):
        _print(found)
    if any(each["met"] is False for each in found["figures"].values()):
        raise typer.Exit(1)


def _print(found: dict[str, Any]) -> None:
    counts = found["counts"]
    say(f"{found['since']} - {found['until']}")
    say("; ".join(f"{name}: {count:,}" for name, count in counts.items()))
    columns = ("figure", "mean or share", "median", "90th", "n", "target", "usual", "", "bar", "missing")
    table(columns, [_row(name, each) for name, each in found["figures"].items()], nothing="")
    for problem in found["problems"]:
        say(problem)


def _row(name: str, each: dict[str, Any]) -> tuple[str, ...]:
    figure = Figure(name=name, **{field: each[field] for field in FIELDS})
    value = each["problem"] or shown(figure, figure.value)
    if each["interval"]:
        value += f" ({shown(figure, each['interval'][0])} - {shown(figure, each['interval'][1])})"
    return (
        each["title"],
        value,
        shown(figure, figure.median) if figure.unit == "seconds" else "",
        shown(figure, figure.p90) if figure.unit == "seconds" else "",
        f"{figure.n} of {figure.of}",
        "" if figure.target is None else f"{AIM[figure.unit]} {shown(figure, figure.target)}",
        "" if figure.traditional is None else shown(figure, figure.traditional),
        MET[each["met"]],
        bar(figure),
        "; ".join(each["missing_words"]),
    )
