"""Stretches of time that a text names, in Chinese and English: half-open, in epoch seconds, never past now unless the text looks ahead."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from sre_copilot.agents.understanding.durations import DURATION, EN_UNIT, seconds, unit_seconds
from sre_copilot.agents.understanding.moment_words import found_moments
from sre_copilot.agents.understanding.moments import (
    AROUND_S,
    DAY,
    HOUR,
    Calendar,
    Moment,
    between,
    covered,
    merged,
)
from sre_copilot.agents.understanding.wording import Span, blanked, pattern
from sre_copilot.domain.signals import Window

JUST_NOW_S = 900.0  # "just now": within the attention of a person who watches
RECENT_S = 3600.0  # "recently": the hour that dashboards open with
BEFORE_S = 3600.0  # "before 15:00": the hour before, for no beginning was said
BESIDE = 80  # characters before a time that are read for what belongs to it

Kind = Literal["past", "future", "present", "shift"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A time that was said: where, and which stretch it means. `shift_s`: how long before the time in question (same time yesterday)."""

    span: Span
    kind: Kind
    window: Window | None = None
    shift_s: float = 0.0
    length_s: float = 0.0


_NO_NUMBER = pattern(r"\d{21,}|[零〇一二两俩三四五六七八九十百]{21,}")  # no time; to read it takes long
_AHEAD = pattern(
    r"\b(?:will|won't|going\s+to|forecast|predict|prediction|expect(?:ed)?\s+to|tomorrow|upcoming|run(?:ning)?\s+out\s+(?:of\s+\w+\s+)?(?:soon|by|in|within)|in\s+the\s+future|next\s+\w+\s+(?:hours?|minutes?|days?|weeks?))\b"
    r"|预测|预计|预估|将会|即将|将要|会不会|会否|会在|会达到|会超|会写满|会满|会耗尽|何时会|什么时候会|几点会|未来|接下来|今后|明天|明早|明晚|后天|还能撑|撑多久"
)
_LOOKS_BACK = pattern(r"\s*(?:did|was|were|had|has|have)\b")
_UNIT_ALONE = r"(?:hours?|minutes?|days?|hrs?|mins?)\b(?:\s+and\s+a\s+half\b)?"
_SAME = r"\b(?:the\s+)?(?:same|this)\s+(?:time|hours?|period|window|day|stretch|interval|slot)(?:\s+of\s+(?:the\s+)?day)?"
_ZH_SAME = r"的?(?:这个时候|这时候|这会儿|同期|同一(?:时间|时段|天)段?|同一个?(?:时间|时段)段?|同时段|同样(?:时间|时段)|此时|此刻|这个时间段?)"
_SHIFT_WORDS: tuple[tuple[str, float], ...] = (
    (
        rf"{_SAME}\s+(?:yesterday|the\s+(?:previous|prior)\s+day|the\s+day\s+before|(?:one|a)\s+day\s+(?:ago|earlier|before))\b",
        DAY,
    ),
    (rf"\byesterday\s+(?:at\s+|in\s+)?{_SAME}\b|\bday[- ]over[- ]day\b", DAY),
    (rf"(?:昨天|昨日){_ZH_SAME}|同期昨[天日]|日同比|前一天{_ZH_SAME}", DAY),
    (rf"(?:前天|前日){_ZH_SAME}", 2 * DAY),
    (
        rf"{_SAME}\s+(?:of\s+)?(?:(?:the\s+)?(?:last|previous|prior)\s+week|(?:a|one)\s+week\s+(?:ago|earlier|before)|the\s+week\s+before)\b",
        7 * DAY,
    ),
    (rf"\blast\s+week\s+(?:at\s+|in\s+)?{_SAME}\b|\bweek[- ]over[- ]week\b", 7 * DAY),
    (rf"上个?(?:周|星期|礼拜)(?:{_ZH_SAME}|的?今天)|周同比|同比", 7 * DAY),
)
_SHIFTS = tuple((pattern(words), away) for words, away in _SHIFT_WORDS)
_ROLLING = pattern(
    rf"(?:\b(?:in|over|within|during|for|of)\s+)?(?:\bthe\s+|\bmy\s+)?\b(?:last|past|previous|trailing|preceding)\s+(?P<en>{DURATION}|{_UNIT_ALONE})"
    rf"|(?:(?:最近|过去|刚过去|以往|近|这)的?|(?<![\d点點分时天日号:之])前的?)\s*(?P<zh>{DURATION})(?!前)(?:之内|以内|内|里|间|以来|来)?"
)
_COMING = pattern(
    rf"(?:\b(?:in|over|within|during|for)\s+)?(?:\bthe\s+)?\b(?:next|coming|following|upcoming)\s+(?P<en>{DURATION}|{_UNIT_ALONE})"
    rf"|(?:未来|接下来|今后|将来|(?<![\d点點分时半刻])(?:往后|后续|之后|下))的?\s*(?P<zh>{DURATION})(?:之内|以内|内|里)?"
)
_WITHIN = pattern(
    rf"\b(?:within|in)\s+(?P<en>{DURATION})(?!\s*ago)|(?P<zh>{DURATION})\s*(?:之内|以内|内|里(?!程))"
)
_LATER = pattern(rf"(?P<zh>{DURATION})\s*(?:之后|以后|后)|(?P<en>{DURATION})\s+(?:from\s+now|later|ahead)\b")
_JUST_NOW = pattern(r"\bjust\s+now\b|\ba\s+(?:moment|minute)\s+ago\b|刚才|刚刚|方才|刚(?=[^好需要])")
_RECENT = pattern(r"\b(?:recently|lately|of\s+late)\b|\brecent\b|最近|近期|近来|这段时间|前不久")
_SPECIAL_AGO = pattern(r"\ba\s+(?:little\s+)?while\s+ago\b|不久前")
_JOIN = pattern(
    r"[\s,，、的]*(?:(?:at|on|in|of|the|around|about|circa|from|between|since|after|before|until|by|从|自|在|于|大约|大概|约|差不多|左右)[\s的]*)*"
)
_TO = pattern(
    r"[\s的]*(?:-|\u2013|\u2014{1,2}|~|to|until|till|through|thru|up\s+to|到了?|至|直到|一直到)\s*(?:about|around|at|on|大约|大概|约)?\s*"
)
_BETWEEN = pattern(r"(?:\bbetween\b|介于|在)[^.;?!。；？！]{0,40}$")
_AND = pattern(r"\s*(?:and|和|与|跟)\s*(?:about|around)?\s*")
_SINCE_BEFORE = pattern(
    r"(?:\b(?:since|after|starting(?:\s+(?:at|from|on))?|beginning(?:\s+at)?)|自从|自|打)\s*(?:about|around|the)?\s*$"
)
_FROM_BEFORE = pattern(r"(?:\bfrom|从)\s*(?:about|around|大约)?\s*$")
_UNTIL_BEFORE = pattern(r"\b(?:before|until|till|prior\s+to|up\s+to|by)\s*(?:about|around)?\s*$")
_SINCE_AFTER = pattern(
    r"\s*(?:以来|之后|以后|过后|后(?!端|台|面|续)|起|开始|至今|\bonwards?\b|\band\s+later\b|\bup\s+to\s+now\b)"
)
_AROUND_AFTER = pattern(r"\s*(?:左右|前后|附近|上下)")
_UNTIL_AFTER = pattern(r"\s*(?:之前|以前|前(?!端|面|台))")
_LENGTH_AFTER = pattern(
    rf"\s*(?:之|以)?(?P<side>前|后)的?\s*(?P<length>{DURATION})|\s*(?:(?:起|开始)的?|for(?:\s+the\s+next)?)\s*(?P<for>{DURATION})"
)
_LENGTH_BEFORE = pattern(
    rf"(?P<length>{DURATION})\s+(?P<side>before|after|from|following|leading\s+up\s+to|starting\s+(?:at|from)|prior\s+to)\s*$"
)


