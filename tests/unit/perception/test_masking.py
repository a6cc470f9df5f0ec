"""Masked values are seen nowhere, and stay comparable."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.errors import SettingsError
from sre_copilot.perception.masking import FieldMask, mask, mask_labels, masked, random_key

KEY = b"key"


def test_equal_values_have_equal_words_and_another_key_other_words() -> None:
    assert masked("ann", KEY) == masked("ann", KEY)
    assert masked("ann", KEY) != masked("bob", KEY)
    assert masked("ann", KEY) != masked("ann", random_key())
    assert masked("", KEY) == ""


def test_columns_are_masked_and_null_stays_null() -> None:
    table = pl.DataFrame({"service": ["a", None, "", "a"], "value": [1.0, 2.0, 3.0, 4.0]})
    found = mask(table, ["service"], KEY)["service"].to_list()
    assert found == [masked("a", KEY), None, "", masked("a", KEY)]


def test_a_column_of_numbers_cannot_be_masked() -> None:
    with pytest.raises(SettingsError, match="holds numbers"):
        mask(pl.DataFrame({"value": [1.0]}), ["value"], KEY)


def test_labels_are_masked_by_name() -> None:
    assert mask_labels({"user": "ann", "pod": "p"}, ["user"], KEY) == {"user": masked("ann", KEY), "pod": "p"}


@pytest.mark.parametrize(
    "text",
    [
        '{"user":"ann","n":1}', '{"a":{"user":"ann"}}', '{"user":{"name":"ann"}}', '{"users":[{"user":"ann"}]}',
        'level=info user=ann paid', 'user="ann" paid', "user: ann, paid", "<event><user>ann</user></event>",
        '<event user="ann"/>', "prefix {'user': 'ann'}", '{"user":"ann", broken', "GET /pay?user=ann&n=1",
    ],
)  # fmt: skip
def test_a_field_inside_of_a_line_is_masked_in_any_form(text: str) -> None:
    found = FieldMask(["user"], KEY)(text)
    assert "ann" not in found
    assert "masked-" in found


def test_what_is_not_named_stays_as_it_is() -> None:
    for text in ('{"a": 1,  "b":2}', "superuser=ann", "the user ann", ""):
        assert FieldMask(["user"], KEY)(text) == text


@given(
    st.text(alphabet="0123456789abcdef", min_size=12),
    st.sampled_from(['{"user":"%s"}', "user=%s x", 'a user="%s"']),
)
def test_no_value_survives(value: str, form: str) -> None:
    table = pl.DataFrame({"message": [form % value]})
    assert value not in mask(table, ["user"], KEY)["message"][0]
