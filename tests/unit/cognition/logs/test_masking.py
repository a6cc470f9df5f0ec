"""Masking and unwrapping of log lines."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.cognition.logs.masking import HEAD, VARIABLE, mask, split, unwrap


def masked(line: str) -> str:
    return " ".join(split(mask(pl.Series([line]))[0])).replace(VARIABLE, "<*>")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("took 15 ms", "took <*>"),
        ("2031-04-05 10:11:12,345 INFO ready", "<*> INFO ready"),
        ("from 10.1.2.3:8080 to /var/lib/x", "from <*> to <*>"),
        ("user=mia state=on", "user=<*> state=<*>"),
        ("id 3f2c9b1e-0000-4c1d-9d7a-aabbccddeeff gone", "id <*> gone"),
        ("sent 4096 bytes (4.00 KB) in 00:12", "sent <*> in <*>"),
        ("TraceID: abc1 SpanID: 9f [open] door", "<*> [open] door"),
        ("see https://example.org/a?b=1 now", "see <*> now"),
    ],
)
def test_what_plainly_varies_is_masked(line: str, expected: str) -> None:
    assert masked(line) == expected


@pytest.mark.parametrize("place", ["Shelf#31", "a.b.Till#8", "orders.py:42", "pkg/cart.go:7"])
def test_a_code_location_stays(place: str) -> None:
    assert masked(f"INFO {place} took 3 ms") == f"INFO {place} took <*>"


def test_json_lines_are_reduced_to_their_message() -> None:
    lines = pl.Series(['{"ts": 1, "message": "cart 12 full"}', '{"msg": "cart 13 full"}', "cart 14 full"])
    assert mask(lines).n_unique() == 1


def test_logfmt_lines_are_reduced_to_their_message() -> None:
    lines = pl.Series(['level=info msg="cart 12 full" t=3', "cart 14 full"])
    assert mask(lines).n_unique() == 1


def test_json_without_a_message_stays_as_it_is() -> None:
    assert unwrap(pl.Series(['{"a": "b"}']))[0] == '{"a": "b"}'


def test_only_the_first_line_counts() -> None:
    assert masked("boom\n  at Shelf.find\n  at Door.open") == "boom"


def test_null_is_an_empty_line() -> None:
    assert masked_or_empty(None) == ("",)


def masked_or_empty(line: str | None) -> tuple[str, ...]:
    return split(mask(pl.Series([line], dtype=pl.String))[0])


@given(st.lists(st.text(max_size=2 * HEAD), max_size=8))
def test_any_text_is_masked_row_by_row(lines: list[str]) -> None:
    together = mask(pl.Series(lines, dtype=pl.String)).to_list()
    assert len(together) == len(lines)
    for line, result in zip(lines, together, strict=True):
        assert mask(pl.Series([line]))[0] == result


def test_a_carriage_return_ends_a_line_whatever_the_other_lines_hold() -> None:
    alone, beside = mask(pl.Series(["a\rb"])), mask(pl.Series(["a\rb", "c\nd"]))
    assert alone[0] == beside[0]
