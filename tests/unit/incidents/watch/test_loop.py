"""The watch learns, tells what is abnormal, survives sources that fail, and goes on after an end without warning."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.signals import Window
from sre_copilot.evidence.evaluator import Evaluator
from sre_copilot.incidents.watch.episodes import Episode
from sre_copilot.settings.document import Settings
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0


def watching(folder: Path, source: SyntheticSource, clock: TurnedClock, *others: SyntheticSource) -> Service:
    settings = Settings.model_validate({"store": {"folder": folder}, "check_interval_seconds": 60})
    return make_service(settings, sources=[source, *others], clock=clock)


def ticks(service: Service, clock: TurnedClock, count: int) -> list[str]:
    """Tick, and return what was opened."""
    opened: list[str] = []
    for _ in range(count):
        clock.wait(60.0, service.stop)
        opened += [f"{each.anomaly.entity}/{each.anomaly.metric}" for each in service.watch.tick().opened]
    return opened


@pytest.fixture
def source() -> SyntheticSource:
    return SyntheticSource(services=6, metrics=3)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock(NOW)


@pytest.fixture
def service(tmp_path: Path, source: SyntheticSource, clock: TurnedClock) -> Iterator[Service]:
    made = watching(tmp_path, source, clock)
    made.watch.request_learning(wait=True)
    yield made
    made.close()


def test_a_level_shift_is_told_of_its_series_and_closed_when_it_is_over(
    service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    key = source.keys[4]
    source.disturb(key, start=NOW + 1200, end=NOW + 2400, add=25.0)
    assert ticks(service, clock, 19) == []
    assert ticks(service, clock, 3) == [f"{key.service}/{key.metric}"]
    (row,) = service.anomalies.page().rows
    assert row["current"] > row["expected"] + 10
    assert row["closed_at"] is None
    ticks(service, clock, 40)
    (row,) = service.anomalies.page().rows
    assert row["closed_at"] is not None


def test_what_is_told_can_be_checked_by_anyone(
    service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    source.disturb(source.keys[2], start=NOW + 300, end=NOW + 900, add=25.0)
    opened: list[Episode] = []
    for _ in range(8):
        clock.wait(60.0, service.stop)
        opened += service.watch.tick().opened
    (episode,) = opened
    reading = source.read(Window(NOW, clock.now() + 60))
    from sre_copilot.domain.incident import Incident, Observation

    evaluator = Evaluator(Observation(incident=Incident(id="x"), current=reading.telemetry))
    checks = episode.anomaly.finding.checks
    assert checks
    assert all(evaluator.evaluate(check).holds for check in checks)


def test_a_source_that_is_down_stops_no_other_and_is_said(
    tmp_path: Path, source: SyntheticSource, clock: TurnedClock
) -> None:
    down = SyntheticSource(services=1, metrics=1, name="broken", down=True)
    service = watching(tmp_path, source, clock, down)
    service.watch.request_learning(wait=True)
    source.disturb(source.keys[0], start=NOW + 120, end=NOW + 900, add=25.0)
    assert len(ticks(service, clock, 5)) == 1
    told = {each.name: each for each in service.watch.status().sources}
    assert (told["broken"].ok, told["synthetic"].ok) == (False, True)
    assert "set down to False" in told["broken"].remedy
    down.down = False
    ticks(service, clock, 1)
    assert all(each.ok for each in service.watch.status().sources)
    service.close()


def test_an_anomaly_is_not_closed_while_its_source_cannot_be_read(
    service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    source.disturb(source.keys[0], start=NOW + 120, end=NOW + 99_999, add=25.0)
    assert len(ticks(service, clock, 5)) == 1
    source.down = True
    ticks(service, clock, 20)
    assert service.anomalies.page().rows[0]["closed_at"] is None


def test_steps_that_were_missed_are_caught_up(
    service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    ticks(service, clock, 2)
    source.down = True
    ticks(service, clock, 10)
    source.down = False
    ticks(service, clock, 1)
    watch = service.watch._metrics["synthetic"]
    assert watch.committed == int(clock.now()) // 60 * 60
    day = watch.recent.values(slice(None))[:, -13:]
    assert not np.isnan(day).any()


def test_an_end_without_warning_loses_nothing_that_was_told(
    tmp_path: Path, source: SyntheticSource, clock: TurnedClock
) -> None:
    first = watching(tmp_path, source, clock)
    first.watch.request_learning(wait=True)
    source.disturb(source.keys[0], start=NOW + 120, end=NOW + 99_999, add=25.0)
    ticks(first, clock, 5)
    (before,) = first.anomalies.page().rows
    first.database.close()  # and nothing else: as after kill -9
    second = watching(tmp_path, source, clock)
    assert second.watch.status().learning.state == "never"
    ticks(second, clock, 3)
    assert second.watch.status().learned == len(source.keys)
    (after,) = second.anomalies.page().rows
    assert (after["id"], after["opened_at"], after["closed_at"]) == (before["id"], before["opened_at"], None)
    assert after["updated_at"] > before["updated_at"]
    second.close()


def test_series_with_too_little_history_are_left_out_and_counted(
    service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    source.disturb(source.keys[5], start=0, end=NOW - 2 * 86_400, add=float("nan"))
    service.watch.request_learning(wait=True)
    ticks(service, clock, 1)
    status = service.watch.status()
    assert (status.learning.skipped, status.learned, status.warming_up) == (1, len(source.keys) - 1, 1)
    states = {row.key: row.state for row in service.watch.baselines()}
    assert states[source.keys[5]] == "warming_up"


def test_normal_is_learned_again_every_day(service: Service, clock: TurnedClock) -> None:
    ticks(service, clock, 1)
    first = service.watch.status().learning.started_at
    clock.wait(86_400.0, service.stop)
    ticks(service, clock, 1)
    for _ in range(100):
        if service.watch.status().learning.state == "done":
            break
        service.stop.wait(0.05)
    assert service.watch.status().learning.started_at != first
