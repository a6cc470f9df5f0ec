"""Logs of a running system."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from tests.unit.cognition.live.quiet import DAY, HOUR, MINUTE, START, logs

from sre_copilot.cognition.live.logs import LiveLogs
from sre_copilot.cognition.logs.model import LogModel
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Change, Telemetry, Window
from sre_copilot.evidence.evaluator import evaluate

NOON = START + 2 * DAY + 12 * HOUR


def learned(hours: float = 48) -> LiveLogs:
    live, rng = LiveLogs(), np.random.default_rng(5)
    for start in range(START, START + int(hours * HOUR), 12 * HOUR):
        window = Window(start, min(start + 12 * HOUR, START + hours * HOUR))
        live.learn(logs(window, rng), window)
    return live


@pytest.fixture(scope="module")
def two_days() -> tuple[dict[str, object], dict[str, object]]:
    return learned().state()  # type: ignore[return-value]


def at_noon(two_days: tuple[dict[str, object], dict[str, object]]) -> LiveLogs:
    live = LiveLogs.of(*two_days)  # type: ignore[arg-type]
    quiet(live, Window(NOON - HOUR, NOON))
    return live


def quiet(live: LiveLogs, window: Window) -> list[Anomaly]:
    rng = np.random.default_rng(8)
    told = []
    for start in range(int(window.start), int(window.end), 5 * MINUTE):
        part = Window(start, start + 5 * MINUTE)
        told += live.tick(logs(part, rng), part)
    return told


def with_lines(
    text: str, count: int, *, level: str = "ERROR", service: str = "till", at: float = NOON
) -> tuple[pl.DataFrame, Window]:
    window = Window(at, at + MINUTE)
    table = logs(window, np.random.default_rng(9))
    extra = pl.DataFrame(
        {
            "ts_ns": [int((at + each % 60) * 1e9) for each in range(count)],
            "service": service,
            "level": level,
            "message": [text.format(each) for each in range(count)],
        },
        schema=table.schema,
    )
    return pl.concat([table, extra]).sort("ts_ns"), window


def holds(told: Anomaly, table: pl.DataFrame) -> bool:
    observation = Observation(incident=Incident(id="x"), current=Telemetry(logs=table))
    return all(evaluate(check, observation).holds for check in told.finding.checks)


def test_a_quiet_day_with_load_cycle_and_jobs_raises_nothing(
    two_days: tuple[dict[str, object], dict[str, object]],
) -> None:
    live = LiveLogs.of(*two_days)  # type: ignore[arg-type]
    assert quiet(live, Window(START + 2 * DAY, START + 3 * DAY)) == []


def test_a_new_error_is_told_with_a_check_that_holds(
    two_days: tuple[dict[str, object], dict[str, object]],
) -> None:
    table, window = with_lines("cannot reach vault {}: permission denied", 4)
    told = at_noon(two_days).tick(table, window)
    assert [each.finding.kind for each in told] == ["live.log_new"]
    assert told[0].entity == "till"
    assert told[0].score >= 0.7
    assert holds(told[0], table)


def test_what_comes_back_after_a_pause_has_begun_anew_though_its_lines_are_counted_together(
    two_days: tuple[dict[str, object], dict[str, object]],
) -> None:
    live, since = at_noon(two_days), []
    for minute, count in ((0, 4), (1, 4), (6, 1)):
        table, window = with_lines(
            "cannot reach vault {}: permission denied", count, at=NOON + minute * MINUTE
        )
        since += [each.since for each in live.tick(table, window)]
    assert since == [NOON, NOON, NOON + 6 * MINUTE]


def test_a_single_line_of_a_new_error_is_not_told(
    two_days: tuple[dict[str, object], dict[str, object]],
) -> None:
    table, window = with_lines("cannot reach vault {}: permission denied", 1)
    assert at_noon(two_days).tick(table, window) == []


def test_an_exhausted_resource_is_told_at_its_first_line_even_without_a_past() -> None:
    table, window = with_lines("no space left on device {}", 1)
    told = LiveLogs().tick(table, window)
    assert [each.finding.fault_type for each in told] == ["resource/disk"]


def test_new_wording_after_a_deployment_is_no_anomaly_but_an_error_is(
    two_days: tuple[dict[str, object], dict[str, object]],
) -> None:
    change = Change(NOON - 120, "till", "deployment", "till 2.0")
    table, window = with_lines("basket {} was settled", 200, level="INFO")
    assert [each.finding.kind for each in at_noon(two_days).tick(table, window)] == ["live.log_new"]
    assert at_noon(two_days).tick(table, window, changes=[change]) == []
    table, window = with_lines("basket {} was lost", 10)
    assert at_noon(two_days).tick(table, window, changes=[change]) != []


def test_a_known_error_that_bursts_is_told(two_days: tuple[dict[str, object], dict[str, object]]) -> None:
    table, window = with_lines("payment {} failed: card declined", 60)
    told = at_noon(two_days).tick(table, window)
    assert [each.finding.kind for each in told] == ["live.log_burst"]
    assert told[0].severity == "high"
    assert told[0].current == pytest.approx(60, abs=3)
    assert told[0].expected is not None
    assert told[0].expected < 3
    assert holds(told[0], table)


def test_more_load_is_no_burst(two_days: tuple[dict[str, object], dict[str, object]]) -> None:
    window = Window(NOON + MINUTE, NOON + 2 * MINUTE)
    table = pl.concat([logs(window, np.random.default_rng(each)) for each in range(3)])
    assert [
        each for each in at_noon(two_days).tick(table, window) if each.finding.kind == "live.log_burst"
    ] == []


def test_a_statement_that_is_no_longer_written_is_told_and_a_silent_service_once(
    two_days: tuple[dict[str, object], dict[str, object]],
) -> None:
    live, kinds = at_noon(two_days), set()
    for start in range(NOON, NOON + 20 * MINUTE, 5 * MINUTE):
        window = Window(start, start + 5 * MINUTE)
        table = logs(window, np.random.default_rng(start))
        gone = (pl.col("service") == "till") & pl.col("message").str.contains("order ")
        left = table.filter(~gone & (pl.col("service") != "stock"))
        told = live.tick(left, window)
        kinds |= {(each.finding.kind, each.entity) for each in told}
        assert all(holds(each, left) for each in told)
    assert kinds == {("live.log_vanished", "till"), ("live.log_silent", "stock")}


def test_missing_logs_are_not_silence(two_days: tuple[dict[str, object], dict[str, object]]) -> None:
    live = at_noon(two_days)
    assert [live.tick(None, Window(NOON + at, NOON + at + 300)) for at in range(0, 3_600, 300)] == [[]] * 12


def test_the_first_hour_and_day_say_what_they_cannot_tell() -> None:
    live = LiveLogs()
    assert [gap.message.key for gap in live.gaps] == ["gap.live_logs_first_hour"]
    window = Window(START, START + 2 * HOUR)
    live.learn(logs(window, np.random.default_rng(1)), window)
    assert [gap.message.key for gap in live.gaps] == ["gap.live_logs_first_day"]
    table, at = with_lines("vault {} refused the key: permission denied", 5)
    assert [each.finding.kind for each in live.tick(table, at)] == ["live.log_new"]


def test_a_state_survives_json_and_goes_on_alike(
    two_days: tuple[dict[str, object], dict[str, object]],
) -> None:
    arrays, meta = two_days
    live = LiveLogs.of(arrays, json.loads(json.dumps(meta)))  # type: ignore[arg-type]
    table, window = with_lines("payment {} failed: card declined", 60)
    assert live.tick(table, window) == LiveLogs.of(arrays, meta).tick(table, window)  # type: ignore[arg-type]


def test_merged_halves_know_what_both_know() -> None:
    one, other = LiveLogs(), LiveLogs()
    rng = np.random.default_rng(4)
    for live, day in ((one, 0), (other, 1)):
        window = Window(START + day * DAY, START + (day + 1) * DAY)
        live.learn(logs(window, rng), window)
    one.merge(other)
    assert one.counts.days == pytest.approx(2.0)
    table, window = with_lines("payment {} failed: card declined", 60)
    assert [each.finding.kind for each in one.tick(table, window)] == ["live.log_burst"]


def test_a_table_of_another_time_is_not_silence(
    two_days: tuple[dict[str, object], dict[str, object]],
) -> None:
    live = at_noon(two_days)
    earlier = logs(Window(NOON - HOUR, NOON), np.random.default_rng(1))
    assert [live.tick(earlier, Window(NOON + at, NOON + at + 300)) for at in range(0, 3_600, 300)] == [
        []
    ] * 12


def test_wording_that_a_change_retired_stays_retired_after_a_restart(
    two_days: tuple[dict[str, object], dict[str, object]],
) -> None:
    def without(live: LiveLogs, begin: int, end: int) -> set[str]:
        kinds = set()
        for start in range(begin, end, 5 * MINUTE):
            window = Window(start, start + 5 * MINUTE)
            table = logs(window, np.random.default_rng(start)).filter(
                ~((pl.col("service") == "till") & pl.col("message").str.contains("order "))
            )
            change = Change(ts=NOON, service="till", kind="deployment", text="till 2.0")
            kinds |= {each.finding.kind for each in live.tick(table, window, changes=(change,))}
        return kinds

    live = at_noon(two_days)
    assert without(live, NOON, NOON + 30 * MINUTE) == set()
    arrays, meta = live.state()
    again = LiveLogs.of(arrays, json.loads(json.dumps(meta)))
    assert without(again, NOON + 60 * MINUTE, NOON + 90 * MINUTE) == set()


def test_counts_of_forgotten_templates_are_forgotten_too() -> None:
    live = LiveLogs()
    live.model = LogModel(most_templates=50)
    for hour in range(4):
        window = Window(START + hour * HOUR, START + (hour + 1) * HOUR)
        words = [f"{chr(97 + hour)}{chr(97 + each // 26)}{chr(97 + each % 26)}" for each in range(40)]
        table = pl.DataFrame(
            {
                "ts_ns": [int((window.start + 60 * (each + 1)) * 1e9) for each in range(40)],
                "service": "till",
                "level": "INFO",
                "message": [f"{word}ing the {word}er of {word}s" for word in words],
            }
        )
        live.learn(table, window)
    assert live.model.evicted > 0
    templates = {name.partition("\x1f")[2] for name in live.counts.places} - {""}
    assert templates == {str(each) for each in live.model.templates} & templates
    assert len(templates) <= 50
    arrays, meta = live.state()
    assert len(meta["counts"]["keys"]) == len(arrays["total"]) == len(arrays["gap"])
    assert set(meta["levels"]) <= set(meta["counts"]["keys"])
    before = live.counts.days
    live.learn(table, Window(window.end, window.end + HOUR))
    assert live.counts.days > before