def looks_ahead(text: str) -> bool:
    """Whether a text asks for what is still to come."""
    return _AHEAD.search(text) is not None and _LOOKS_BACK.match(text) is None


def find_times(
    text: str, calendar: Calendar, *, ahead: bool = False, apart: bool = False
) -> tuple[Said, ...]:
    """All times that a plain text names, in its order.

    Parameters
    ----------
    ahead : the text asks for what will be: windows may lie in the future
    apart : days and times of day far from each other are two times, as in a comparison
    """
    text = _NO_NUMBER.sub(lambda run: "\0" * len(run[0]), text)
    found: list[Said] = []
    for search in (_shifts, _spoken_lengths):
        found += search(text, calendar, ahead)
        text = blanked(text, (said.span for said in found), by="\0")
    found += _from_moments(text, calendar, ahead=ahead, apart=apart)
    text = blanked(text, (said.span for said in found), by="\0")
    found += _vague(text, calendar)
    kept = [clipped for said in found if (clipped := _clipped(said, calendar, ahead=ahead)) is not None]
    return tuple(sorted(kept, key=lambda said: said.span))


def _shifts(text: str, calendar: Calendar, ahead: bool) -> list[Said]:
    return [
        Said(span=match.span(), kind="shift", shift_s=away)
        for words, away in _SHIFTS
        for match in words.finditer(text)
    ]


