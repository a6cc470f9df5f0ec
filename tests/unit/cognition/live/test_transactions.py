"""Transactions of a running system."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from tests.unit.cognition.live.quiet import DAY, HOUR, MINUTE, START, transactions

from sre_copilot.cognition.live.transactions import LiveTransactions
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Telemetry, Window
from sre_copilot.evidence.evaluator import evaluate

NOW = Window(START + 3 * DAY + 10 * HOUR, START + 3 * DAY + 10 * HOUR + 5 * MINUTE)


@pytest.fixture(scope="module")
def live() -> LiveTransactions:
    found = LiveTransactions()
    window = Window(START, START + 3 * DAY)
    found.learn(transactions(window, np.random.default_rng(2)), window)
    return found


def told(live: LiveTransactions, table: pl.DataFrame) -> list[Anomaly]:
    found = live.tick(table, NOW)
    observation = Observation(incident=Incident(id="x"), current=Telemetry(transactions=table))
    assert all(evaluate(check, observation).holds for each in found for check in each.finding.checks)
    return found


def rows(**change: object) -> pl.DataFrame:
    return transactions(NOW, np.random.default_rng(6), **change)  # type: ignore[arg-type]


def test_a_quiet_day_raises_nothing(live: LiveTransactions) -> None:
    rng = np.random.default_rng(3)
    for start in range(START + 3 * DAY, START + 4 * DAY, 5 * MINUTE):
        window = Window(start, start + 5 * MINUTE)
        assert live.tick(transactions(window, rng), window) == []


def test_a_drop_names_the_channel_that_explains_it_and_its_share(live: LiveTransactions) -> None:
    found = told(live, rows(volume={"app": 0.1}))
    assert [each.finding.kind for each in found] == ["live.transactions_low"]
    params = dict(found[0].finding.params)
    assert params["channel"] == "app"
    assert float(params["share"]) > 0.8
    assert found[0].severity == "critical"


def test_a_drop_of_everything_is_told_once(live: LiveTransactions) -> None:
    found = told(live, rows(volume={"web": 0.2, "app": 0.2, "branch": 0.2}))
    assert len([each for each in found if each.finding.kind == "live.transactions_low"]) == 1


def test_no_rows_in_a_recorded_table_are_a_drop_and_no_table_is_nothing(live: LiveTransactions) -> None:
    assert [each.finding.kind for each in told(live, rows().clear())] == ["live.transactions_low"]
    assert live.tick(None, NOW) == []


def test_a_table_that_ends_before_the_window_is_no_drop(live: LiveTransactions) -> None:
    earlier = Window(NOW.start - HOUR, NOW.start)
    assert live.tick(transactions(earlier, np.random.default_rng(1)), NOW) == []


def test_failing_transactions_of_one_channel_are_told(live: LiveTransactions) -> None:
    found = told(live, rows(success={"web": 0.7}))
    assert [each.finding.kind for each in found] == ["live.transactions_failing"]
    assert dict(found[0].finding.params)["channel"] == "web"
    assert found[0].finding.fault_type == "degradation/availability"


def test_slow_transactions_are_told(live: LiveTransactions) -> None:
    kinds = {each.finding.kind for each in told(live, rows(slower=4.0))}
    assert kinds == {"live.transactions_slow"}


def test_before_an_hour_was_learned_nothing_is_told_and_a_gap_says_so() -> None:
    fresh = LiveTransactions()
    assert fresh.tick(rows(volume={"app": 0.0}), NOW) == []
    assert [gap.message.key for gap in fresh.gaps] == ["gap.live_transactions_first_hour"]


def test_after_an_hour_a_drop_to_nothing_is_told() -> None:
    fresh = LiveTransactions()
    window = Window(NOW.start - 2 * HOUR, NOW.start)
    fresh.learn(transactions(window, np.random.default_rng(2)), window)
    assert [each.finding.kind for each in told(fresh, rows().clear())] == ["live.transactions_low"]


def test_a_state_survives_json_and_two_halves_merge_to_the_whole(live: LiveTransactions) -> None:
    arrays, meta = live.state()
    again = LiveTransactions.of(arrays, json.loads(json.dumps(meta)))
    table = rows(volume={"app": 0.1})
    assert again.tick(table, NOW) == live.tick(table, NOW)
    whole, halves = LiveTransactions(), [LiveTransactions(), LiveTransactions()]
    for half, day in zip(halves, (0, 1), strict=True):
        window = Window(START + day * DAY, START + (day + 1) * DAY)
        part = transactions(window, np.random.default_rng(day))
        whole.learn(part, window)
        half.learn(part, window)
    halves[0].merge(halves[1])
    assert halves[0].tick(table, NOW) == whole.tick(table, NOW)


def uneven(**success: float) -> pl.DataFrame:
    """One channel has most of the transactions."""
    table = rows()
    heavy = pl.when(pl.col("channel") == "app").then(20).otherwise(1)
    count = pl.col("count") * heavy
    share = pl.col("channel").replace_strict(success, default=0.985, return_dtype=pl.Float64)
    return table.with_columns(
        count=count, success=(count * share).round().cast(pl.Int64), amount=pl.col("amount") * heavy
    )


def test_what_is_told_of_channels_of_unlike_size_holds_of_the_rows(live: LiveTransactions) -> None:
    found = told(live, uneven(app=0.9, web=0.8, branch=0.8))
    assert {each.finding.kind for each in found} == {"live.transactions_failing", "live.transactions_high"}


def test_one_slow_minute_among_usual_ones_is_not_the_median_and_not_told(live: LiveTransactions) -> None:
    table = rows()
    slow = pl.when(pl.col("ts") == NOW.start).then(50.0).otherwise(1.0)
    assert told(live, table.with_columns(pl.col("latency_ms") * slow)) == []


def test_an_amount_is_that_of_all_transactions_of_the_window(live: LiveTransactions) -> None:
    dear = rows().with_columns(pl.col("amount") * 10)
    found = told(live, dear)
    assert {each.finding.kind for each in found} == {"live.transactions_amount"}
    assert {type(each.score) for each in found} == {float}, "what is told is written as JSON"
    web = dear.filter(pl.col("channel") == "web")
    shown = {each.instance: each.current for each in found}
    assert shown["web"] == pytest.approx(web["amount"].sum() / web["count"].sum())
    partly = rows().with_columns(pl.when(pl.col("ts") == NOW.start).then(pl.col("amount")).alias("amount"))
    assert told(live, partly) == []
