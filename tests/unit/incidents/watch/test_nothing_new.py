"""Where nothing new is known, nothing is taken for quiet, over, or gone; and what was kept belongs together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.anomaly import Breach
from sre_copilot.domain.series import SeriesKey
from sre_copilot.domain.signals import Change, Modality, Telemetry, Window
from sre_copilot.errors import StoreError
from sre_copilot.incidents.watch.asking import Answer
from sre_copilot.incidents.watch.episodes import Episode, Episodes, Seen, Turn
from sre_copilot.incidents.watch.foresight import Expected, Foresight
from sre_copilot.incidents.watch.inquiry import LONGEST_S, PAUSE_S
from sre_copilot.incidents.watch.journal import Journal, breach_row
from sre_copilot.incidents.watch.learning import Lesson, learn_source
from sre_copilot.incidents.watch.metrics import MetricWatch, Recent
from sre_copilot.incidents.watch.named import told
from sre_copilot.incidents.watch.ranges import Range
from sre_copilot.incidents.watch.recommended import PATIENCE_S, recommended_thresholds
from sre_copilot.perception.source import Health, Reading, SourceSettings
from sre_copilot.settings.document import Baseline, Prediction, Settings
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0


@pytest.fixture
def source() -> SyntheticSource:
    return SyntheticSource(services=4, metrics=3)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock(NOW)


@pytest.fixture
def service(tmp_path: Path, source: SyntheticSource, clock: TurnedClock) -> Iterator[Service]:
    made = make_service(settings(tmp_path), sources=[source], clock=clock)
    made.watch.request_learning(wait=True)
    yield made
    made.close()


def settings(folder: Path) -> Settings:
    return Settings.model_validate({"store": {"folder": folder}, "check_interval_seconds": 60})


def turn(service: Service, clock: TurnedClock, count: int = 1, *, seconds: float = 60.0) -> list[Episode]:
    opened: list[Episode] = []
    for _ in range(count):
        clock.wait(seconds, service.stop)
        opened += service.watch.tick().opened
    return opened


def breach(*, at: float) -> Breach:
    return Breach(
        entity="orders", metric="disk", instance="", made_at=NOW, horizon_hours=6, limit=5.0,
        direction="above", at=at, earliest=NOW, latest=None, probability=0.9, hit_rate=None, method="x",
    )  # fmt: skip


def test_an_answer_of_no_time_looked_at_nothing() -> None:
    reading = Reading(telemetry=Telemetry())
    assert not Answer(reading=reading, window=Window(NOW, NOW), until=NOW).looked
    assert Answer(reading=reading, window=Window(NOW - 10, NOW), until=NOW).looked
    assert Answer(reading=reading, until=NOW).looked
    steps = SyntheticSource(services=1, metrics=1).series(Window(NOW, NOW), step_seconds=60)
    assert not Answer(steps=steps).looked


class Trades:
    """Tells one row a minute, when the minute is over."""

    Settings: ClassVar[type[SourceSettings]] = SourceSettings
    name = "trades"
    modalities: ClassVar[tuple[Modality, ...]] = ("transactions",)
    interval_seconds = 60

    def __init__(self) -> None:
        self.windows: list[Window] = []

    def read(self, window: Window) -> Reading:
        self.windows.append(window)
        return Reading(telemetry=Telemetry())

    def health(self) -> Health:
        return Health(source=self.name, ok=True)

    def close(self) -> None:
        """Nothing to close."""


def test_between_two_intervals_a_source_was_not_looked_at(tmp_path: Path) -> None:
    trades, clock = Trades(), TurnedClock(NOW // 60 * 60)
    document = {"store": {"folder": tmp_path}, "check_interval_seconds": 10}
    made = make_service(Settings.model_validate(document), sources=[trades], clock=clock)
    turn(made, clock, 14, seconds=10.0)
    assert [each.seconds for each in trades.windows if each.seconds] == [60.0, 60.0]
    assert made.watch._board.looked("trades") == 2
    assert made.watch._board.looked("nobody") is None
    made.close()


def test_an_anomaly_is_confirmed_by_the_next_look_however_many_ticks_lie_between() -> None:
    steps = SyntheticSource(services=1, metrics=1)
    found = Seen(told(steps.keys[0], 9.0, Range(1.0, 0.0, 2.0, 1.0), score=0.8, method="x", since=NOW,
                      window=Window(NOW, NOW + 60)), "trades")  # fmt: skip
    episodes = Episodes()
    assert not episodes.tick([found], at=NOW).opened
    for number in range(5):
        episodes.tick([], at=NOW + 10 * number, unseen=lambda episode: episode.source == "trades")
    assert len(episodes.tick([found], at=NOW + 60).opened) == 1


def test_changes_that_the_store_refuses_are_kept_later_and_explain_meanwhile(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise StoreError("the disk is full")

    told, change = service.watch._changes, Change(NOW, "orders", "deploy", "v2")
    with monkeypatch.context() as full:
        full.setattr(service.changes, "save", refuse)
        assert told.take([("git", change)], now=NOW) == (change,)
    assert told.take([], now=NOW) == (change,)
    assert [row["source"] for row in service.changes.page().rows] == ["git"]


def test_an_end_right_after_learning_leaves_a_state_that_fits(
    tmp_path: Path, service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    turn(service, clock, 1)
    service.watch.request_learning(wait=True)
    turn(service, clock, 1)  # and then nothing else: as after kill -9
    service.database.close()
    again = make_service(settings(tmp_path), sources=[source], clock=clock)
    assert again.watch._metrics["synthetic"].committed == int(clock.now()) // 60 * 60
    again.close()


def test_a_state_of_another_lesson_is_brought_up_to_date_from_the_last_hours(
    tmp_path: Path, service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    turn(service, clock, 1)
    service.watch.request_learning(wait=True)  # kept, and the process ends before its next tick
    service.database.close()
    again = make_service(settings(tmp_path), sources=[source], clock=clock)
    turn(again, clock, 1)
    watch = again.watch._metrics["synthetic"]
    assert watch.committed == int(clock.now()) // 60 * 60
    assert np.isfinite(watch.recent.values(slice(None))).mean() > 0.99
    again.close()


def test_what_was_expected_of_a_source_that_is_down_stays_until_its_time(
    tmp_path: Path, service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    rows = [breach_row(breach(at=NOW + 3600), at=NOW, source="synthetic")]
    rows.append({**breach_row(breach(at=NOW + 60), at=NOW, source="synthetic"), "id": "B-over"})
    rows.append({**breach_row(breach(at=NOW + 3600), at=NOW, source="gone"), "id": "B-gone"})
    service.breaches.save(rows)
    turn(service, clock, 1)
    service.watch.close()
    clock.wait(3000.0, service.stop)
    source.down = True
    again = make_service(settings(tmp_path), sources=[source], clock=clock)
    turn(again, clock, 2)
    assert [row["id"] for row in again.breaches.open()] == [rows[0]["id"]]
    source.down = False
    turn(again, clock, 6)
    assert again.breaches.open() == ()
    again.close()


def test_what_an_earlier_process_told_is_not_over_before_its_source_was_looked_at(
    tmp_path: Path, service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    source.disturb(source.keys[0], start=NOW + 60, end=NOW + 600, add=60.0)
    assert len(turn(service, clock, 4)) == 1
    service.watch.close()
    source.down = True
    again = make_service(settings(tmp_path), sources=[source], clock=clock)
    turn(again, clock, 12)
    assert len(again.anomalies.open()) == 1
    source.down = False
    turn(again, clock, 9)
    assert again.anomalies.open() == ()
    again.close()


def test_a_clock_that_was_put_back_does_not_end_the_watch(service: Service, clock: TurnedClock) -> None:
    turn(service, clock, 2)
    watch = service.watch._metrics["synthetic"]
    clock._now -= 7200.0
    turn(service, clock, 1)
    assert watch.committed == int(clock.now()) // 60 * 60


def test_a_second_of_correction_is_no_clock_that_was_put_back() -> None:
    watch = MetricWatch(step_seconds=60, committed=120)
    watch.put_back(119.0)
    assert watch.committed == 120
    watch.put_back(59.0)
    assert watch.committed == 0


def test_the_last_value_is_the_last_that_is_known() -> None:
    recent = Recent(3, step_seconds=3600)
    for values in ([1, 1, 1], [2, np.nan, np.nan], *[[3, np.nan, 3]] * 3, [np.nan, np.nan, 4]):
        recent.add(np.array(values, np.float32))
    assert recent.latest().tolist()[::2] == [3.0, 4.0]
    assert np.isnan(recent.latest()[1])


def test_what_begins_soon_after_an_investigation_is_investigated_after_the_pause(
    service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    source.disturb(source.keys[0], start=NOW + 60, end=NOW + 9999, add=60.0)
    (episode,) = turn(service, clock, 4)
    inquiries = service.watch._inquiries
    inquiries.wait(30)
    now = clock.now()
    inquiries._last, inquiries._due = now - 10, None
    old = replace(episode, anomaly=replace(episode.anomaly, since=now - 10 * LONGEST_S))
    inquiries.consider(Turn(opened=(old,)), [old], now=now)
    assert inquiries._due is not None
    assert inquiries._due.at == now - 10 + PAUSE_S
    assert inquiries._due.onset == now - LONGEST_S


def test_holidays_begin_at_local_midnight(source: SyntheticSource) -> None:
    chosen = Baseline.model_validate({"country": "CN", "utc_offset_hours": 8})
    lesson = learn_source(source, chosen, now=NOW)
    assert isinstance(lesson, Lesson)
    assert lesson.learned.profile.utc_offset_seconds == 8 * 3600


def test_thresholds_are_recommended_on_the_side_of_trouble_and_only_while_there_is_time() -> None:
    keys = (SeriesKey("a", "requests_success_ratio"), SeriesKey("a", "latency_seconds"))
    values = np.tile(np.array([[0.9] * 600 + [1.0] * 840, [1.0] * 840 + [2.0] * 600], np.float32), 7)
    values += np.linspace(0, 0.01, values.shape[1], dtype=np.float32)
    found = recommended_thresholds(keys, values, step_seconds=60)
    assert found[0, 0] < values[0].mean()
    assert found[0, 1] > values[1].mean()
    clock = iter([0.0, 0.0, PATIENCE_S + 1])
    late = recommended_thresholds(keys, values, step_seconds=60, elapsed=lambda: next(clock))
    assert np.isfinite(late).all(axis=0).tolist() == [True, False]


def test_two_sources_with_a_series_of_the_same_name_have_a_breach_each(service: Service) -> None:
    journal = Journal(anomalies=service.anomalies, breaches=service.breaches)
    both = [Expected(name, breach(at=NOW + 3600)) for name in ("east", "west")]
    assert journal.expect(both, at=NOW) == 2
    assert journal.expect(both[:1], at=NOW + 300, unseen=("west",)) == 2
    assert journal.expect(both[:1], at=NOW + 600) == 1
    assert [row["source"] for row in service.breaches.open()] == ["east"]


def test_what_is_expected_names_the_source_of_its_series(service: Service, clock: TurnedClock) -> None:
    turn(service, clock, 2)
    watch = service.watch._metrics["synthetic"]
    assert watch.learned is not None
    latest = dict(zip(watch.learned.keys, watch.recent.latest().tolist(), strict=True))
    limits = {
        name: max(value for key, value in latest.items() if key.metric == name) + 0.5
        for name in ("latency", "requests", "errors")
    }
    foresight = Foresight(Prediction.model_validate({"limits": limits, "minimum_probability": 0.01}))
    found = foresight.go_on({"east": watch, "west": watch}, now=clock.now() + 3600, budget_seconds=60.0)
    assert found
    assert {each.source for each in found} == {"east", "west"}
    assert [each.breach.at for each in found] == sorted(each.breach.at for each in found)
