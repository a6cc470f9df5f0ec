"""The report as Markdown, in which telemetry is literal text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sre_copilot.incidents.report.charts import axis_name, band_words, range_words
from sre_copilot.incidents.report.checks import in_words, observed_in_words
from sre_copilot.incidents.report.clean import markdown as literal
from sre_copilot.incidents.report.model import CheckResult, Language, Report
from sre_copilot.incidents.report.numbers import clock, date, percentage
from sre_copilot.incidents.report.words import fault_words, metric_words, say, word

Section = Callable[[Report, Language], Iterator[str]]


def render(report: Report, lang: Language) -> str:
    """Write the report as Markdown (CommonMark with tables)."""
    lines = [line for section in SECTIONS for line in (*section(report, lang), "")]
    return "\n".join(lines).rstrip() + "\n"


def _head(report: Report, lang: Language) -> Iterator[str]:
    header, verdict = report.header, report.verdict
    yield f"# {literal(say(verdict.sentence, lang))}"
    yield ""
    yield f"**{word(f'outcome.{verdict.outcome}', lang)}**" + _probability(report, lang)
    yield ""
    facts = {
        "incident": header.incident,
        "system": header.system,
        "namespace": header.namespace,
        "alerted": f"{header.entity} {metric_words(header.metric, lang)}".strip(),
        "complaint": header.complaint,
        "onset": _moment(header.onset, lang),
        "window": _period(report, lang),
        "path": " → ".join(verdict.path) if len(verdict.path) > 1 else "",
    }
    yield from (
        f"- {word(f'label.{name}', lang)}{word('list.colon', lang)}{literal(value)}"
        for name, value in facts.items()
        if value
    )
    if verdict.reasons:
        yield ""
        yield from (f"- {literal(say(reason, lang))}" for reason in verdict.reasons)


def _probability(report: Report, lang: Language) -> str:
    verdict = report.verdict
    if verdict.entity is None:
        return ""
    name = "label.probability" if verdict.outcome == "fault" else "label.probability.first"
    percent = word("value.percent", lang, percent=percentage(verdict.probability))
    return f" · {percent} ({word(name, lang)})" if lang == "en" else f" · {percent}（{word(name, lang)}）"


def _timeline(report: Report, lang: Language) -> Iterator[str]:
    yield _heading("timeline", lang)
    rows = [
        (
            _clock(entry.at, report, lang),
            word(f"kind.{entry.kind}", lang),
            _cited(say(entry.message, lang), entry.finding_id, *entry.also),
        )
        for entry in report.timeline
    ]
    yield from (
        _table(("column.time", "", "column.event"), rows, lang) if rows else [word("timeline.empty", lang)]
    )
    yield from _left_out("timeline.left_out", report.left_out.moments, lang)


def _signals(report: Report, lang: Language) -> Iterator[str]:
    yield _heading("signals", lang)
    for picture in report.pictures:
        values = [value for line in picture.lines for value in line.values if value is not None]
        extent = range_words(min(values), max(values), lang)
        yield f"- {literal(say(picture.message, lang))} `{picture.finding_id}`"
        yield f"  - {literal(axis_name(picture, lang))}{word('list.colon', lang)}{literal(extent)}"
        yield f"  - {literal(band_words(picture, lang))}"
    if not report.pictures and not report.excerpts:
        yield word("pictures.empty", lang)
    for excerpt in report.excerpts:
        yield ""
        yield f"{literal(say(excerpt.message, lang))} `{excerpt.finding_id}`"
        yield ""
        yield from _fenced(excerpt.lines)


def _topology(report: Report, lang: Language) -> Iterator[str]:
    yield _heading("topology", lang)
    drawing = report.topology
    if not drawing.nodes:
        yield word("topology.empty", lang)
        return
    if len(drawing.nodes) < drawing.entities:
        yield word("topology.part", lang, shown=len(drawing.nodes), entities=drawing.entities)
        yield ""
    callers = sorted({link.caller for link in drawing.links})
    for caller in callers:
        callees = [
            f"**{literal(link.callee)}**" if link.on_path else literal(link.callee)
            for link in drawing.links
            if link.caller == caller
        ]
        yield f"- {literal(caller)} → {word('list.and', lang).join(callees)}"


def _evidence(report: Report, lang: Language) -> Iterator[str]:
    yield _heading("evidence", lang)
    if not report.evidence:
        yield word("evidence.empty", lang)
        return
    yield word("evidence.caption", lang)
    yield ""
    rows = [
        (
            _cited(say(row.message, lang), row.finding_id, *row.also) if at == 0 else "",
            literal(_check(result, report, lang)),
            literal(observed_in_words(result, lang)),
        )
        for row in report.evidence
        for at, result in enumerate(row.checks)
    ]
    yield from _table(("column.finding", "column.checks", "column.observed"), rows, lang)
    yield from _left_out("evidence.left_out", report.left_out.evidence, lang)


def _struck(report: Report, lang: Language) -> Iterator[str]:
    yield _heading("struck", lang)
    yield word("struck.caption" if report.struck else "struck.empty", lang)
    yield ""
    for each in report.struck:
        yield f"- ~~{literal(say(each.message, lang))}~~ `{each.finding_id}`  "
        observed = observed_in_words(each.failed, lang)
        yield "  " + literal(
            word("struck.reason", lang, check=_check(each.failed, report, lang), observed=observed)
        )
    yield from _left_out("struck.left_out", report.left_out.struck, lang)


def _alternatives(report: Report, lang: Language) -> Iterator[str]:
    yield _heading("alternatives", lang)
    rows = [
        (
            str(each.rank),
            literal(each.entity),
            literal(fault_words(each.fault_type, lang)),
            f"{each.score:.1f}",
            literal(word("list.sentence", lang).join(say(reason, lang) for reason in each.why_not)),
        )
        for each in report.alternatives
    ]
    columns = ("column.rank", "column.entity", "column.fault_type", "column.score", "column.why_not")
    yield from _table(columns, rows, lang) if rows else [word("alternatives.empty", lang)]
    yield from _left_out("alternatives.left_out", report.left_out.alternatives, lang)


def _gaps(report: Report, lang: Language) -> Iterator[str]:
    yield _heading("gaps", lang)
    for gap in report.gaps:
        yield f"- {word(f'modality.{gap.modality}', lang)}{word('list.colon', lang)}{literal(say(gap.message, lang))}"
    if not report.gaps:
        yield word("gaps.empty", lang)


def _next_steps(report: Report, lang: Language) -> Iterator[str]:
    yield _heading("next_steps", lang)
    for at, step in enumerate(report.next_steps, start=1):
        yield f"{at}. {literal(say(step, lang))}"
    if not report.next_steps:
        yield word("steps.empty", lang)
    yield ""
    yield word("footer", lang)


SECTIONS: tuple[Section, ...] = (
    _head,
    _timeline,
    _signals,
    _topology,
    _evidence,
    _struck,
    _alternatives,
    _gaps,
    _next_steps,
)


def _heading(name: str, lang: Language) -> str:
    return f"## {word(f'heading.{name}', lang)}\n"


def _table(columns: Iterable[str], rows: Iterable[tuple[str, ...]], lang: Language) -> Iterator[str]:
    names = [word(key, lang) if key else "" for key in columns]
    yield "| " + " | ".join(names) + " |"
    yield "|" + " --- |" * len(names)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _cited(sentence: str, *finding_ids: str | None) -> str:
    return " ".join([literal(sentence), *(f"`{each}`" for each in finding_ids if each)])


def _left_out(key: str, count: int, lang: Language) -> Iterator[str]:
    if count:
        yield ""
        yield word(key, lang, count=count)


def _fenced(lines: Iterable[str]) -> Iterator[str]:
    """Write raw lines as a block of code; four blanks in front leave no fence that telemetry could close."""
    yield from (f"    {line}" for line in lines)


def _check(result: CheckResult, report: Report, lang: Language) -> str:
    return in_words(result.check, lang, day=report.day)


def _clock(at: float, report: Report, lang: Language) -> str:
    day = report.day
    same = day is not None and date(at, lang) == date(day, lang)
    return clock(at) if same else f"{date(at, lang)} {clock(at)}"


def _moment(at: float | None, lang: Language) -> str:
    return "" if at is None else word("value.moment", lang, date=date(at, lang), time=clock(at))


def _period(report: Report, lang: Language) -> str:
    header = report.header
    if header.start is None or header.end is None:
        return ""
    return word("value.window", lang, start=clock(header.start), end=clock(header.end))
