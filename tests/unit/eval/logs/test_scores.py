"""Accuracy of log templates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.eval.logs.normal_form import normal_form
from sre_copilot.eval.logs.scores import accuracy


def test_equal_templates_are_right_in_every_way() -> None:
    found = accuracy(["a <*>", "a <*>", "b"], ["a <*>", "a <*>", "b"])
    assert (found.ga, found.fga, found.fta) == (1.0, 1.0, 1.0)


def test_a_group_that_is_split_is_wrong_for_all_its_lines() -> None:
    found = accuracy(["a 1", "a 2", "b"], ["a <*>", "a <*>", "b"])
    assert found.ga == pytest.approx(1 / 3)
    assert found.fga == pytest.approx(2 * 1 / (3 + 2))
    assert found.fta == pytest.approx(2 * 1 / (3 + 2))


def test_a_right_group_with_another_text_counts_for_groups_and_not_for_templates() -> None:
    found = accuracy(["x <*>", "x <*>"], ["x y <*>", "x y <*>"])
    assert (found.ga, found.fga, found.fta) == (1.0, 1.0, 0.0)


def test_a_template_that_also_takes_foreign_lines_is_not_right() -> None:
    assert accuracy(["a", "a", "a"], ["a", "a", "b"]).fta == 0.0


def test_a_template_that_misses_some_of_its_lines_is_right_itself() -> None:
    found = accuracy(["a", "a", "other"], ["a", "a", "a"])
    assert found.ga == 0.0
    assert found.fta == pytest.approx(2 * 1 / (2 + 1))


def test_nothing_cannot_be_scored() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        accuracy([], [])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), min_size=1, max_size=30))
def test_scores_are_shares_and_do_not_depend_on_the_order_of_lines(pairs: list[tuple[str, str]]) -> None:
    found, true = zip(*pairs, strict=True)
    there, back = accuracy(found, true), accuracy(found[::-1], true[::-1])
    assert there == back
    assert all(0.0 <= value <= 1.0 for value in (there.ga, there.fga, there.fta))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("a   b ", "a b"),
        ("port 80 open", "port <*> open"),
        ("in /var/log now", "in <*> now"),
        ("blk_<*> ok", "<*> ok"),
        ("from <*>:<*> to <*>.<*>", "from <*> to <*>"),
        ("user root: True", "user <*>: <*>"),
        ("uid=<*> (x)", "uid=<*> (x)"),
    ],
)
def test_the_normal_form_takes_for_one_what_the_literature_takes_for_one(
    template: str, expected: str
) -> None:
    assert normal_form(template) == expected


@given(st.text(alphabet="ab<*>:/. 1=", max_size=30))
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    once = normal_form(normal_form(text))
    assert normal_form(once) == once
