"""What each way of saying a day or a time of day means; a day such as 31 February raises ValueError."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from re import Match

from sre_copilot.agents.understanding.durations import number, seconds
from sre_copilot.agents.understanding.moments import DAY, Calendar, Moment
from sre_copilot.domain.signals import Window

MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def zone_seconds(text: str) -> float:
    """Seconds that a zone is ahead of UTC: Z, UTC+8, +08:00."""
    found = re.search(r"([+-])(\d{1,2}):?(\d{2})?", text)
    if found is None:
        return 0.0
    return (1 if found[1] == "+" else -1) * (int(found[2]) * 3600.0 + int(found[3] or 0) * 60.0)


def iso(match: Match[str], calendar: Calendar) -> Moment:
    """A day with a time, as logs write it."""
    day = date(int(match["year"]), int(match["month"]), int(match["day"]))
    hours = int(match["hour"]) + int(match["minute"]) / 60 + float(match["second"] or 0) / 3600
    if int(match["hour"]) > 23 or int(match["minute"]) > 59:
        raise ValueError(match[0])
    offset = zone_seconds(match["zone"]) if match["zone"] else None
    return Moment(span=match.span(), day=day, hour=hours, certain=True, offset_s=offset)


def epoch(match: Match[str], calendar: Calendar) -> Moment:
    """Seconds or milliseconds since 1970."""
    at = float(match[0])
    return Moment(span=match.span(), instant=at / 1000 if at > 1e11 else at)


def date_of(match: Match[str], calendar: Calendar) -> Moment:
    """A date; without a year the latest that there was."""
    fields = match.groupdict()
    month = _month(fields["month"]) if fields.get("month") else calendar.today.month
    if fields.get("year"):
        return Moment(span=match.span(), day=date(int(fields["year"]), month, int(fields["day"])))
    day = date(calendar.today.year, month, int(fields["day"]))
    if day > calendar.today + timedelta(days=1):
        if fields.get("month"):
            day = day.replace(year=day.year - 1)
        else:
            before = calendar.today.replace(day=1) - timedelta(days=1)
            day = before.replace(day=int(fields["day"]))
    return Moment(span=match.span(), day=day)


def _month(text: str) -> int:
    if (value := number(text)) is not None:
        return int(value)
    return next(index for index, name in enumerate(MONTHS, 1) if name.startswith(text.strip(". ")[:3]))


def clock(match: Match[str], calendar: Calendar) -> Moment | None:
    """A time of day."""
    fields = match.groupdict()
    hour = number(fields["hour"])
    if hour is None or hour > 24:
        return None
    minutes = _minutes(fields.get("minute") or "") + int(fields.get("second") or 0) / 60
    half = (fields.get("half") or "").replace(".", "")
    if half and hour > 12:
        half = ""
    if half == "pm":
        hour = hour + 12 if hour < 12 else hour
    if half == "am":
        hour = 0 if hour == 12 else hour
    digits = bool(re.match(r"0\d|\d{1,2}[:\uff1a]", match[0].strip()))
    offset = zone_seconds(fields["zone"]) if fields.get("zone") else None
    return Moment(
        span=match.span(),
        hour=hour + minutes / 60,
        certain=bool(half) or digits or offset is not None,
        offset_s=offset,
    )


def _minutes(text: str) -> float:
    text = text.strip().removesuffix("分").removesuffix("钟")
    named = {"": 0.0, "半": 30.0, "一刻": 15.0, "三刻": 45.0, "整": 0.0}
    value = named.get(text)
    if value is None:
        value = number(text.lstrip("零〇") or "0")
    if value is None or value >= 60:
        raise ValueError(text)
    return value


def worded_clock(match: Match[str], calendar: Calendar) -> Moment | None:
    """Half past nine, quarter to three."""
    hour = number(match["hour"])
    if hour is None or hour > 12:
        return None
    away = {"half": 30.0, "quarter": 15.0}.get(match["away"].split()[-1]) or number(match["away"]) or 0.0
    half = (match["half"] or "").replace(".", "")
    hour = hour % 12 + 12 if half == "pm" else (hour % 12 if half == "am" else hour)
    minutes = away if match["side"] == "past" else -away
    return Moment(span=match.span(), hour=hour + minutes / 60, certain=bool(half))


def named_clock(match: Match[str], calendar: Calendar) -> Moment:
    """Noon and midnight."""
    if match[0].endswith("noon"):
        return Moment(span=match.span(), hour=12.0, certain=True)
    return Moment(span=match.span(), hour=0.0, certain=True)


def weekday(match: Match[str], calendar: Calendar) -> Moment:
    """A day of the week."""
    text = match["weekday"]
    index = "一二三四五六".find(text) if text in "一二三四五六日天" else -1
    if text in "日天":
        index = 6
    elif index < 0:
        index = next(n for n, name in enumerate(WEEKDAYS) if name.startswith(text[:3]))
    monday = calendar.today - timedelta(days=calendar.today.weekday())
    which = _which(match)
    weeks = {"上上": -2, "上": -1, "上个": -1, "下": 1, "下个": 1, "next": 1}.get(which)
    if weeks is not None:
        return Moment(span=match.span(), day=monday + timedelta(days=index + 7 * weeks))
    ago = (calendar.today.weekday() - index) % 7
    if which in ("last", "past", "previous") and ago == 0:
        ago = 7
    return Moment(span=match.span(), day=calendar.day(ago))


def weekend(match: Match[str], calendar: Calendar) -> Moment:
    """The latest weekend that has begun, or the one before."""
    saturday = calendar.today - timedelta(days=(calendar.today.weekday() - 5) % 7)
    if re.search(r"last|上", _which(match)) and calendar.today.weekday() >= 5:
        saturday -= timedelta(days=7)
    return Moment(span=match.span(), day=saturday, days=2)


def week(match: Match[str], calendar: Calendar) -> Moment:
    """A calendar week."""
    which = _which(match)
    weeks = (
        -2
        if which.startswith(("上上", "the week before last"))
        else -1
        if re.match(r"上|last|previous", which)
        else 0
    )
    weeks = 1 if re.match(r"下|next", which) else weeks
    monday = calendar.today - timedelta(days=calendar.today.weekday() - 7 * weeks)
    return _whole(match, calendar, monday, monday + timedelta(days=7))


def month_of(match: Match[str], calendar: Calendar) -> Moment:
    """A calendar month."""
    first = calendar.today.replace(day=1)
    if re.match(r"上|last|previous", _which(match)):
        return _whole(match, calendar, (first - timedelta(days=1)).replace(day=1), first)
    return _whole(match, calendar, first, (first + timedelta(days=32)).replace(day=1))


def _whole(match: Match[str], calendar: Calendar, first: date, last: date) -> Moment:
    return Moment(span=match.span(), stretch=Window(calendar.epoch(first), calendar.epoch(last)))


def ago(match: Match[str], calendar: Calendar) -> Moment | None:
    """So long before now."""
    away = seconds(match["length"])
    if away is None:
        return None
    if away % DAY == 0 and not re.search(r"小时|hour|h$", match["length"]):
        return Moment(span=match.span(), day=calendar.day(int(away / DAY)))
    return Moment(span=match.span(), instant=calendar.now - away)


def zone(match: Match[str], calendar: Calendar) -> Moment:
    """A zone by itself."""
    chinese = re.search(r"北京|beijing|china", match[0])
    return Moment(span=match.span(), offset_s=8 * 3600.0 if chinese else 0.0, certain=True)


def present(match: Match[str], calendar: Calendar) -> Moment:
    """Now."""
    return Moment(span=match.span(), instant=calendar.now)


def weak_clock(match: Match[str], calendar: Calendar) -> Moment | None:
    """A number that is a time only as the end of a range."""
    found = bare_clock(match, calendar)
    return None if found is None else replace(found, weak=True)


def bare_clock(match: Match[str], calendar: Calendar) -> Moment | None:
    """An hour without a unit, after a word such as at."""
    found = clock(match, calendar)
    return None if found is None else Moment(span=match.span("hour"), hour=found.hour, certain=False)


def _which(match: Match[str]) -> str:
    """How the day, week or month is said to lie; patterns with two languages have two groups for it."""
    fields = match.groupdict()
    return (fields.get("which") or fields.get("which2") or "").strip()
