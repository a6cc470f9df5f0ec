from __future__ import annotations

import pytest

from sre_copilot.perception.estate.json_path import each_value, parse, values

DOCUMENT = {"data": {"items": [{"name": "a", "tags": ["x", "y"]}, {"name": "b"}]}, "a.b": 1, "none": None}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [DOCUMENT]),
        ("data.items[*].name", ["a", "b"]),
        ("$.data.items[-1].name", ["b"]),
        ("data.items[5].name", []),
        ('"a.b"', [1]),
        ("data[*][0].name", ["a"]),
        ("data.missing.deeper", []),
        ("data.items[*].tags", [["x", "y"]]),
    ],
)
def test_paths_lead_to_values(path: str, found: list[object]) -> None:
    assert values(DOCUMENT, path) == found


def test_lists_at_the_end_can_be_taken_apart_and_nulls_are_left_out() -> None:
    assert each_value(DOCUMENT, "data.items[*].tags") == ["x", "y"]
    assert each_value(DOCUMENT, "none") == []


@pytest.mark.parametrize("path", ["data..items", "data[", "data[x]", "a[*]b", '"open'])
def test_what_is_no_path_is_refused_with_an_example(path: str) -> None:
    with pytest.raises(ValueError, match=r"data\.items"):
        parse(path)
