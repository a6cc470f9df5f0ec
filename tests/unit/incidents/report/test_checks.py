from __future__ import annotations

import pytest
from tests.unit.incidents.report.example import ONSET, slow_edge, vanished, where

from sre_copilot.domain.evidence import Check, Query, Relation
from sre_copilot.domain.signals import Window
from sre_copilot.incidents.report.checks import in_words, observed_in_words
from sre_copilot.incidents.report.model import CheckResult

HOT = Query(
    source="metrics",
    measure="value",
    where=where(service="cart", metric="cpu(%)"),
    window=Window(ONSET, ONSET + 300),
)
LEVEL = Check(query=HOT, aggregate="median", relation=">=", bound=80.0)


def test_a_check_names_aggregate_query_window_relation_and_bound() -> None:
    assert in_words(LEVEL, "en", day=ONSET) == (
        "median of metric values (service cart, metric cpu(%)) from 09:21:00 to 09:26:00 UTC is at least 80 %"
    )


def test_a_check_is_said_in_chinese() -> None:
    assert in_words(LEVEL, "zh", day=ONSET) == (
        "09:21:00 至 09:26:00（UTC），指标值（服务 cart，指标 cpu(%)）的中位数不低于 80%"
    )


def test_a_time_on_another_day_carries_its_date() -> None:
    assert "from 2026-03-01 09:21:00 to 09:26:00" in in_words(LEVEL, "en", day=ONSET + 86400)
    assert "from 2026-03-01 09:21:00" in in_words(LEVEL, "en")


def test_a_ratio_to_the_reference_names_the_reference_and_has_no_unit() -> None:
    said = in_words(slow_edge("a", "b").checks[1], "en", day=ONSET)
    assert said.startswith("ratio of median of gap")
    assert said.endswith("to the same in the fault-free reference is at least 10")
    assert "caller a, callee b" in said


def test_a_difference_to_another_query_names_both_sides() -> None:
    other = Query(
        source="metrics", measure="value", where=where(service="web", metric="cpu(%)"), window=HOT.window
    )
    check = Check(query=HOT, aggregate="mean", relation=">", bound=5, against=other, combine="difference")
    said = in_words(check, "en", day=ONSET)
    assert "minus mean of metric values (service web" in said
    assert said.endswith("is above 5 %")


def test_a_count_is_in_rows() -> None:
    check = vanished("cart", "stored").checks[0]
    assert in_words(check, "en", day=ONSET).endswith("is exactly 0 lines")
    assert observed_in_words(CheckResult(check=check, observed=1.0), "zh") == "1 行"


def test_an_observed_level_names_its_aggregate_and_a_ratio_or_share_is_a_bare_number() -> None:
    assert observed_in_words(CheckResult(check=LEVEL, observed=92.04), "en") == "median 92.04 %"
    assert observed_in_words(CheckResult(check=LEVEL, observed=92.04), "zh") == "中位数 92.04%"
    ratio = slow_edge("a", "b").checks[1]
    assert observed_in_words(CheckResult(check=ratio, observed=1.0), "en") == "1"
    share = Check(query=Query(source="traces", measure="error"), aggregate="mean", relation=">", bound=0.5)
    assert observed_in_words(CheckResult(check=share, observed=0.0), "en") == "0"
    assert in_words(share, "en").startswith("share of failed spans")


@pytest.mark.parametrize(
    ("relation", "bound", "words"),
    [(">=", 96.8, "at least 97"), ("<=", 0.5, "at most 0"), (">", 0.5, "above 0"), ("<", 0.5, "below 1")],
)
def test_the_bound_of_a_count_is_the_whole_number_that_means_the_same(
    relation: Relation, bound: float, words: str
) -> None:
    check = Check(
        query=vanished("cart", "x").checks[0].query, aggregate="count", relation=relation, bound=bound
    )
    assert f"is {words} line" in in_words(check, "en")


@pytest.mark.parametrize(("lang", "words"), [("en", "no data"), ("zh", "无数据")])
def test_no_data_is_said_and_is_no_zero(lang: str, words: str) -> None:
    assert observed_in_words(CheckResult(check=LEVEL, observed=None), lang) == words  # type: ignore[arg-type]


def test_a_condition_that_is_not_known_is_shown_as_it_is() -> None:
    query = Query(source="state", measure="rows", where=where(colour="red\x1b"))
    said = in_words(Check(query=query, aggregate="count", relation=">", bound=0), "en")
    assert "colour = red\\x1b" in said
