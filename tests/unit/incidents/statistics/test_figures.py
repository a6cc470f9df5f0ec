"""Figures: what they are of, what is missing, and none of too few cases."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.incidents.report.words import LANGUAGES, has
from sre_copilot.incidents.statistics.build import Precision, build
from sre_copilot.incidents.statistics.document import document
from sre_copilot.incidents.statistics.facts import Case, Facts, Repair
from sre_copilot.incidents.statistics.figures import (
    LEAST_SHARE,
    LEAST_TIMES,
    LEAST_TIMES_P90,
    of_reduction,
    of_times,
    wilson,
)
from sre_copilot.incidents.statistics.lengths import length
from sre_copilot.incidents.statistics.moments import Moments
from sre_copilot.incidents.statistics.picture import bar, chart

NOBODY = Precision(told=0, judged=0, real=0)


def case(number: int, **changed: Any) -> Case:
    fixed: dict[str, Any] = {
        "began": 1000.0, "opened": 1060.0, "told": 1061.0, "acknowledged": 1100.0, "identified": 1120.0, "resolved": 1900.0,
    }  # fmt: skip
    rest: dict[str, Any] = {"id": f"INC-{number}", "outcome": "fault", "foretold": False}
    times = {name: changed.get(name, value) for name, value in fixed.items()}
    return Case(times=Moments(**times), **{name: changed.get(name, value) for name, value in rest.items()})


def repair(number: int, state: str = "succeeded", *, checked: bool = True, acted: bool = True) -> Repair:
    return Repair(
        id=f"PLAN-{number}",
        state=state,
        autonomous=number % 2 == 0,
        checked=checked,
        acted=acted,
        seconds=60.0,
    )


def facts(
    cases: list[Case], repairs: list[Repair] | None = None, *, alerts: int = 0, messages: int = 0
) -> Facts:
    return Facts(
        since=0.0, until=2000.0, incidents=(), cases=cases, repairs=repairs or [], alerts=alerts, messages=messages, quiet=0,
        earliest=0.0,
    )  # fmt: skip


def test_times_are_from_the_moments_that_their_definitions_name() -> None:
    found = build(facts([case(number) for number in range(LEAST_TIMES)]), NOBODY)
    values = {each.name: each.value for each in found.figures if each.unit == "seconds"}
    assert values == {"mttd": 60, "mttn": 1, "mtta": 40, "mtti": 60, "mttr": 900, "repair_time": None}
    assert found.figure("mttd").met is True
    assert found.figure("mttr").met is True
    assert found.figure("mtti").met is None


def test_what_has_not_happened_is_missing_and_not_zero() -> None:
    open_ones = [case(number, resolved=None, identified=None, outcome="inconclusive") for number in range(3)]
    found = build(facts([*open_ones, *(case(number) for number in range(3, 8))]), NOBODY)
    assert (found.figure("mttr").n, found.figure("mttr").of) == (5, 8)
    assert found.figure("mttr").missing == {"goes_on": 3}
    assert found.figure("mtti").missing == {"inconclusive": 3}


def test_of_too_few_cases_there_is_no_figure_and_that_is_said() -> None:
    found = build(facts([case(number) for number in range(LEAST_TIMES - 1)]), NOBODY)
    made = document(found, "en")["figures"]["mttd"]
    assert (made["value"], made["median"], made["met"], made["n"]) == (None, None, None, LEAST_TIMES - 1)
    assert made["problem"] == "no figure: 4 cases, and at least 5 are needed"


def test_a_90th_percentile_needs_more_cases_than_a_mean() -> None:
    few = of_times("mttd", [float(number) for number in range(LEAST_TIMES_P90 - 1)])
    assert (few.median, few.p90) == (4.0, None)
    assert of_times("mttd", [float(number) for number in range(11)]).p90 == pytest.approx(9.0)


def test_what_was_only_foretold_counts_in_no_time_and_that_is_said() -> None:
    foretold = [case(100 + number, opened=1000.0, foretold=True) for number in range(20)]
    found = build(facts([*foretold, *(case(number) for number in range(5))]), NOBODY)
    for name in ("mttd", "mttn", "mtta", "mtti", "mttr"):
        figure = found.figure(name)
        assert (figure.n, figure.of, figure.missing) == (5, 25, {"foretold": 20})
    assert found.figure("mttd").value == 60


def test_false_alarms_count_in_no_time() -> None:
    found = build(facts([case(number) for number in range(6)]), NOBODY, false_alarms={"INC-0"})
    assert (found.figure("mttd").n, found.incidents, found.false_alarms) == (5, 5, 1)


def test_only_verified_repairs_are_successes() -> None:
    repairs = [repair(number) for number in range(15)]
    repairs += [repair(100 + number, "rolled_back") for number in range(5)]
    repairs += [repair(300, checked=False), repair(301, "cancelled"), repair(302, "running")]
    found = build(facts([], repairs), NOBODY).figure("repair_success")
    assert (found.value, found.n, found.met) == (0.75, 20, True)
    assert found.missing == {"cancelled": 1, "goes_on": 1, "not_verified": 1}
    assert found.low is not None and found.low < 0.75 < (found.high or 0.0)  # noqa: PT018


def test_a_plan_that_was_refused_before_anything_was_done_is_no_failed_repair() -> None:
    repairs = [repair(number) for number in range(20)]
    repairs += [repair(100, "failed", acted=False), repair(101, "failed", checked=False, acted=False)]
    repairs += [repair(102, "failed", checked=False)]
    statistics = build(facts([], repairs), NOBODY)
    found = statistics.figure("repair_success")
    assert (found.value, found.n, found.of) == (1.0, 20, 23)
    assert found.missing == {"nothing_done": 2, "not_verified": 1}
    assert statistics.figure("repair_time").n == 20


def test_noise_reduction_may_be_below_zero() -> None:
    assert of_reduction("noise_reduction", 5, 100).value == pytest.approx(0.95)
    assert of_reduction("noise_reduction", 40, 20).value == pytest.approx(-1.0)
    assert of_reduction("noise_reduction", 0, LEAST_SHARE - 1).value is None


def test_precision_is_that_which_people_gave() -> None:
    found = build(facts([]), Precision(told=50, judged=20, real=15)).figure("warning_precision")
    assert (found.value, found.n, found.of, found.missing) == (0.75, 20, 50, {"not_judged": 30})


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_holds_the_share(given_: tuple[int, int]) -> None:
    good, n = given_
    low, high = wilson(good, n)
    assert -1e-12 <= low <= good / n + 1e-9
    assert good / n - 1e-9 <= high <= 1.0 + 1e-12


@given(st.lists(st.floats(0, 1e7), min_size=LEAST_TIMES_P90), st.floats(0.1, 100))
def test_times_scale_with_their_unit_and_order_does_not_matter(seconds: list[float], factor: float) -> None:
    found, scaled = of_times("x", seconds), of_times("x", [factor * each for each in reversed(seconds)])
    for name in ("value", "median", "p90"):
        assert getattr(scaled, name) == pytest.approx(factor * getattr(found, name), abs=1e-6)


def test_every_figure_count_and_reason_has_words_in_every_language() -> None:
    open_ones = [
        case(number, resolved=None, identified=None, told=None, acknowledged=None, outcome=outcome)
        for number, outcome in enumerate(("no_fault", "inconclusive", "failed", ""))
    ] + [case(9, foretold=True)]
    states = [
        repair(1, checked=False),
        repair(2, "cancelled"),
        repair(3, "running"),
        repair(4, "failed", acted=False),
    ]
    found = build(facts(open_ones, states), Precision(told=1, judged=0, real=0))
    for each in found.figures:
        assert has(f"statistics.{each.name}")
        assert has(f"statistics.{each.name}.definition")
        assert all(has(f"statistics.missing.{reason}") for reason in each.missing)
    assert all(document(found, lang)["figures"] for lang in LANGUAGES)


def test_bars_show_the_target_and_a_figure_beyond_the_end_fills_them() -> None:
    cases = [case(number, opened=1000.0 + 7200) for number in range(5)]
    found = build(facts(cases), NOBODY)
    assert set(bar(found.figure("mttd"))) == {"█", "|"}
    assert bar(found.figure("mtti")) == ""
    assert str(chart(found, "zh")).startswith("<svg")
    assert "<text" in str(chart(build(facts([]), NOBODY), "en"))


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (119, "119 s"), (720, "12 min"), (7500, "2 h 5 min"), (7200, "2 h"), (273600, "3 d 4 h")]
)  # fmt: skip
def test_durations_are_said_in_symbols(seconds: float, said: str) -> None:
    assert length(seconds) == said
