"""The report as Markdown: what records hold is written as literal text, so that no name in an alert becomes a link or a heading."""

from __future__ import annotations

from collections.abc import Iterator

from sre_copilot.incidents.postmortem.model import Line, Postmortem, Section
from sre_copilot.incidents.report.clean import markdown, visible
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import has, moment, word


def render(report: Postmortem, lang: Language) -> str:
    """Write the report."""
    return "\n".join(
        [*_head(report, lang), *(each for section in report.sections for each in _section(section, lang))]
    )


def severity_words(severity: str, lang: Language) -> str:
    """Name a severity; one that is not known keeps its name."""
    key = f"notify.severity.{severity}"
    return word(key, lang) if has(key) else severity


def facts(report: Postmortem, lang: Language) -> list[tuple[str, str]]:
    """What stands above the sections: names and values."""
    services = ", ".join(report.services)
    rows = [
        ("incident", report.incident_id),
        ("status", word(f"postmortem.state.{report.status}", lang)),
        ("severity", f"{severity_words(report.severity, lang)} ({report.priority})"),
        ("services", services),
        ("began", moment(report.began_at, lang)),
        ("opened", moment(report.opened_at, lang)),
        ("resolved", moment(report.resolved_at, lang) if report.resolved_at is not None else ""),
        ("made", moment(report.made_at, lang)),
    ]
    return [(word(f"postmortem.label.{name}", lang), value) for name, value in rows if value]


def _head(report: Postmortem, lang: Language) -> Iterator[str]:
    yield f"# {markdown(word('postmortem.title', lang, incident=report.incident_id, title=report.title))}"
    yield ""
    yield f"**{markdown(report.headline.text(lang))}**"
    yield ""
    yield from (f"- {name}{word('list.colon', lang)}{markdown(value)}" for name, value in facts(report, lang))
    yield ""


def _section(section: Section, lang: Language) -> Iterator[str]:
    yield f"## {word(f'postmortem.heading.{section.name}', lang)}"
    yield ""
    yield from (f"- {_line(each, lang)}" for each in section.lines)
    yield ""


def _line(each: Line, lang: Language) -> str:
    when = f"{moment(each.at, lang)} " if each.at is not None else ""
    who = f" ({markdown(each.who)})" if each.who else ""
    rests = " ".join(f"`{visible(record).replace('`', '')}`" for record in each.rests_on)
    return f"{when}{markdown(each.text(lang))}{who}{f' [{rests}]' if rests else ''}"
