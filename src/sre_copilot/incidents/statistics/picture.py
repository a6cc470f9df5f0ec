"""Times as bars: the mean beside what is aimed at and what is usual otherwise; for the terminal and as SVG."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.svg import element
from sre_copilot.incidents.report.words import word
from sre_copilot.incidents.statistics.build import Statistics
from sre_copilot.incidents.statistics.figures import Figure
from sre_copilot.incidents.statistics.lengths import length

CELLS = 24
FULL, EMPTY, TARGET = "█", "·", "|"
WIDTH, ROW, LEFT, BAR = 560, 44, 150, 380  # pixels
COLOURS = {True: "#176c43", False: "#b3261e", None: "#586275"}


def bar(each: Figure, *, cells: int = CELLS) -> str:
    """A figure as a row of characters, `|` where its target is; '' where there is no figure or nothing to compare it with."""
    most = scale(each)
    if each.value is None or most is None:
        return ""
    full = min(cells, round(cells * each.value / most))
    drawn = [FULL if place < full else EMPTY for place in range(cells)]
    if each.target is not None:
        drawn[min(cells - 1, round(cells * each.target / most))] = TARGET
    return "".join(drawn)


def scale(each: Figure) -> float | None:
    """What the whole bar stands for: what is usual without the product, or 100 %, or more where the figure is larger."""
    end = 1.0 if each.unit == "ratio" else (each.traditional or each.target)
    return None if end is None or each.value is None else max(end, each.value)


def chart(found: Statistics, lang: Language) -> Markup:
    """All figures with a bar, as one picture."""
    shown = [each for each in found.figures if scale(each) is not None]
    rows = [part for place, each in enumerate(shown) for part in _row(place, each, lang)]
    empty = [element("text", word("statistics.no_figure", lang), x=10, y=28, font_size=13)]
    return element(
        "svg",
        element("title", word("statistics.title", lang)),
        *(rows or empty),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {ROW * max(1, len(shown))}",
        role="img",
        font_family="system-ui, sans-serif",
    )


def shown(each: Figure, value: float | None) -> str:
    """A value of a figure with its unit."""
    if value is None:
        return "–"
    return length(value) if each.unit == "seconds" else f"{100 * value:.0f} %"


def _row(place: int, each: Figure, lang: Language) -> Iterator[Markup]:
    top, most = place * ROW, scale(each)
    if each.value is None or most is None:
        return
    long = BAR * max(0.0, each.value) / most
    yield element("text", word(f"statistics.{each.name}", lang), x=8, y=top + 26, font_size=13)
    yield element("rect", x=LEFT, y=top + 12, width=BAR, height=20, fill="#f0f2f6")
    yield element("rect", x=LEFT, y=top + 12, width=long, height=20, fill=COLOURS[each.met])
    if each.target is not None:
        at = LEFT + BAR * each.target / most
        yield element("line", x1=at, x2=at, y1=top + 8, y2=top + 36, stroke="#1b2330", stroke_width=2)
    yield element("text", f"{shown(each, each.value)} (n={each.n})", x=LEFT + 6, y=top + 27, font_size=12)
