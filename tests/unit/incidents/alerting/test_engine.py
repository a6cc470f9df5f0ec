"""The engine on SQLite: everything is kept in one transaction, and a restart changes nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from sre_copilot.alerts.pipeline.stages import identity
from sre_copilot.app.alerting import Alerting, make_alerting, make_parts
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.alert import AlertEvent
from sre_copilot.domain.notification import Notification
from sre_copilot.errors import StoreError
from sre_copilot.incidents.alerting.engine import Engine
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.telemetry import OwnMetrics
from sre_copilot.testing.alerting import START, alert, alerting_settings

CRITICAL = {"service": "checkout", "severity": "critical"}


class Worker:
    """An engine over a store, that keeps what it tells; `crash` lets the next so many transactions fail at their end."""

    def __init__(self, folder: Path) -> None:
        self.clock = TurnedClock(START)
        self.database = Database(sqlite_url(folder))
        self.settings = alerting_settings()
        self.alerting: Alerting = make_alerting(self.settings, self.database, self.clock)
        self.told: list[Notification] = []
        self.crashes = 0
        self.engine = self.restarted()

    def restarted(self) -> Engine:
        """A new process: nothing is remembered."""
        self.engine = Engine(
            self.database,
            self.alerting.inbox,
            lambda new_id: make_parts(self.settings, new_id=new_id),
            guard=lambda connection: None,
            tell=self._tell,
            clock=self.clock,
            own=OwnMetrics(),
            learned_every_s=0.0,
        )
        return self.engine

    def _tell(self, connection: Connection, notifications: Sequence[Notification]) -> None:
        if self.crashes:
            self.crashes -= 1
            raise StoreError("the process died before the transaction ended")
        self.told += notifications

    def put(self, *events: AlertEvent) -> None:
        """Let alerts come in."""
        self.alerting.tell(events, source="test").result(5)

    def turn(self, seconds: float = 0.0) -> None:
        """Turn the clock, then the engine; after a failure it begins again from what was kept."""
        self.clock._now += seconds
        while True:
            try:
                if self.engine.turn().entries == 0:
                    return
            except StoreError:
                self.restarted()

    def close(self) -> None:
        """End."""
        self.alerting.close()
        self.database.close()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    found = Worker(tmp_path)
    yield found
    found.close()


def test_what_was_put_is_told_and_listed(worker: Worker) -> None:
    worker.put(alert("HighLatency", at=START, **CRITICAL))
    worker.turn()
    worker.turn(60)
    assert [each.key for each in worker.told] == ["INC-1/team/firing/1"]
    listed = worker.alerting.records.alerts_page(status="firing").rows
    assert [row["labels"]["alertname"] for row in listed] == ["HighLatency"]
    assert worker.alerting.records.incident("INC-1")["woken"]
    assert [each["kind"] for each in worker.alerting.records.timeline("INC-1")][:2] == ["opened", "woke"]


def test_a_command_has_an_outcome_and_an_audit_line(worker: Worker) -> None:
    worker.put(alert("HighLatency", at=START, **CRITICAL))
    worker.turn()
    worker.turn(60)
    entry = worker.alerting.commands.post("incident.acknowledge", {"id": "INC-1"}, who="alice")
    refused = worker.alerting.commands.post("incident.acknowledge", {"id": "INC-7"}, who="mallory")
    worker.turn()
    assert worker.alerting.inbox.outcome(entry)["result"]["status"] == "acknowledged"
    assert worker.alerting.inbox.outcome(refused)["status"] == 404
    said = [(row["who"], row["outcome"]) for row in worker.alerting.records.audit_page().rows]
    assert sorted(said) == [("alice", "done"), ("mallory", "refused")]


def test_a_command_with_a_known_key_is_carried_out_once(worker: Worker) -> None:
    worker.put(alert("HighLatency", at=START, **CRITICAL))
    worker.turn()
    first = worker.alerting.commands.post("incident.comment", {"id": "INC-1", "text": "hm"}, who="a", key="k")
    worker.turn()
    again = worker.alerting.commands.post("incident.comment", {"id": "INC-1", "text": "hm"}, who="a", key="k")
    worker.turn()
    assert first == again
    kinds = [each["kind"] for each in worker.alerting.records.timeline("INC-1")]
    assert kinds.count("comment") == 1


def test_a_turn_that_was_not_kept_is_done_again_and_nothing_is_told_twice(worker: Worker) -> None:
    worker.put(alert("HighLatency", at=START, **CRITICAL))
    worker.crashes = 1
    worker.turn()
    worker.crashes = 1
    worker.turn(60)
    worker.turn(1)
    assert [each.key for each in worker.told] == ["INC-1/team/firing/1"]
    assert worker.alerting.records.counts() == {"alerts_firing": 1, "incidents_open": 1}


def test_an_entry_that_cannot_be_worked_off_is_set_aside_and_harms_no_other(worker: Worker) -> None:
    worker.put(alert("HighLatency", at=START, **CRITICAL))
    broken = worker.alerting.inbox.put(_broken())
    broken.result(5)
    worker.put(alert("ErrorRate", at=START, service="mail", severity="critical"))
    worker.turn()
    names = {row["labels"]["alertname"] for row in worker.alerting.records.firing()}
    assert names == {"HighLatency", "ErrorRate"}
    assert worker.alerting.inbox.waiting() == 0


def _broken() -> object:
    from sre_copilot.store.alerting.inbox import Entry

    return Entry(kind="alerts", source="test", body=b'[{"no": "alert"}]', received_at=START)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_nothing_is_lost_or_told_twice_when_the_process_dies_again_and_again(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    worker = Worker(tmp_path_factory.mktemp("unruly"))
    try:
        firing = _live_through(worker, seed)
        _check_told(worker)
        known = {row["fingerprint"] for row in worker.alerting.records.firing()}
        assert known == firing
        assert worker.alerting.inbox.waiting() == 0
    finally:
        worker.close()


def _live_through(worker: Worker, seed: int) -> set[str]:
    """Alerts that come and go while the process dies; returns what still fires at the end."""
    dice = random.Random(seed)  # noqa: S311 - it is a test
    firing: set[str] = set()
    for _ in range(25):
        name, service = dice.choice(["HighLatency", "ErrorRate", "DiskFull"]), dice.choice(["a", "b", "c"])
        status = dice.choice(["firing", "firing", "resolved"])
        event = alert(name, at=worker.clock.now(), status=status, service=service, severity="critical")
        worker.put(event)
        (firing.add if status == "firing" else firing.discard)(identity(event))
        worker.crashes = int(dice.random() < 0.3)
        worker.turn()
        if dice.random() < 0.3:
            worker.restarted()
        for _ in range(dice.randrange(4)):
            worker.turn(dice.choice([1, 10, 40, 300]))
    worker.turn(600)
    worker.turn(600)
    return firing


def _check_told(worker: Worker) -> None:
    """Each message once and in its place: the beginning first, nothing after the end but another beginning, and what is open was told."""
    keys = [each.key for each in worker.told]
    assert len(keys) == len(set(keys))
    told: dict[str, list[str]] = {}
    for each in worker.told:
        told.setdefault(each.group, []).append(each.state)
    for states in told.values():
        assert states[0] == "firing"
        after_the_end = [states[place + 1] for place, state in enumerate(states[:-1]) if state == "resolved"]
        assert set(after_the_end) <= {"firing"}
    for row in worker.alerting.records.incidents_page(limit=1000).rows:
        last = told.get(row["id"], [""])[-1]
        if row["status"] == "firing" and row["woken"]:
            assert last not in {"", "resolved"}
        if row["status"] == "resolved":
            assert last in {"", "resolved"}
