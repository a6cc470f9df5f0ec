"""Two calls that ask the same are the same, whatever they wear."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.llm.repetition import Repetition, normal


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": "1"}, {"a": 1}),
        ({"a": "1.50"}, {"a": 1.5}),
        ({"a": "  Order   Service "}, {"a": "order service"}),
        ({"A": "x"}, {"a": "x", "b": None, "c": "", "d": []}),
        ({"a": True}, {"a": "true"}),
        ({"a": {"b": [1, "X"]}}, {"a": {"b": ["1", "x"]}}),
        ({"a": "ｏｒｄｅｒ"}, {"a": "order"}),
    ],
)
def test_the_same_in_other_clothes(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert normal("Look", one) == normal("look", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [({"a": 1}, {"a": 2}), ({"a": "x"}, {"b": "x"}), ({"a": [1, 2]}, {"a": [2, 1]}), ({"a": 0}, {})],
)
def test_what_differs_differs(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert normal("look", one) != normal("look", other)


def test_repetitions_are_counted() -> None:
    circles = Repetition()
    assert [circles.seen("look", {"a": each}) for each in (1, 2, 1, 2)] == [False, False, True, True]
    assert circles.often() == 2


@given(st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=6) | st.booleans(), max_size=4))
def test_a_call_always_equals_itself(arguments: dict[str, Any]) -> None:
    assert normal("look", arguments) == normal("look", dict(reversed(list(arguments.items()))))
