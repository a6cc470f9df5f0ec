"""Times as people say them, in both languages, become half-open windows that never reach past now."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.agents.understanding.durations import DURATION, compact, number, seconds
from sre_copilot.agents.understanding.moments import Calendar
from sre_copilot.agents.understanding.times import Said, find_times, looks_ahead
from sre_copilot.agents.understanding.wording import plain

NOW = datetime.fromisoformat("2026-03-04T16:20:00+08:00").timestamp()  # a Wednesday
CALENDAR = Calendar(now=NOW, offset_s=8 * 3600.0)


def said(text: str) -> list[Said]:
    smooth = plain(text)
    return [
        each
        for each in find_times(smooth, CALENDAR, ahead=looks_ahead(smooth))
        if each.window or each.shift_s
    ]


def spoken(text: str) -> str:
    """The first window as local times."""
    found = said(text)
    if not found or found[0].window is None:
        return ""
    start, end = (CALENDAR.local(at) for at in (found[0].window.start, found[0].window.end))
    return f"{start:%m-%d %H:%M}..{end:%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("Was it slow from 14:00 to 15:00?", "03-04 14:00..03-04 15:00"),
        ("下午两点到三点的错误率", "03-04 14:00..03-04 15:00"),
        ("下午2-3点", "03-04 14:00..03-04 15:00"),
        ("yesterday between 2 and 3 pm", "03-03 14:00..03-03 15:00"),
        ("yesterday 22:30-23:15", "03-03 22:30..03-03 23:15"),
        ("between 14:00 and 15:00 UTC", "03-03 22:00..03-03 23:00"),
        ("北京时间14:00到15:00", "03-04 14:00..03-04 15:00"),
        ("昨天14:00到今天09:00", "03-03 14:00..03-04 09:00"),
        ("昨晚10点到凌晨2点", "03-03 22:00..03-04 02:00"),
        ("22:00 to 02:00", "03-03 22:00..03-04 02:00"),
        ("from 11 to 1", "03-04 11:00..03-04 13:00"),
        ("十四点二十到十四点五十", "03-04 14:20..03-04 14:50"),
        ("last 30 minutes", "03-04 15:50..03-04 16:20"),
        ("过去半小时", "03-04 15:50..03-04 16:20"),
        ("最近一个半小时", "03-04 14:50..03-04 16:20"),
        ("over the last couple of hours", "03-04 14:20..03-04 16:20"),
        ("1小时内的错误日志", "03-04 15:20..03-04 16:20"),
        ("刚才", "03-04 16:05..03-04 16:20"),
        ("最近有什么变更", "03-04 15:20..03-04 16:20"),
        ("since yesterday evening", "03-03 18:00..03-04 16:20"),
        ("昨晚八点以来", "03-03 20:00..03-04 16:20"),
        ("14:00开始变慢", "03-04 14:00..03-04 16:20"),
        ("从14:00开始的半小时", "03-04 14:00..03-04 14:30"),
        ("the first 20 minutes after 13:05", "03-04 13:05..03-04 13:25"),
        ("the 30 minutes before 3pm", "03-04 14:30..03-04 15:00"),
        ("before 15:00", "03-04 14:00..03-04 15:00"),
        ("this morning", "03-04 06:00..03-04 12:00"),
        ("last night", "03-03 18:00..03-04 06:00"),
        ("今天凌晨", "03-04 00:00..03-04 06:00"),
        ("上周五", "02-27 00:00..02-28 00:00"),
        ("last Friday afternoon", "02-27 12:00..02-27 18:00"),
        ("周一到周三", "03-02 00:00..03-04 16:20"),
        ("前天", "03-02 00:00..03-03 00:00"),
        ("周末", "02-28 00:00..03-02 00:00"),
        ("last week", "02-23 00:00..03-02 00:00"),
        ("上个月", "02-01 00:00..03-01 00:00"),
        ("March 3", "03-03 00:00..03-04 00:00"),
        ("3月3日下午", "03-03 12:00..03-03 18:00"),
        ("2026-03-04 11:00-12:30", "03-04 11:00..03-04 12:30"),
        ("2026-03-04T03:00:00Z to 2026-03-04T04:00:00Z", "03-04 11:00..03-04 12:00"),
        ("1772600000 to 1772603600", "03-04 12:53..03-04 13:53"),
        ("at 3pm", "03-04 14:45..03-04 15:15"),
        ("三点左右", "03-04 14:45..03-04 15:15"),
        ("half past nine this morning", "03-04 09:15..03-04 09:45"),
        ("昨天支付服务在下午三点左右变慢了", "03-03 14:45..03-03 15:15"),
        ("20 minutes ago", "03-04 15:45..03-04 16:15"),
        ("3天前", "03-01 00:00..03-02 00:00"),
        ("will it fill in the next 6 hours", "03-04 16:20..03-04 22:20"),
        ("明天CPU预测", "03-05 00:00..03-06 00:00"),
    ],
)
def test_a_time_that_is_said_is_the_window_that_is_meant(text: str, window: str) -> None:
    assert spoken(text) == window


@pytest.mark.parametrize(
    "text",
    [
        "慢了一点",
        "top 5 slow calls",
        "error 500",
        "p95 500ms 99.9%",
        "the last 5 deployments",
        "scale to 5",
        "good morning",
        "有一点问题",
        "host-3 on rack 12",
        "现在怎么样",
        "31 February",
        "saved my night",
        "version 1.2.3",
    ],
)
def test_what_is_no_time_is_not_read_as_one(text: str) -> None:
    assert said(text) == []


def test_a_time_of_today_that_is_still_to_come_is_none_unless_the_question_looks_ahead() -> None:
    assert spoken("was it slow today at 18:00") == ""
    assert spoken("will it be slow today from 18:00 to 19:00") == "03-04 18:00..03-04 19:00"


@pytest.mark.parametrize(
    ("text", "days"), [("same time yesterday", 1), ("上周同期", 7), ("the same hour last week", 7)]
)
def test_the_same_time_before_is_a_shift(text: str, days: int) -> None:
    assert [each.shift_s for each in said(text)] == [days * 86400.0]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_read_and_no_window_reaches_past_now(text: str) -> None:
    for each in find_times(plain(text), CALENDAR):
        assert each.window is None or each.window.start <= each.window.end
        assert each.window is None or each.kind == "future" or each.window.end <= NOW


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 999))
def test_a_duration_in_digits_is_that_long(count: int) -> None:
    assert seconds(f"{count} minutes") == seconds(f"{count}分钟") == count * 60.0
    assert seconds(compact(count * 60.0)) == count * 60.0


@pytest.mark.parametrize(
    ("text", "length_s"),
    [
        ("an hour and a half", 5400),
        ("两个半小时", 9000),
        ("1h30m", 5400),
        ("一刻钟", 900),
        ("forty-five minutes", 2700),
    ],
)
def test_a_duration_in_words_is_that_long(text: str, length_s: float) -> None:
    assert re.fullmatch(DURATION, text)
    assert seconds(text) == length_s


def test_chinese_numerals_are_numbers() -> None:
    assert [number(text) for text in ("十", "二十三", "一百零五", "两", "abc")] == [10, 23, 105, 2, None]
