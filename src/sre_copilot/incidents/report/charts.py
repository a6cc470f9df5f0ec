"""A picture of a signal as inline SVG: the series, the expected band, the onset, axes with units and UTC times."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from markupsafe import Markup

from sre_copilot.incidents.report.checks import unit_in_words
from sre_copilot.incidents.report.clean import shorten
from sre_copilot.incidents.report.model import Language, Picture
from sre_copilot.incidents.report.numbers import NO_NUMBER, clock, compact, date, number
from sre_copilot.incidents.report.svg import element, path
from sre_copilot.incidents.report.words import say, word

WIDTH, HEIGHT = 480, 248
LEFT, RIGHT, TOP, BOTTOM = 56, 470, 42, 202  # the onset is named between the axis name and the plot
CLOCK_STEPS_S = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
TIMES = 5  # labels that fit side by side
Scale = Callable[[float], float]


def chart(picture: Picture, lang: Language, *, key: str) -> Markup:
    """Draw a picture; `key` makes its ids unique on the page."""
    low, high = _range(picture)
    ticks = _ticks(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])
    x = _scale(picture.start, picture.end, LEFT, RIGHT)
    y = _scale(low, high, BOTTOM, TOP)
    return element(
        "svg",
        element("title", say(picture.message, lang), id=f"{key}-title"),
        *_band(picture, x, y),
        *_value_axis(picture, ticks, y, lang),
        *_time_axis(picture, x, lang),
        *(_bars(picture, x, y) if picture.statistic == "count" else _series(picture, x, y)),
        *_onset(picture, x, lang),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_labelledby=f"{key}-title",
        class_="chart",
    )


def axis_name(picture: Picture, lang: Language) -> str:
    """Name what the vertical axis measures, with its unit and bucket."""
    noun = picture.metric or word(f"measure.{picture.source}.{picture.measure}", lang)
    if picture.statistic != "value":
        share = ".error" if picture.measure == "error" else ""
        noun = word(f"statistic.{picture.statistic}{share}", lang, noun=noun)
    if picture.unit and picture.statistic != "count" and not noun.endswith(f"({picture.unit})"):
        noun = word("axis.unit", lang, name=noun, unit=unit_in_words(picture.unit, lang))
    return word("axis.bucket", lang, name=noun, seconds=picture.bucket_s) if picture.bucket_s else noun


def band_words(picture: Picture, lang: Language) -> str:
    """Say which range was expected, and of what it was made."""
    band = picture.band
    if band is None:
        return word("picture.no_band", lang)
    return word(
        f"picture.band.{band.rule}",
        lang,
        range=range_words(band.low, band.high, lang),
        origin=word(f"picture.band.{band.origin}", lang),
        samples=band.samples,
    )


def range_words(low: float, high: float, lang: Language) -> str:
    """Write a range; one number where both ends look the same."""
    first, last = number(low), number(high)
    return first if first == last else word("value.range", lang, low=first, high=last)


def _range(picture: Picture) -> tuple[float, float]:
    values = [value for line in picture.lines for value in line.values if value is not None]
    if picture.band:
        values += [picture.band.low, picture.band.high]
    low, high = min(values, default=0.0), max(values, default=1.0)
    if low >= 0 and (low < 0.4 * high or picture.statistic == "count"):
        low = 0.0  # from zero, unless that would flatten what is to be seen
    if high - low < 1e-9 * max(abs(high), 1e-9):
        low, high = min(0.0, low * 1.25), max(0.0, high * 1.25) or 1.0  # one level only: shown from zero
    return low, high


def _ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first = math.floor(low / step + 1e-9)
    return [round((first + i) * step, 12) for i in range(math.ceil(high / step - 1e-9) - first + 1)]


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    return lambda value: start + (value - low) / ((high - low) or 1.0) * (end - start)


def _value_axis(picture: Picture, ticks: list[float], y: Scale, lang: Language) -> Iterator[Markup]:
    name = shorten(axis_name(picture, lang), 66)
    yield element("text", name, x=2, y=14, class_="axis-name")
    for tick in ticks:
        yield element("line", x1=LEFT, x2=RIGHT, y1=y(tick), y2=y(tick), class_="grid")
        yield element(
            "text", compact(tick, lang), x=LEFT - 7, y=y(tick) + 4, class_="tick", text_anchor="end"
        )


def _time_axis(picture: Picture, x: Scale, lang: Language) -> Iterator[Markup]:
    span = picture.end - picture.start
    step = next((each for each in CLOCK_STEPS_S if span / each <= TIMES), max(86400, math.ceil(span / TIMES)))
    for number_of in range(math.ceil(picture.start / step), math.floor(picture.end / step) + 1):
        at = number_of * step
        label = clock(at) if step < 60 else clock(at)[:5]
        anchor = "end" if x(at) > RIGHT - 22 else "middle"
        yield element("line", x1=x(at), x2=x(at), y1=BOTTOM, y2=BOTTOM + 5, class_="axis")
        yield element(
            "text", label if label else NO_NUMBER, x=x(at), y=BOTTOM + 19, class_="tick", text_anchor=anchor
        )
    yield element("line", x1=LEFT, x2=RIGHT, y1=BOTTOM, y2=BOTTOM, class_="axis")
    name = word("axis.time", lang, date=date(picture.start, lang))
    yield element("text", name, x=RIGHT, y=BOTTOM + 38, class_="axis-name", text_anchor="end")


def _band(picture: Picture, x: Scale, y: Scale) -> Iterator[Markup]:
    if band := picture.band:
        top, bottom = y(band.high), y(band.low)
        height = max(2.0, bottom - top)  # a band without width is still seen
        yield element(
            "rect", x=LEFT, y=min(top, bottom - height), width=RIGHT - LEFT, height=height, class_="band"
        )
        yield element("line", x1=LEFT, x2=RIGHT, y1=y(band.middle), y2=y(band.middle), class_="band-middle")


def _outside(picture: Picture, value: float) -> bool:
    return picture.band is not None and not picture.band.low <= value <= picture.band.high


def _series(picture: Picture, x: Scale, y: Scale) -> Iterator[Markup]:
    for at, line in enumerate(picture.lines):
        for part in _unbroken(line.times, line.values):
            drawn = [(x(_middle(picture, t)), y(v)) for t, v in part]
            yield element("path", d=path(drawn), class_=f"line line-{at}")
            for (left, top), (_, value) in zip(drawn, part, strict=True):
                if _outside(picture, value) or len(part) == 1:
                    shade = "dot out" if _outside(picture, value) else f"dot dot-{at}"
                    yield element("circle", cx=left, cy=top, r=2.6, class_=shade)


def _unbroken(
    times: tuple[float, ...], values: tuple[float | None, ...]
) -> Iterator[list[tuple[float, float]]]:
    part: list[tuple[float, float]] = []
    for at, value in zip(times, values, strict=True):
        if value is not None:
            part.append((at, value))
        elif part:
            yield part
            part = []
    if part:
        yield part


def _middle(picture: Picture, at: float) -> float:
    return min(picture.end, at + (picture.bucket_s or 0) / 2)


def _bars(picture: Picture, x: Scale, y: Scale) -> Iterator[Markup]:
    width = picture.bucket_s or 1.0
    for line in picture.lines:
        for at, value in zip(line.times, line.values, strict=True):
            left, right = max(LEFT, x(at)), min(RIGHT, x(at + width))
            if value is None or right <= left:
                continue
            out = " out" if _outside(picture, value) else ""
            height = max(
                y(0) - y(value), 1.5 if out else 0.0
            )  # an empty bucket that should not be empty is seen
            if height:
                yield element(
                    "rect",
                    x=left + 0.5,
                    y=y(0) - height,
                    width=max(0.5, right - left - 1),
                    height=height,
                    class_=f"bar{out}",
                )


def _onset(picture: Picture, x: Scale, lang: Language) -> Iterator[Markup]:
    if picture.onset is None:
        return
    at = x(picture.onset)
    anchor = "end" if at > RIGHT - 30 else "start" if at < LEFT + 30 else "middle"
    yield element("line", x1=at, x2=at, y1=TOP - 4, y2=BOTTOM, class_="onset")
    yield element(
        "text", word("picture.onset", lang), x=at, y=TOP - 8, class_="onset-name", text_anchor=anchor
    )