def _spoken_lengths(text: str, calendar: Calendar, ahead: bool) -> list[Said]:
    """Stretches that end or begin now."""
    found: list[Said] = []
    forward = [_COMING] + ([_WITHIN, _LATER] if ahead else [])
    for words in [_ROLLING, *forward, *([] if ahead else [_WITHIN])]:
        for match in words.finditer(blanked(text, (said.span for said in found), by="\0")):
            length = _length(match)
            if length is None or (words is _WITHIN and _has_neighbour(text, match.span())):
                continue
            future = words in forward
            window = (
                Window(calendar.now, calendar.now + length)
                if future
                else Window(calendar.now - length, calendar.now)
            )
            found.append(
                Said(span=match.span(), kind="future" if future else "past", window=window, length_s=length)
            )
    return found


def _has_neighbour(text: str, span: Span) -> bool:
    """Whether a duration belongs to a time of day beside it, as in 14点后30分钟内."""
    return (
        re.search(r"[点點时刻半分\d]\s*(?:(?:之|以)?[前后]|开始|起)的?\s*$", _before(text, span)) is not None
    )


def _before(text: str, span: Span) -> str:
    """What stands right before a time: all that stands before it would be read anew for each of many."""
    return text[max(0, span[0] - BESIDE) : span[0]]


def _length(match: re.Match[str]) -> float | None:
    text = match["en"] or match["zh"]
    if alone := re.fullmatch(rf"({EN_UNIT})(\s+and\s+a\s+half)?", text):
        return unit_seconds(alone[1]) * (1.5 if alone[2] else 1.0)
    return seconds(text)


def _vague(text: str, calendar: Calendar) -> list[Said]:
    found = []
    for words, length in ((_JUST_NOW, JUST_NOW_S), (_SPECIAL_AGO, RECENT_S), (_RECENT, RECENT_S)):
        if match := words.search(text):
            window = Window(calendar.now - length, calendar.now)
            found.append(Said(span=match.span(), kind="past", window=window, length_s=length))
            break
    return found


def _from_moments(text: str, calendar: Calendar, *, ahead: bool, apart: bool) -> list[Said]:
    moments = _joined(text, found_moments(text, calendar))
    if not apart:
        moments = _lent_days(text, moments)
    found: list[Said] = []
    position = 0
    while position < len(moments):
        first = moments[position]
        second = moments[position + 1] if position + 1 < len(moments) else None
        if second is not None and (window := _range(text, first, second, calendar, ahead)) is not None:
            found.append(Said(span=(first.span[0], second.span[1]), kind="past", window=window))
            position += 2
            continue
        found.append(_alone(text, first, calendar, ahead))
        position += 1
    return found


