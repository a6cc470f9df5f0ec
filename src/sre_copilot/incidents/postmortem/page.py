"""The report as one self-contained HTML page, in the style of the report of an investigation: nothing is loaded, nothing runs."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from sre_copilot.incidents.postmortem.markdown import facts
from sre_copilot.incidents.postmortem.model import Postmortem
from sre_copilot.incidents.report.clean import visible
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.numbers import clock, date, iso
from sre_copilot.incidents.report.words import word

TONES = {"fault": "fault", "no_fault": "no_fault"}
"""Outcomes that the style has a colour for; what is not known has that of doubt."""


def render(report: Postmortem, lang: Language) -> str:
    """Write the page."""
    return _template().render(
        report=report,
        lang=lang,
        css=_style(),
        tone=TONES.get(report.outcome, "inconclusive"),
        facts=facts(report, lang),
        t=lambda key, **params: word(key, lang, **params),
        text=lambda line: line.text(lang),
        clock=clock,
        date=lambda at: date(at, lang),
        iso=iso,
    )


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
    return environment.from_string(_text("sre_copilot.incidents.postmortem", "page.html.j2"))


@cache
def _style() -> Markup:
    shared = _text("sre_copilot.incidents.report", "page.css")
    own = _text("sre_copilot.incidents.postmortem", "page.css")
    return Markup(f"{shared}\n{own}")  # noqa: S704 -- our own files


def _text(package: str, name: str) -> str:
    return (files(package) / name).read_text(encoding="utf-8")
