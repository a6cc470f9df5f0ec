"""What goes wrong in one place holds up nothing elsewhere, and loses nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from sre_copilot.alerts.pipeline.flow import Pipeline
from sre_copilot.app.alerting import Alerting, make_alerting, make_parts
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.notification import Notification
from sre_copilot.errors import StoreError
from sre_copilot.incidents.alerting.engine import Engine
from sre_copilot.incidents.alerting.runner import Runner
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.leadership import Leadership
from sre_copilot.store.leases import Leases
from sre_copilot.telemetry import OwnMetrics
from sre_copilot.testing.alerting import START, alert, alerting_settings

DAY_S = 86_400.0


class Bench:
    """An engine over a store of its own, whose clock is turned by hand."""

    def __init__(self, folder: Path) -> None:
        self.clock = TurnedClock(START)
        self.database = Database(sqlite_url(folder))
        self.alerting: Alerting = make_alerting(alerting_settings(), self.database, self.clock)
        self.told: list[str] = []

    def engine(self) -> Engine:
        """Of a new process."""
        return Engine(
            self.database, self.alerting.inbox, lambda new_id: make_parts(self.alerting.settings, new_id=new_id),
            guard=lambda connection: None, tell=self._tell, clock=self.clock, own=OwnMetrics(),
        )  # fmt: skip

    def _tell(self, connection: Connection, notifications: Sequence[Notification]) -> None:
        self.told += [each.key for each in notifications]

    def put(self, name: str, *, over: bool = False) -> None:
        """Let an alert come in."""
        status: Any = "resolved" if over else "firing"
        event = alert(name, at=self.clock.now(), status=status, service="checkout", severity="critical")
        self.alerting.tell([event], source="test").result(5)

    def turn(self, engine: Engine, seconds: float = 0.0) -> None:
        """Turn the clock, then the engine, until nothing waits."""
        self.clock.wait(seconds, _never)
        while engine.turn().entries:
            pass


class _Never:
    def is_set(self) -> bool:
        return False


_never: Any = _Never()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    found = Bench(tmp_path)
    yield found
    found.alerting.close()
    found.database.close()


def test_the_number_of_an_incident_does_not_come_again_when_all_records_of_it_are_gone(bench: Bench) -> None:
    engine = bench.engine()
    bench.put("HighLatency")
    bench.turn(engine, 60)
    bench.turn(engine, 60)
    bench.put("HighLatency", over=True)
    bench.turn(engine, 1)
    bench.turn(engine, 600)
    assert bench.alerting.records.forget(before=bench.clock.now() + DAY_S)
    assert bench.alerting.records.incident("INC-1") is None
    bench.clock.wait(3 * DAY_S, _never)
    again = bench.engine()
    bench.put("ErrorRate")
    bench.turn(again)
    bench.turn(again, 60)
    assert bench.told[0] == "INC-1/team/firing/1"
    assert bench.told[-1] == "INC-2/team/firing/1"


def test_an_alert_that_ended_long_ago_is_forgotten_and_the_engine_goes_on(bench: Bench) -> None:
    engine = bench.engine()
    bench.put("HighLatency")
    bench.turn(engine, 60)
    bench.put("HighLatency", over=True)
    bench.turn(engine, 1)
    bench.turn(engine, 600)
    bench.turn(engine, 2 * DAY_S)
    assert not engine.pipeline.memory.alerts
    bench.put("ErrorRate")
    bench.turn(engine, 1)
    assert [row["labels"]["alertname"] for row in bench.alerting.records.firing()] == ["ErrorRate"]


def test_a_timer_that_fails_sets_no_alert_aside(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Pipeline, now: float) -> None:
        raise KeyError("a mistake in a timer")

    engine = bench.engine()
    bench.put("HighLatency")
    with monkeypatch.context() as broken:
        broken.setattr(Pipeline, "turn", fails)
        with pytest.raises(KeyError):
            engine.turn()
    assert bench.alerting.inbox.waiting() == 1
    bench.turn(engine)
    assert [row["labels"]["alertname"] for row in bench.alerting.records.firing()] == ["HighLatency"]


def test_what_cannot_send_on_rests_and_holds_up_none_of_the_others(bench: Bench) -> None:
    done: list[str] = []

    def refuses() -> None:
        done.append("refused")
        raise StoreError("the other side is away")

    def mistaken() -> None:
        done.append("mistaken")
        raise ValueError("a mistake")

    leadership = Leadership(Leases(bench.database, clock=bench.clock), "alerting", "me")
    pumps = (refuses, mistaken, lambda: done.append("done"))
    runner = Runner(
        bench.engine(),
        bench.alerting.inbox,
        leadership,
        pumps,
        own=OwnMetrics(),
        turn_seconds=1,
        shared=False,
    )
    leadership.beat()
    runner.turn()
    runner.turn()
    assert done == ["refused", "mistaken", "done", "done"]
    assert runner.problem == "the other side is away"


def test_nothing_is_sent_on_by_a_process_that_no_longer_leads(bench: Bench) -> None:
    leases = Leases(bench.database, clock=bench.clock)
    leadership = Leadership(leases, "alerting", "me")
    done: list[str] = []
    pumps = (leadership.close, lambda: done.append("after it"))
    runner = Runner(
        bench.engine(),
        bench.alerting.inbox,
        leadership,
        pumps,
        own=OwnMetrics(),
        turn_seconds=1,
        shared=False,
    )
    leadership.beat()
    runner.turn()
    assert not done


def test_a_restart_leads_at_once_where_no_other_process_can_be(bench: Bench) -> None:
    leases = Leases(bench.database)
    assert leases.acquire("alerting", "killed", 60.0)
    assert leases.acquire("alerting", "restarted", 60.0) is None
    leases.free("alerting")
    began = time.monotonic()
    taken = leases.acquire("alerting", "restarted", 60.0)
    assert taken
    assert taken.token == 2
    assert time.monotonic() - began < 1
