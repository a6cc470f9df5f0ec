"""A schedule's days as a picture made of characters: a row a person, a column three hours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from rich.cells import cell_len, set_cell_size

from sre_copilot.alerts.oncall.local_time import on_day, wall
from sre_copilot.alerts.oncall.people import OnCall

CELL_HOURS = 3  # eight a day, so that a week and a name fit into 80 columns
WHOLE, PART, NONE = "█", "▒", "·"
GAP = "!"
NAME_WIDTH = 14
NOBODY = "(nobody)"
WEEK = 7
Span = tuple[float, float]


def picture(
    shifts: Sequence[OnCall],
    gaps: Sequence[Span],
    *,
    start: float,
    days: int,
    zone: ZoneInfo,
    names: dict[str, str],
) -> list[str]:
    """Lines of the picture, a block a week; columns are hours of the schedule's own clock, the last row shows when nobody is on call."""
    first = wall(start, zone).date()
    lines: list[str] = []
    for offset in range(0, days, WEEK):
        block = [first + timedelta(days=offset + number) for number in range(min(WEEK, days - offset))]
        lines += [*([""] if lines else []), _head(block), *_rows(shifts, gaps, block, zone, names)]
    return lines


def _rows(
    shifts: Sequence[OnCall], gaps: Sequence[Span], block: list[date], zone: ZoneInfo, names: dict[str, str]
) -> Iterator[str]:
    low, high = on_day(block[0], 0, zone), on_day(block[-1] + timedelta(days=1), 0, zone)
    for person in dict.fromkeys(each.person for each in shifts if each.start < high and each.end > low):
        spans = [(each.start, each.end) for each in shifts if each.person == person]
        yield _row(names.get(person, person), spans, block, zone, marks=(WHOLE, PART))
    if any(begin < high and end > low for begin, end in gaps):
        yield _row(NOBODY, gaps, block, zone, marks=(GAP, GAP))


def _row(
    name: str, spans: Sequence[Span], block: list[date], zone: ZoneInfo, *, marks: tuple[str, str]
) -> str:
    cells = ["".join(_cell(cell, spans, *marks) for cell in _cells(day, zone)) for day in block]
    shown = name if cell_len(name) < NAME_WIDTH else set_cell_size(name, NAME_WIDTH - 2) + "…"
    return set_cell_size(shown, NAME_WIDTH) + "|".join(cells)


def _cell(cell: Span, spans: Sequence[Span], whole: str, part: str) -> str:
    low, high = cell
    covered = sum(max(0.0, min(high, end) - max(low, begin)) for begin, end in spans)
    if covered <= 0:
        return NONE
    return whole if covered >= high - low else part


def _cells(day: date, zone: ZoneInfo) -> Iterator[Span]:
    for hour in range(0, 24, CELL_HOURS):
        yield on_day(day, hour * 3600, zone), on_day(day, (hour + CELL_HOURS) * 3600, zone)


def _head(block: list[date]) -> str:
    return " " * NAME_WIDTH + " ".join(f"{day:%a %d}".ljust(24 // CELL_HOURS) for day in block).rstrip()