def _joined(text: str, moments: list[Moment]) -> list[Moment]:
    """Neighbours that say different things of one time (Friday, afternoon, three) as one."""
    out: list[Moment] = []
    for moment in moments:
        if (
            out
            and _JOIN.fullmatch(text[out[-1].span[1] : moment.span[0]])
            and (one := merged(out[-1], moment))
        ):
            out[-1] = one
        else:
            out.append(moment)
    return out


def _lent_days(text: str, moments: list[Moment]) -> list[Moment]:
    """A day that stands alone belongs to the times of day in the same text."""
    bare = [m for m in moments if m.day is not None and m.days == 1 and m.hour is None and m.stretch is None]
    times = [m for m in moments if m.day is None and m.hour is not None]
    if len(bare) != 1 or not times or (bare[0].part is not None and any(m.part for m in times)):
        return moments
    lent = bare[0]
    if any(_TO.fullmatch(text[lent.span[1] : each.span[0]]) for each in times if each.span > lent.span):
        return moments
    return [
        replace(m, day=lent.day, part=m.part or lent.part) if m in times else m
        for m in moments
        if m is not lent
    ]


def _range(text: str, first: Moment, second: Moment, calendar: Calendar, ahead: bool) -> Window | None:
    gap = text[first.span[1] : second.span[0]]
    opened = _BETWEEN.search(_before(text, second.span))
    if not (_TO.fullmatch(gap) or (opened and _AND.fullmatch(gap))):
        return None
    return between(first, second, calendar, ahead=ahead)


def _alone(text: str, moment: Moment, calendar: Calendar, ahead: bool) -> Said:
    before, after = _before(text, moment.span), text[moment.span[1] :]
    if moment.instant == calendar.now or moment.says_nothing:
        return Said(span=moment.span, kind="present")
    whole = covered(moment, calendar, ahead=ahead)
    said = Said(span=moment.span, kind="past", window=whole)
    for length in (_LENGTH_BEFORE.search(before), _LENGTH_AFTER.match(after)):
        if length is not None and (counted := _counted(length, whole)) is not None:
            span = (
                moment.span[0] - (len(before) - length.start() if length.re is _LENGTH_BEFORE else 0),
                moment.span[1],
            )
            return Said(span=span, kind="past", window=counted)
    if _AROUND_AFTER.match(after) is None:
        open_ended = _open_ended(before, after, whole, now=calendar.now, is_time=moment.is_time, ahead=ahead)
        if open_ended is not None:
            return replace(said, window=open_ended)
    if moment.is_time:
        return replace(said, window=Window(whole.start - AROUND_S, whole.start + AROUND_S))
    return said


def _open_ended(
    before: str, after: str, whole: Window, *, now: float, is_time: bool, ahead: bool
) -> Window | None:
    """What "since" and "until" make of a time; None where neither is said."""
    from_it = _FROM_BEFORE.search(before) and is_time
    if from_it or _SINCE_BEFORE.search(before) or _SINCE_AFTER.match(after):
        return Window(whole.start, max(whole.start, now))
    if _UNTIL_BEFORE.search(before) or _UNTIL_AFTER.match(after):
        if ahead and whole.start > now:
            return Window(now, whole.start)
        return Window(whole.start - BEFORE_S, whole.start)
    return None


def _counted(match: re.Match[str], whole: Window) -> Window | None:
    fields = match.groupdict()
    length = seconds(fields.get("length") or fields.get("for") or "")
    if length is None:
        return None
    if (fields.get("side") or "").strip() in ("前", "before", "prior to", "leading up to"):
        return Window(whole.start - length, whole.start)
    return Window(whole.start, whole.start + length)


def _clipped(said: Said, calendar: Calendar, *, ahead: bool) -> Said | None:
    """What is asked of the past ends now; what is asked of the future begins now; None where nothing is left."""
    window = said.window
    if window is None or said.kind == "future":
        return said
    if ahead and window.end > calendar.now:
        return replace(said, kind="future", window=Window(max(window.start, calendar.now), window.end))
    if window.start >= calendar.now:
        return replace(said, window=None)
    return replace(said, window=Window(window.start, min(window.end, calendar.now)))


def hours(window: Window) -> float:
    """Length in hours."""
    return window.seconds / HOUR
