from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.incidents.report.clean import markdown, one_line, raw, shorten, visible, width


@given(st.text())
def test_nothing_that_a_terminal_obeys_or_that_turns_text_round_is_left(text: str) -> None:
    shown = one_line(text)
    assert not [letter for letter in shown if unicodedata.category(letter) in ("Cc", "Cs")]
    assert not set(shown) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u200b\ufeff"
    )


@given(st.text())
def test_what_is_visible_stays_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)


def test_control_codes_are_shown_as_escapes() -> None:
    assert visible("a\x1b[2Jb\x9bc\u202ed") == "a\\x1b[2Jb\\x9bc\\u202ed"


def test_chinese_and_accents_are_left_alone() -> None:
    assert one_line("订单服务  – Größe ✓\n") == "订单服务 – Größe ✓"


@given(st.text(), st.integers(20, 400))
def test_a_long_text_is_cut_to_its_limit_and_keeps_both_ends(text: str, limit: int) -> None:
    assert len(one_line(text, limit)) <= limit + 3


def test_a_raw_line_keeps_its_columns() -> None:
    assert raw("NAME   READY\tSTATUS\n") == "NAME   READY    STATUS"
    assert raw("x" * 400) == "x" * 300 + " …"


@given(st.text(max_size=60), st.integers(3, 30))
def test_a_shortened_name_fits_its_columns(name: str, columns: int) -> None:
    assert width(shorten(name, columns)) <= max(columns, 1)


def test_names_are_shortened_in_the_middle_and_wide_letters_count_twice() -> None:
    assert shorten("archive-of-orders-east", 12) == "archiv…-east"
    assert width(shorten("订单查询与退款服务", 9)) <= 9


def test_markdown_specials_mentions_and_pipes_are_literal() -> None:
    assert markdown("a|b") == "a\\|b"
    assert markdown("![x](http://e.example)") == "\\!\\[x\\](http\\://e.example)"
    assert markdown("- 12. www.x") == "\\- 12. www\\.x"
    assert markdown("16.75 to 94.13") == "16.75 to 94.13"
    assert markdown("7) x") == "7\\) x"
    assert "@all" not in markdown("@all")
