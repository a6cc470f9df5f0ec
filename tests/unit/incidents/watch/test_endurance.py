"""What keeps the watch going for months: it tries again, keeps names apart, spreads its work, and forgets nothing that the store refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.errors import StoreError
from sre_copilot.incidents.watch.episodes import kept_name
from sre_copilot.incidents.watch.learning import Owing
from sre_copilot.incidents.watch.status import LearningStatus
from sre_copilot.settings.document import Settings
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0


@pytest.fixture
def source() -> SyntheticSource:
    return SyntheticSource(services=6, metrics=3)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock(NOW)


@pytest.fixture
def service(tmp_path: Path, source: SyntheticSource, clock: TurnedClock) -> Iterator[Service]:
    settings = Settings.model_validate(
        {"store": {"folder": tmp_path}, "prediction": {"limits": {"latency": 1e6, "requests": 1.0}}}
    )
    made = make_service(settings, sources=[source], clock=clock)
    made.watch.request_learning(wait=True)
    yield made
    made.close()


def turn(service: Service, clock: TurnedClock, count: int) -> None:
    for _ in range(count):
        clock.wait(60.0, service.stop)
        service.watch.tick()


def test_what_could_not_be_learned_is_tried_again_ever_less_often() -> None:
    owing, now, tries = Owing(), 0.0, []
    status = LearningStatus(state="failed", finished_at=0.0)
    while now < 6 * 3600:
        now += 60
        if owing.due(True, status, now):
            tries.append(now)
            status = LearningStatus(state="failed", finished_at=now)
    assert [later - before for before, later in itertools.pairwise(tries)][:5] == [120, 240, 480, 960, 1920]
    assert tries[-1] - tries[-2] == 3600
    assert not owing.due(False, status, now + 1e6)


def test_a_source_that_was_down_at_the_start_is_learned_once_it_is_back(
    tmp_path: Path, source: SyntheticSource, clock: TurnedClock
) -> None:
    source.down = True
    made = make_service(
        Settings.model_validate({"store": {"folder": tmp_path}}), sources=[source], clock=clock
    )
    made.watch.request_learning(wait=True)
    assert made.watch.status().learning.state == "failed"
    source.down = False
    turn(made, clock, 1)
    made.watch._learner._thread.join(60)  # type: ignore[union-attr]
    turn(made, clock, 1)
    assert made.watch.status().learned == 18
    made.close()


def test_long_names_stay_apart_and_fit_the_tables() -> None:
    one, other = kept_name("a" * 400 + "1"), kept_name("a" * 400 + "2")
    assert one != other
    assert len(one) == len(other) == 300
    assert "\0" not in kept_name("a\0b")
    assert kept_name("orders") == "orders"


def test_what_the_store_refused_is_kept_with_a_later_tick(
    service: Service, source: SyntheticSource, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.disturb(source.keys[4], start=NOW + 60, end=NOW + 600, add=60.0)
    turn(service, clock, 4)
    (told,) = service.anomalies.page().rows
    records = service.watch._journal._anomalies

    def refuse(*_: object, **__: object) -> int:
        raise StoreError("the disk is full")

    with monkeypatch.context() as full:
        full.setattr(records, "save", refuse)
        for _ in range(14):
            clock.wait(60.0, service.stop)
            with pytest.raises(StoreError):
                service.watch.tick()
    turn(service, clock, 8)
    (over,) = service.anomalies.page().rows
    assert over["id"] == told["id"]
    assert over["closed_at"] is not None


def test_an_anomaly_of_a_source_that_cannot_be_read_goes_on_though_others_answer(
    tmp_path: Path, source: SyntheticSource, clock: TurnedClock
) -> None:
    other = SyntheticSource(services=2, metrics=1, name="other")
    made = make_service(
        Settings.model_validate({"store": {"folder": tmp_path}}), sources=[source, other], clock=clock
    )
    made.watch.request_learning(wait=True)
    source.disturb(source.keys[4], start=NOW + 60, end=NOW + 99_999, add=60.0)
    turn(made, clock, 4)
    source.down = True
    turn(made, clock, 10)
    (row,) = made.anomalies.page().rows
    assert row["closed_at"] is None
    made.close()


def test_the_last_day_is_read_again_after_a_restart(
    tmp_path: Path, service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    turn(service, clock, 2)
    service.watch.close()
    again = make_service(service.settings, sources=[source], clock=clock)
    turn(again, clock, 1)
    key = again.watch.baselines()[0].key
    found = again.watch.forecast(key, hours=1)
    assert found is not None
    assert (found.values == found.values).all()
    again.close()
