"""The report in a terminal: Rich text objects only, so that telemetry is never read as markup."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sre_copilot.incidents.report.charts import axis_name, range_words
from sre_copilot.incidents.report.checks import in_words, observed_in_words
from sre_copilot.incidents.report.clean import visible
from sre_copilot.incidents.report.model import Language, Picture, Report
from sre_copilot.incidents.report.numbers import clock, date, percentage
from sre_copilot.incidents.report.words import fault_words, say, word
from sre_copilot.incidents.report.wrap import Prose

EVIDENCE = 10  # a screen; the other formats have all
PICTURES = 4
TABLE = 72  # columns that hold finding, check and value side by side
COLUMNS = 40  # of a picture in characters
TONES = {"fault": "red", "no_fault": "green", "inconclusive": "yellow"}
BLOCKS = "▁▂▃▄▅▆▇█"


def print_report(report: Report, console: Console, *, lang: Language) -> None:
    """Print the report to a console."""
    for part in _parts(report, lang):
        console.print(part)


def render(report: Report, lang: Language) -> str:
    """Write the report as plain text, 110 columns wide, without colour."""
    console = Console(
        file=io.StringIO(), width=110, color_system=None, force_terminal=False, legacy_windows=False
    )
    with console.capture() as capture:
        print_report(report, console, lang=lang)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def _parts(report: Report, lang: Language) -> Iterator[RenderableType]:
    yield _verdict(report, lang)
    sections = (
        ("timeline", _timeline(report, lang)),
        ("signals", _signals(report, lang)),
        ("topology", _topology(report, lang)),
        ("evidence", _evidence(report, lang)),
        ("struck", _struck(report, lang)),
        ("alternatives", _alternatives(report, lang)),
        ("gaps", _gaps(report, lang)),
        ("next_steps", _next_steps(report, lang)),
    )
    for name, body in sections:
        yield Prose(f"\n{word(f'heading.{name}', lang)}", style="bold")
        yield Padding(body, (0, 0, 0, 2))
    yield Prose(f"\n{word('footer', lang)}", style="dim")


def _verdict(report: Report, lang: Language) -> RenderableType:
    verdict, header = report.verdict, report.header
    tone = TONES[verdict.outcome]
    text = Prose(_safe(say(verdict.sentence, lang)), style="bold")
    if verdict.entity is not None:
        name = "label.probability" if verdict.outcome == "fault" else "label.probability.first"
        percent = word("value.percent", lang, percent=percentage(verdict.probability))
        text.append(f"\n{percent} ", style=f"bold {tone}").append(word(name, lang), style="dim")
    if len(verdict.path) > 1:
        text.append(f"\n{word('label.path', lang)}  ", style="not bold dim")
        text.append(_safe(" → ".join(verdict.path)), style="not bold")
    if header.complaint:
        text.append(f"\n{word('label.complaint', lang)}  ", style="not bold dim")
        text.append(_safe(header.complaint), style="not bold")
    for reason in verdict.reasons:
        text.append(f"\n• {_safe(say(reason, lang))}", style="not bold")
    title = Prose(
        f" {word(f'outcome.{verdict.outcome}', lang)} · {_safe(header.incident)} ", style=f"bold {tone}"
    )
    return Panel(text, title=title, title_align="left", border_style=tone, box=box.ROUNDED, padding=(0, 1))


def _timeline(report: Report, lang: Language) -> RenderableType:
    if not report.timeline:
        return Prose(word("timeline.empty", lang), style="dim")
    grid = _grid(3)
    for entry in report.timeline:
        day = report.day
        other_day = day is not None and date(entry.at, lang) != date(day, lang)
        grid.add_row(
            Prose((f"{date(entry.at, lang)} " if other_day else "") + clock(entry.at), style="dim"),
            Prose(word(f"kind.{entry.kind}", lang), style="" if entry.kind == "finding" else "bold"),
            Prose(_safe(say(entry.message, lang))),
        )
    return Group(grid, *_left_out("timeline.left_out", report.left_out.moments, lang))


def _signals(report: Report, lang: Language) -> RenderableType:
    parts: list[RenderableType] = []
    for picture in report.pictures[:PICTURES]:
        parts.append(Prose(_safe(say(picture.message, lang))))
        parts.append(Signal(picture, _safe(_extent(picture, lang))))
    for excerpt in report.excerpts:
        parts.append(Prose(_safe(say(excerpt.message, lang))))
        parts += [
            Text(f"  {_safe(line)}", style="dim", no_wrap=True, overflow="ellipsis") for line in excerpt.lines
        ]
    return Group(*parts) if parts else Prose(word("pictures.empty", lang), style="dim")


def _extent(picture: Picture, lang: Language) -> str:
    values = [value for line in picture.lines for value in line.values if value is not None]
    said = (
        f"{axis_name(picture, lang)}{word('list.colon', lang)}{range_words(min(values), max(values), lang)}"
    )
    if band := picture.band:
        expected = word("terminal.expected", lang, range=range_words(band.low, band.high, lang))
        said += f"{word('list.and', lang)}{expected}"
    return said


class Signal:
    """A picture as a row of blocks that fits the console, and its range: beside it, or below where there is no room."""

    def __init__(self, picture: Picture, extent: str) -> None:
        self.picture = picture
        self.extent = extent

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw as many blocks as the width allows."""
        columns = max(1, min(COLUMNS, options.max_width - 2))
        blocks = f"  {spark(self.picture, columns)}"
        if cell_len(blocks) + 2 + cell_len(self.extent) <= options.max_width:
            yield Text(f"{blocks}  ", style="cyan").append(self.extent, style="dim not bold")
            return
        yield Text(blocks, style="cyan", no_wrap=True)
        yield Padding(Prose(self.extent, style="dim"), (0, 0, 0, 2))


