"""Lines become columns, whatever is in them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.perception.lines.events import Event, Joiner
from sre_copilot.perception.lines.formats import Format, guess, read_event, xml_fields
from sre_copilot.perception.lines.rows import (
    Columns,
    LogSettings,
    dig,
    level_in,
    level_word,
    structured,
    table_of,
    trace_in,
)
from sre_copilot.perception.lines.times import Times, from_number

COLUMNS = Columns(LogSettings())
FORMATS: tuple[Format, ...] = ("auto", "plain", "json", "logfmt", "xml", "syslog", "access")
LIKELY = st.one_of(
    st.text(),
    st.text(alphabet='{}[]":,=<>/\\ abc0123456789-T.Z\n\t|'),
    st.sampled_from(
        ["2024-", '{"ts":', "<event ", "<11>", "level=", "10.0.0.1 - - [", "E0305 ", "Mar  5 "]
    ).flatmap(lambda head: st.text(alphabet='0123456789:.,-+ TZ"={}<>/abc').map(lambda rest: head + rest)),
)


@given(LIKELY, st.sampled_from(FORMATS))
def test_no_line_is_refused_and_none_is_lost(line: str, form: Format) -> None:
    time, fields = read_event(line, form, Times())
    row = COLUMNS.row(time, line, own=fields)
    assert row.message == line
    assert row.service
    assert time is None or 0 <= time < 2**63
    if "\ud800" not in line:
        assert table_of([row])["message"].to_list() == [line]


@given(st.lists(st.text(alphabet='ab \t<>/{}"CTcaused by:'), max_size=30), st.sampled_from(FORMATS))
def test_joining_keeps_every_line_in_its_order(texts: list[str], form: Format) -> None:
    lines = [(text, 10 * i, 10 * i + 10) for i, text in enumerate(texts)]
    events = list(Joiner(form).events(lines))
    spans = [(event.start, event.end) for event in events]
    assert spans == sorted(spans)
    if form != "xml":
        assert [event.start for event in events[1:]] == [event.end for event in events[:-1]]
        assert "".join("".join(e.text.split()) for e in events) == "".join("".join(t.split()) for t in texts)


@given(st.integers(10**8 + 1, 9 * 10**9))
def test_a_number_is_a_time_in_whatever_unit(seconds: int) -> None:
    assert {from_number(seconds * 10**power) for power in (0, 3, 6, 9)} == {seconds * 10**9}


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_iso_times_are_read_to_the_microsecond(moment: datetime) -> None:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    expected = (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000
    assert Times().of(moment.isoformat()) == expected


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("2024-03-05T10:11:12Z x", 1709633472),
        ("2024-03-05 10:11:12 +0800 x", 1709604672),
        ("[2024-03-05 10:11:12] x", 1709633472),
        ("2024/03/05 10:11:12 x", 1709633472),
        ("20240305 10:11:12 x", 1709633472),
        ("24/03/05 10:11:12 INFO x", 1709633472),
        ("Tue, 05 Mar 2024 10:11:12 GMT x", 1709633472),
        ("Mar 05, 2024 10:11:12 x", 1709633472),
        ("1709633472.5 x", 1709633472),
        ("1709633472123 x", 1709633472),
        ("the certificate ends 2031-01-01 00:00:00", None),
        ("2024-13-45 99:99:99 x", None),
        ("build 20240305 done", None),
    ],
)
def test_the_time_at_the_head_of_a_line_is_read(line: str, seconds: int | None) -> None:
    found = Times().at_head(line)
    assert (None if found is None else found // 10**9) == seconds


def test_a_day_without_a_year_is_the_last_such_day() -> None:
    reference = 1704153600.0  # 2024-01-02
    assert Times(reference=reference).at_head("Dec 31 10:00:00 x") == 1704016800 * 10**9
    assert Times(reference=reference).at_head("Jan  1 10:00:00 x") == 1704103200 * 10**9
    assert Times(reference=1740787200.0).at_head("Feb 29 00:00:00 x") == 1709164800 * 10**9


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2024-03-05 ERROR x", "ERROR"), ("[warn] x", "warn"), ("W0305 10:11:12.1 x", "WARNING"), ("level: Fatal x", "Fatal"),
        ("no error here", ""), ("x" * 300 + " ERROR", ""), ("ERRORS=3", ""),
    ],
)  # fmt: skip
def test_a_level_is_a_word_at_the_head_and_no_word_of_a_sentence(line: str, level: str) -> None:
    assert level_in(line) == level


def test_numbers_of_levels_become_words() -> None:
    assert [level_word(each) for each in ("30", "50", "3", "6", "WARN", "unknown", "17")] == [
        "info", "error", "error", "info", "WARN", "", "17",
    ]  # fmt: skip


def test_structured_lines_are_told_from_plain_ones() -> None:
    assert structured('level=info msg="a \\"b\\" c" n=1') == {"level": "info", "msg": 'a "b" c', "n": "1"}
    assert structured('{"a": {"b": 1}}') == {"a": {"b": 1}}
    for line in ("a=1", "x is a=1 b=2", '{"a": 1', "[1]", ""):
        assert not structured(line)


def test_fields_are_found_nested_or_with_dots() -> None:
    document = {"a": {"b.c": "x"}, "d.e": "y", "f": ["z"], "g": True, "h": None}
    assert [dig(document, path) for path in ("a.b.c", "d.e", "f", "g", "h", "a")] == [
        "x",
        "y",
        "z",
        "",
        "",
        "",
    ]


def test_a_trace_is_found_in_a_plain_line() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    assert trace_in(f"paid trace_id={trace} ok") == trace
    assert trace_in("a race of tracers") == ""


def test_an_exported_windows_event_is_read() -> None:
    text = (
        '<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="Disk"/><Level>2</Level>'
        '<TimeCreated SystemTime="2024-03-05T10:11:12.123Z"/><Computer>node-1</Computer></System>'
        '<EventData><Data Name="path">C:</Data></EventData></Event>'
    )
    time, fields = read_event(text, "xml", Times())
    row = COLUMNS.row(time, text, own=fields)
    assert (row.ts_ns, row.service, row.instance) == (1709633472123 * 10**6, "Disk", "node-1")
    assert xml_fields("<a><b></a>") == {}


def test_the_form_is_guessed_by_the_beginning() -> None:
    lines = [
        '{"a":1}',
        "<e/>",
        "<11>Mar  5 10:11:12 h t: x",
        "a=1 b=2",
        "hello",
        '::1 - - [05/Mar/2024:10:11:12 +0000] "GET /" 200 1',
    ]
    assert guess("2024-03-05T10:11:12Z INFO main: x") == "plain"
    assert guess("2024-03-05T10:11:12Z node-1 shop[7]: x") == "syslog"
    assert [guess(line) for line in lines] == ["json", "xml", "syslog", "logfmt", "plain", "access"]


def test_events_say_which_bytes_they_take() -> None:
    lines = [("a", 0, 2), ("\tb", 2, 5), ("c", 5, 7)]
    assert list(Joiner("plain").events(lines)) == [Event("a\n\tb", 0, 5), Event("c", 5, 7)]
    assert len(list(Joiner("plain", multiline=False).events(lines))) == 3
