"""The report as one self-contained HTML page: nothing is loaded, nothing runs."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from sre_copilot.incidents.report.charts import axis_name, band_words, chart
from sre_copilot.incidents.report.checks import in_words, observed_in_words
from sre_copilot.incidents.report.clean import visible
from sre_copilot.incidents.report.graph import graph
from sre_copilot.incidents.report.graph_tall import tall
from sre_copilot.incidents.report.model import CheckResult, Language, Report
from sre_copilot.incidents.report.numbers import clock, date, iso, number, percentage
from sre_copilot.incidents.report.words import fault_words, metric_words, moment, say, word


def render(report: Report, lang: Language) -> str:
    """Write the page."""
    return _template().render(
        report=report,
        lang=lang,
        css=_style(),
        day=report.day,
        **_verbs(lang, report.day),
    )


def _verbs(lang: Language, day: float | None) -> dict[str, Any]:
    """Return what the template may call, each bound to the language."""

    def check(result: CheckResult) -> str:
        return in_words(result.check, lang, day=day)

    return {
        "t": lambda key, **params: word(key, lang, **params),
        "say": lambda message: say(message, lang),
        "fault": lambda identifier: fault_words(identifier, lang),
        "metric": lambda name: metric_words(name, lang),
        "check": check,
        "observed": lambda result: observed_in_words(result, lang),
        "chart": lambda picture, key: chart(picture, lang, key=key),
        "graph": lambda drawing: graph(drawing, lang, key="topology-wide"),
        "tall": lambda drawing: tall(drawing, lang, key="topology-tall"),
        "axis_name": lambda picture: axis_name(picture, lang),
        "band_words": lambda picture: band_words(picture, lang),
        "moment": lambda at: moment(at, lang),
        "date": lambda at: date(at, lang),
        "clock": clock,
        "iso": iso,
        "number": number,
        "percentage": percentage,
    }


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: (
            visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        ),
    )
    return environment.from_string(_text("page.html.j2"))


@cache
def _style() -> Markup:
    return Markup(_text("page.css"))  # noqa: S704 -- our own file


def _text(name: str) -> str:
    return (files("sre_copilot.incidents.report") / name).read_text(encoding="utf-8")
