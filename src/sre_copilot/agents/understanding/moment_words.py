"""The words for days, parts of days and times of day, in both languages, and where they stand in a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from re import Match

from sre_copilot.agents.understanding import moment_reading as reading
from sre_copilot.agents.understanding.durations import DURATION, EN_NUMBER, ZH_NUMBER
from sre_copilot.agents.understanding.moment_reading import MONTHS, WEEKDAYS
from sre_copilot.agents.understanding.moments import (
    AFTERNOON,
    EARLY,
    EVENING,
    MORNING,
    NIGHT,
    NOON,
    Calendar,
    Moment,
    Part,
)
from sre_copilot.agents.understanding.wording import pattern

Read = Callable[[Match[str], Calendar], Moment | None]

_MONTH = rf"(?:{'|'.join(MONTHS)}|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?"
_WEEKDAY = rf"(?:{'|'.join(WEEKDAYS)})"
_SHORT = r"(?:mon|tues?|wed|thu(?:rs)?|fri|sat|sun)"
_ZONE = r"(?:z|utc(?:\s?[+-]\d{1,2}(?::?\d{2})?)?|gmt(?:\s?[+-]\d{1,2}(?::?\d{2})?)?)"
_PARTS: tuple[tuple[str, Part], ...] = (
    (r"凌晨|清晨|(?:in\s+the\s+)?\bearly\s+(?:this\s+)?morning\b|\bearly\s+hours\b|半夜|午夜后", EARLY),
    (r"早上(?!好)|早晨|上午|今早|(?<!good )\b(?:in\s+the\s+)?mornings?\b", MORNING),
    (r"中午|正午|\bmid-?day\b|(?<!after)\bnoon\b|\blunch\s?time\b", NOON),
    (r"下午(?!好)|午后|(?<!good )\b(?:in\s+the\s+)?afternoon\b", AFTERNOON),
    (
        r"晚上(?!好)|傍晚|夜里|夜间|晚间|当晚|(?<!good )\b(?:in\s+the\s+)?evening\b|\bat\s+night\b|(?<=day )night\b",
        EVENING,
    ),
)
_DAYS: tuple[tuple[str, int, Part | None], ...] = (
    (r"大前天", 3, None),
    (r"前天晚上|前晚|前天夜里|\bthe\s+night\s+before\s+last\b", 2, NIGHT),
    (r"前天|前日|(?:\bthe\s+)?\bday\s+before\s+yesterday\b", 2, None),
    (r"昨晚上?|昨夜|昨天夜里|昨日夜间|昨天晚上|\b(?:last\s+night|overnight|yesterday\s+night)\b", 1, NIGHT),
    (r"\byesterday\s+evening\b", 1, EVENING),
    (r"昨早", 1, MORNING),
    (r"昨天|昨日|\byesterday\b", 1, None),
    (r"今晚|今夜|\btonight\b|\bthis\s+evening\b", 0, EVENING),
    (r"\bearly\s+this\s+morning\b|\bearly\s+hours\s+of\s+(?:this\s+morning|today)\b", 0, EARLY),
    (r"今早|今晨|\bthis\s+morning\b", 0, MORNING),
    (r"\bthis\s+afternoon\b", 0, AFTERNOON),
    (r"今天|今日|当天|\btoday\b", 0, None),
    (r"明早|\btomorrow\s+morning\b", -1, MORNING),
    (r"明晚|\btomorrow\s+(?:night|evening)\b", -1, EVENING),
    (r"明天|明日|\btomorrow\b", -1, None),
    (r"大后天", -3, None),
    (r"后天|\bday\s+after\s+tomorrow\b", -2, None),
)


def found_moments(text: str, calendar: Calendar) -> list[Moment]:
    """All that is said of days and times, in the order of the text, the first finder before the later ones."""
    taken: list[Moment] = []
    read_already = bytearray(len(text))
    for words, read in _FINDERS:
        for match in words.finditer(text):
            if any(read_already[match.start() : match.end()]):
                continue
            if (moment := _safely(read, match, calendar)) is not None:
                taken.append(moment)
                start, end = moment.span
                read_already[start:end] = b"\1" * (end - start)
    return _without_stray(text, sorted(taken, key=lambda moment: moment.span))


def _without_stray(text: str, moments: list[Moment]) -> list[Moment]:
    """Numbers after "to" and "and" are times only where a time stands before them."""
    kept: list[Moment] = []
    for moment in moments:
        before = text[kept[-1].span[1] : moment.span[0]] if kept else "?"
        if not moment.weak or re.fullmatch(r"\s*(?:to|and|until|till)\s*", before):
            kept.append(moment)
    return kept


def _safely(read: Read, match: Match[str], calendar: Calendar) -> Moment | None:
    """A day such as 31 February is no day."""
    try:
        return read(match, calendar)
    except (ValueError, OverflowError):
        return None


def _days() -> Iterator[tuple[str, Read]]:
    def reader(ago: int, part: Part | None) -> Read:
        return lambda match, calendar: Moment(span=match.span(), day=calendar.day(ago), part=part)

    for words, ago, part in _DAYS:
        yield words, reader(ago, part)


def _parts() -> Iterator[tuple[str, Read]]:
    def reader(part: Part) -> Read:
        return lambda match, calendar: Moment(span=match.span(), part=part)

    for words, part in _PARTS:
        yield words, reader(part)


_HALF = r"(?P<half>[ap]\.?m\b\.?)"
_ZONED = rf"(?:\s*(?P<zone>{_ZONE})(?![\w]))?"
_YEAR = r"(?P<year>20\d{2})"
_EN_DAY = r"(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_A_LITTLE = r"(?:(?<=[了有快慢好高低多少大小差])一点(?!半|钟)|一点(?=[点都也儿问没不]))"
_ENDS = r"(?=\s*(?:$|[,.;?!)\u3400-\u9fff\0]|\b(?:and|to|until|till|today|yesterday|tomorrow|on|in|for|or|this|last|was|is|did|utc|gmt|local|o'?clock|what|why|how|who|which|there|it|sharp|exactly)\b))"
_NOT_UNIT = rf"(?![%:/\w-]|\.\d|\s*(?:(?:{EN_NUMBER}\s*)?(?:%|ms|minutes?|mins?|hours?|seconds?|days?|weeks?|percent|services?|times|errors?)))"


def _numeric() -> Iterable[tuple[str, Read]]:
    """Dates and times in digits."""
    yield (
        rf"(?<!\d){_YEAR}[-/.年](?P<month>\d{{1,2}})[-/.月](?P<day>\d{{1,2}})[日号]?(?:[t ]|\s*的)?\s*(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})"
        rf"(?::(?P<second>\d{{2}}(?:\.\d+)?))?(?:\s?(?P<zone>{_ZONE}|\+\d{{2}}:?\d{{2}}|(?<=t\d\d:\d\d:\d\d)-\d{{2}}:?\d{{2}})(?![\w]))?(?!\s*[ap]\.?m)",
        reading.iso,
    )
    yield r"(?<![\w.-])1[5-9]\d{8}(?:\d{3})?(?![\w.-])", reading.epoch
    yield (
        rf"(?<![\d-]){_YEAR}[-/.](?P<month>1[0-2]|0?[1-9])[-/.](?P<day>3[01]|[12]\d|0?[1-9])(?![\d-])",
        reading.date_of,
    )
    yield (
        rf"(?<!\d){_YEAR}\s?年\s?(?P<month>1[0-2]|0?[1-9])\s?月\s?(?P<day>3[01]|[12]\d|0?[1-9])\s?[日号]",
        reading.date_of,
    )
    yield (
        r"(?<!\d)(?P<month>1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])\s?月\s?(?P<day>3[01]|[12]\d|0?[1-9])\s?[日号]",
        reading.date_of,
    )
    yield (
        r"(?<![\d.月])(?P<day>3[01]|[12]\d|0?[1-9])\s?[号日](?![\d\w]*(?:机|线|库|楼|节点|服务))",
        reading.date_of,
    )
    yield (
        r"(?<![\d/-])(?P<month>1[0-2]|0?[1-9])[-/](?P<day>3[01]|[12]\d|0?[1-9])(?=\s+\d{1,2}[:点])",
        reading.date_of,
    )


def _english_dates() -> Iterable[tuple[str, Read]]:
    """Dates with the month in words, and days of the month."""
    yield rf"\b(?P<month>{_MONTH})\s+(?:the\s+)?{_EN_DAY}(?:\s*,?\s*{_YEAR})?(?![\d:])", reading.date_of
    yield rf"\b{_EN_DAY}\s+(?:of\s+)?(?P<month>{_MONTH})(?:\s*,?\s*{_YEAR})?(?![\w:])", reading.date_of
    yield r"\b(?:on|since|from|until)\s+the\s+(?P<day>3[01]|[12]\d|[1-9])(?:st|nd|rd|th)\b", reading.date_of


def _clocks() -> Iterable[tuple[str, Read]]:
    """Times of day; the first of a range may leave its unit to the second."""
    to = r"\s*(?:-|\u2013|\u2014|~|到|至|to|and|until|till)\s*"
    yield (
        rf"(?<![\d.:点點时零〇一二两三四五六七八九十])(?P<hour>{ZH_NUMBER})(?={to}{ZH_NUMBER}\s?[点點时](?!间))",
        reading.clock,
    )
    yield rf"(?<![\w.:-])(?P<hour>1[0-2]|0?[1-9])(?={to}\d{{1,2}}(?::\d\d)?\s*[ap]\.?m\b)", reading.clock
    yield (
        rf"(?<![\d:.])(?P<hour>\d{{1,2}}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?:\s*{_HALF})?{_ZONED}(?![\d:])",
        reading.clock,
    )
    yield rf"(?<![\w.:])(?P<hour>1[0-2]|0?[1-9])\s*{_HALF}{_ZONED}", reading.clock
    yield r"\b(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)\s*(?:hours|hrs)\b", reading.clock
    yield rf"\b(?P<hour>{EN_NUMBER})\s*o'?\s?clock\b(?:\s*{_HALF})?", reading.clock
    yield rf"\b(?P<hour>(?!\d){EN_NUMBER})\s*{_HALF}", reading.clock
    yield (
        rf"(?<!from )(?<!between )\b(?P<away>half|(?:a\s+)?quarter|five|ten|twenty(?:-five)?|5|10|20|25)\s+(?P<side>past|to)\s+(?P<hour>{EN_NUMBER})(?:\s*{_HALF})?{_NOT_UNIT}",
        reading.worded_clock,
    )
    yield (
        rf"(?<![\d.])(?!{_A_LITTLE})(?P<hour>{ZH_NUMBER})\s?[点點时](?P<minute>半|[一三]刻|整|{ZH_NUMBER}\s?分?)?(?:钟)?{_ZONED}(?![间候])",
        reading.clock,
    )
    yield r"\bmid-?night\b|(?<=12 )noon\b|午夜|零时", reading.named_clock
    yield (
        rf"\b(?:at|since|after|before|around|about|until|till|by|from|between)\s+(?P<hour>2[0-3]|1\d|0?\d){_NOT_UNIT}{_ENDS}",
        reading.bare_clock,
    )
    yield rf"\b(?:to|and|until|till)\s+(?P<hour>2[0-3]|1\d|0?\d){_NOT_UNIT}{_ENDS}", reading.weak_clock


def _weeks() -> Iterable[tuple[str, Read]]:
    """Days of the week, weekends, weeks and months."""
    zh = r"(?:周|星期|礼拜)"
    yield (
        rf"(?P<which>上上|上个|上|下个|下|本|这个|这)?{zh}(?P<weekday>[一二三四五六日天])(?![天])",
        reading.weekday,
    )
    yield rf"(?:\b(?P<which>last|past|previous|this|on|next)\s+)?\b(?P<weekday>{_WEEKDAY})\b", reading.weekday
    yield rf"\b(?P<which>last|since|this|on|from|until)\s+(?P<weekday>{_SHORT})\b", reading.weekday
    yield (
        r"(?P<which>上个?|这个?|本)?周末|\b(?:(?:at|over|on|during)\s+)?(?P<which2>the\s+|last\s+|this\s+)?weekend\b",
        reading.weekend,
    )
    yield (
        rf"(?P<which>上上|上个?|这个?|本|下个?){zh}(?!末)|(?P<which2>\bthe\s+week\s+before\s+last|\b(?:last|this|previous|next)\s+week)\b",
        reading.week,
    )
    yield (
        r"(?P<which>上个?|这个?|本)月(?!\d)|(?P<which2>\b(?:last|this|previous)\s+month)\b",
        reading.month_of,
    )


def _ago_words() -> Iterable[tuple[str, Read]]:
    """Moments counted back from now."""
    yield rf"(?P<length>{DURATION})\s*(?:\bago\b|之?前(?!后))", reading.ago


def _others() -> Iterable[tuple[str, Read]]:
    """Zones, and now itself."""
    yield (
        r"北京时间|\b(?:beijing\s+time|china\s+standard\s+time)\b|\b(?:utc|gmt)\s*(?:时间|time)?(?![\w+-])",
        reading.zone,
    )
    yield r"\b(?:right\s+)?now\b|现在|当前|目前|\bat\s+the\s+moment\b|此刻", reading.present


def _compiled() -> tuple[tuple[re.Pattern[str], Read], ...]:
    order = (
        *_numeric(),
        *_ago_words(),
        *_english_dates(),
        *_days(),
        *_weeks(),
        *_clocks(),
        *_parts(),
        *_others(),
    )
    return tuple((pattern(words), read) for words, read in order)


_FINDERS = _compiled()