def spark(picture: Picture, width: int = COLUMNS) -> str:
    """Draw the first line in one row of `width` blocks, from the lowest to the highest value; a hole is a blank."""
    first = picture.lines[0]
    columns: list[list[float]] = [[] for _ in range(width)]
    span = (picture.end - picture.start) or 1.0
    for at, value in zip(first.times, first.values, strict=True):
        if value is None:
            continue
        begin = min(width - 1, max(0, int((at - picture.start) / span * width)))
        end = math.ceil((at + (picture.bucket_s or 0) - picture.start) / span * width)
        for column in columns[begin : max(begin + 1, end)]:
            column.append(value)
    means = [sum(column) / len(column) if column else None for column in columns]
    known = [mean for mean in means if mean is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    step = (high - low) / (len(BLOCKS) - 1) or 1.0
    return "".join(" " if mean is None else BLOCKS[round((mean - low) / step)] for mean in means)


def _topology(report: Report, lang: Language) -> RenderableType:
    drawing = report.topology
    if not drawing.nodes:
        return Prose(word("topology.empty", lang), style="dim")
    on_path = [link for link in drawing.links if link.on_path]
    lines = [Prose(_safe(f"{link.caller} → {link.callee}")) for link in on_path]
    lines.append(Prose(word("topology.described.plain", lang, entities=drawing.entities), style="dim"))
    return Group(*lines)


def _evidence(report: Report, lang: Language) -> RenderableType:
    if not report.evidence:
        return Prose(word("evidence.empty", lang), style="dim")
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, header_style="dim", expand=True)
    table.add_column(word("column.finding", lang), ratio=5, overflow="fold")
    table.add_column(word("column.checks", lang), ratio=6, overflow="fold")
    table.add_column(word("column.observed", lang), justify="right", max_width=16, overflow="fold")
    for row in report.evidence[:EVIDENCE]:
        for at, result in enumerate(row.checks):
            finding = (
                Prose(_safe(say(row.message, lang))).append(
                    " " + " ".join([row.finding_id, *row.also]), style="dim"
                )
                if at == 0
                else Prose()
            )
            table.add_row(
                finding,
                Prose(_safe(in_words(result.check, lang, day=report.day))),
                Prose(_safe(observed_in_words(result, lang)), style="bold"),
            )
    more = len(report.evidence) - EVIDENCE + report.left_out.evidence
    fitting = Fitting(table, Group(*_stacked(report, lang)))
    return Group(fitting, *_left_out("terminal.left_out", max(0, more), lang))


class Fitting:
    """What is printed where there is room for columns side by side, and what is printed elsewhere."""

    def __init__(self, wide: RenderableType, narrow: RenderableType) -> None:
        self.wide = wide
        self.narrow = narrow

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Choose by the width of the console."""
        yield self.wide if options.max_width >= TABLE else self.narrow


def _stacked(report: Report, lang: Language) -> Iterator[RenderableType]:
    for row in report.evidence[:EVIDENCE]:
        named = " " + " ".join([row.finding_id, *row.also])
        yield Prose(_safe(say(row.message, lang)), style="bold").append(named, style="dim not bold")
        for result in row.checks:
            check = Prose(_safe(in_words(result.check, lang, day=report.day)))
            observed = f"{word('list.colon', lang)}{_safe(observed_in_words(result, lang))}"
            yield Padding(check.append(observed, style="bold"), (0, 0, 0, 2))


def _struck(report: Report, lang: Language) -> RenderableType:
    if not report.struck:
        return Prose(word("struck.empty", lang), style="dim")
    parts: list[RenderableType] = []
    for each in report.struck[:EVIDENCE]:
        check = in_words(each.failed.check, lang, day=report.day)
        reason = word("struck.reason", lang, check=check, observed=observed_in_words(each.failed, lang))
        parts.append(Prose(_safe(say(each.message, lang)), style="strike dim").append(f" {each.finding_id}"))
        parts.append(Prose(f"  {_safe(reason)}"))
    more = len(report.struck) - EVIDENCE + report.left_out.struck
    return Group(*parts, *_left_out("struck.left_out", max(0, more), lang))


def _alternatives(report: Report, lang: Language) -> RenderableType:
    if not report.alternatives:
        return Prose(word("alternatives.empty", lang), style="dim")
    grid = _grid(4)
    for each in report.alternatives:
        why = word("list.sentence", lang).join(say(reason, lang) for reason in each.why_not)
        grid.add_row(
            Prose(str(each.rank), style="dim"),
            Prose(_safe(each.entity), style="bold", overflow="fold"),
            Prose(_safe(fault_words(each.fault_type, lang)), overflow="fold"),
            Prose(_safe(why), overflow="fold"),
        )
    return Group(grid, *_left_out("alternatives.left_out", report.left_out.alternatives, lang))


def _gaps(report: Report, lang: Language) -> RenderableType:
    if not report.gaps:
        return Prose(word("gaps.empty", lang), style="dim")
    return Group(*(Prose(f"• {_safe(say(gap.message, lang))}") for gap in report.gaps))


def _next_steps(report: Report, lang: Language) -> RenderableType:
    if not report.next_steps:
        return Prose(word("steps.empty", lang), style="dim")
    return Group(
        *(Prose(f"{at}. {_safe(say(step, lang))}") for at, step in enumerate(report.next_steps, start=1))
    )


def _grid(columns: int) -> Table:
    grid = Table.grid(padding=(0, 2))
    for _ in range(columns):
        grid.add_column(overflow="fold")
    return grid


def _left_out(key: str, count: int, lang: Language) -> list[RenderableType]:
    return [Prose(word(key, lang, count=count), style="dim")] if count else []


def _safe(text: str) -> str:
    return visible(text.replace("\n", " "))
