"""Nothing that came from outside reaches the reader as a secret, an address or a control code."""

from __future__ import annotations

import pytest

from sre_copilot.agents.printable import printable


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("see https://evil.example/a?b=1 now", "evil.example"),
        ("![x](http://evil.example/p.png)", "evil.example"),
        ("[click](javascript:alert(1))", "alert"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJ"),
        ("postgres://shop:Pa55word@db:5432", "Pa55word"),
        ("red \x1b[31malert\x1b[0m", "\x1b"),
        ("rtl \u202egnp.exe", "\u202e"),
        ("<img src=x onerror=alert(1)>", "onerror"),
        ("<script src=//evil.example/x.js", "evil.example"),
        ("load //evil.example/pixel.png now", "evil.example"),
    ],
)
def test_what_must_not_be_shown_is_left_out(text: str, gone: str) -> None:
    assert gone not in printable(text)


def test_names_numbers_and_words_stay_as_they_are() -> None:
    text = "Errors of checkout rose: http_error_ratio is 0.494, normally 0 (POST /orders, trace 4bf92f3577b34da6a3ce929d0e0e4736), “POST <*> failed” a < b // note"
    assert printable(text) == text
