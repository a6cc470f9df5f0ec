from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from sre_copilot.incidents.report.wrap import Prose, breaks


def lines(text: str, width: int) -> list[str]:
    return [line.plain for line in Prose(text).wrap(Console(width=width), width)]


def test_chinese_breaks_between_any_two_characters_and_fills_the_line() -> None:
    assert lines("网络延迟导致服务变慢", 8) == ["网络延迟", "导致服务", "变慢"]


def test_a_line_does_not_begin_with_a_closing_mark_nor_end_with_an_opening_one() -> None:
    assert lines("服务变慢，重启", 8) == ["服务变", "慢，重启"]
    assert lines("服务慢（约两倍）", 8) == ["服务慢", "（约两", "倍）"]


def test_words_in_latin_letters_stay_whole_where_they_fit() -> None:
    assert lines("the payment service 变慢了", 12) == ["the payment", "service 变慢", "了"]


@given(st.text("ab cd（）。服务延迟-_", max_size=80), st.integers(4, 30))
def test_no_line_is_too_wide_and_no_letter_is_lost(text: str, width: int) -> None:
    assert all(cell_len(line) <= width for line in lines(text, width))
    ends = [0, *breaks(text, width), len(text)]
    assert ends == sorted(ends)
    assert "".join("".join(lines(text, width)).split()) == "".join(text.split())
