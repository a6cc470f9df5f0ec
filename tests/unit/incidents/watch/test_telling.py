"""Anomalies and likely breaches become alerts: each at least once, whatever ends in between, and its end as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sre_copilot.app.methods import registered_methods
from sre_copilot.bus.schemas import normal_form
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.alert import AlertEvent
from sre_copilot.domain.anomaly import Anomaly, Breach
from sre_copilot.domain.event import EventType
from sre_copilot.domain.evidence import Finding
from sre_copilot.errors import StoreError
from sre_copilot.incidents.watch.episodes import Episode, Told, Turn
from sre_copilot.incidents.watch.foresight import Expected
from sre_copilot.incidents.watch.loop import Watch
from sre_copilot.incidents.watch.telling import TellingJournal
from sre_copilot.plugins import load_one
from sre_copilot.settings.document import Settings
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.facts import Facts
from sre_copilot.store.profiles import ArrayStore
from sre_copilot.store.records import (
    anomaly_records,
    breach_records,
    change_records,
    investigation_records,
)
from sre_copilot.telemetry import OwnMetrics
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0
ANOMALY = Anomaly(
    finding=Finding(
        kind="live.seasonal",
        entity="order",
        modality="metrics",
        weight=1.0,
        checks=(),
        params=(("metric", "latency"),),
    ),
    metric="latency",
    instance="order-1",
    since=NOW - 60,
    at=NOW,
    current=9.0,
    expected=3.0,
    deviation=6.0,
    score=0.9,
    severity="warning",
    method="ensemble",
)
EPISODE = Episode(
    id="A-1",
    anomaly=ANOMALY,
    first_seen_at=NOW - 60,
    last_seen_at=NOW,
    peak_score=0.9,
    opened_at=NOW,
    source="prometheus",
)
BREACH = Breach(
    entity="store",
    metric="disk_used_ratio",
    made_at=NOW,
    horizon_hours=6.0,
    limit=1.0,
    direction="above",
    at=NOW + 7200,
    earliest=NOW + 3600,
    latest=NOW + 9000,
    probability=0.9,
    hit_rate=None,
    method="seasonal",
)


class Taker:
    """Takes alerts, or refuses them."""

    def __init__(self) -> None:
        self.taken: list[AlertEvent] = []
        self.refuses = False

    def __call__(self, events: Sequence[AlertEvent]) -> None:
        if self.refuses:
            raise StoreError("the store did not accept a statement")
        self.taken += events

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(each.anomaly_id, each.status) for each in self.taken]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(sqlite_url(tmp_path))


def journal(database: Database, tell: Taker | None) -> TellingJournal:
    return TellingJournal(tell, anomalies=anomaly_records(database), breaches=breach_records(database))


def test_an_anomaly_is_told_as_an_alert_with_its_figures(database: Database) -> None:
    tell = Taker()
    journal(database, tell).keep(Turn(opened=(EPISODE,)), at=NOW)
    (event,) = tell.taken
    assert (event.source, event.provider, event.anomaly_id) == ("watch", "anomaly", "A-1")
    named = {name: event.labels[name] for name in ("service", "metric", "instance")}
    assert named == {"service": "order", "metric": "latency", "instance": "order-1"}
    assert (event.status, event.severity, event.starts_at) == ("firing", "warning", NOW - 60)
    assert (event.annotations["current"], event.annotations["expected"]) == ("9.0", "3.0")
    assert event.annotations["summary"]


def test_what_goes_on_is_told_again_only_when_it_becomes_more_severe(database: Database) -> None:
    tell = Taker()
    kept = journal(database, tell)
    kept.keep(Turn(opened=(EPISODE,)), at=NOW)
    kept.keep(Turn(updated=(EPISODE,)), at=NOW + 60)
    assert len(tell.taken) == 1
    worse = replace(EPISODE, anomaly=replace(ANOMALY, severity="critical"))
    kept.keep(Turn(updated=(worse,)), at=NOW + 120)
    kept.keep(Turn(updated=(EPISODE,)), at=NOW + 180)
    assert [each.severity for each in tell.taken] == ["warning", "critical"]
    assert len({tuple(sorted(each.labels.items())) for each in tell.taken}) == 1


def test_the_end_is_told_before_it_is_kept(database: Database) -> None:
    tell = Taker()
    kept = journal(database, tell)
    kept.keep(Turn(opened=(EPISODE,)), at=NOW)
    kept.keep(Turn(closed=(replace(EPISODE, closed_at=NOW + 300),)), at=NOW + 300)
    assert tell.told == [("A-1", "firing"), ("A-1", "resolved")]
    assert tell.taken[1].ends_at == NOW + 300
    assert tell.taken[0].labels == tell.taken[1].labels


def test_others_are_told_of_an_anomaly_when_it_is_kept_and_when_it_is_over(database: Database) -> None:
    kept = journal(database, None)
    kept.keep(Turn(opened=(EPISODE,)), at=NOW)
    kept.keep(Turn(updated=(EPISODE,)), at=NOW + 60)
    kept.keep(Turn(closed=(replace(EPISODE, closed_at=NOW + 300),)), at=NOW + 300)
    found = AlertRecords(database).changes_since(0)
    assert [(each["type"], each["key"]) for each in found] == [(EventType.ANOMALY_DETECTED, "order")] * 2
    data = [normal_form(EventType.ANOMALY_DETECTED, each["data"]) for each in found]
    assert [(each["anomaly_id"], each["status"]) for each in data] == [("A-1", "open"), ("A-1", "closed")]
    assert (data[0]["current"], data[0]["expected"], data[0]["source"]) == (9.0, 3.0, "prometheus")


def test_an_anomaly_that_an_earlier_process_told_is_over_for_others_too(database: Database) -> None:
    journal(database, None).keep(Turn(opened=(EPISODE,)), at=NOW)
    later = journal(database, None)
    later.close(later.unfinished().values(), at=NOW + 600)
    statuses = [each["data"]["status"] for each in AlertRecords(database).changes_since(0)]
    assert statuses == ["open", "closed"]


def test_what_is_refused_is_told_with_a_later_tick(database: Database) -> None:
    tell = Taker()
    kept = journal(database, tell)
    tell.refuses = True
    kept.keep(Turn(opened=(EPISODE,)), at=NOW)
    tell.refuses = False
    kept.keep(Turn(), at=NOW + 60)
    assert tell.told == [("A-1", "firing")]


def test_after_a_sudden_end_what_goes_on_is_told_again_and_what_does_not_is_ended(database: Database) -> None:
    journal(database, None).keep(Turn(opened=(EPISODE, replace(EPISODE, id="A-2"))), at=NOW)
    tell = Taker()
    second = journal(database, tell)
    second.keep(Turn(updated=(EPISODE,)), at=NOW + 60)
    gone = Told(id="A-2", opened_at=NOW, since=NOW - 60, peak_score=0.9)
    second.close([gone], at=NOW + 600)
    assert tell.told == [("A-1", "firing"), ("A-2", "resolved")]
    row = anomaly_records(database).get("A-2")
    assert row is not None
    assert row["closed_at"] == NOW + 600


def test_a_likely_breach_is_told_until_it_is_no_longer_expected(database: Database) -> None:
    tell = Taker()
    kept = journal(database, tell)
    kept.expect([Expected("prometheus", BREACH)], at=NOW)
    (event,) = tell.taken
    assert event.labels["alertname"] == "PredictedBreach"
    assert (event.labels["service"], event.labels["limit"]) == ("store", "1")
    assert "is expected to rise above" in event.annotations["summary"]
    kept.expect([Expected("prometheus", replace(BREACH, probability=0.6))], at=NOW + 300)
    assert len(tell.taken) == 1
    kept.expect([], at=NOW + 600)
    assert [status for _, status in tell.told] == ["firing", "resolved"]
    assert tell.taken[0].labels == tell.taken[1].labels


@pytest.mark.parametrize("changed", [{"probability": 0.7}, {"hit_rate": 0.3}])
def test_a_breach_that_is_not_likely_is_kept_and_not_told(
    database: Database, changed: dict[str, float]
) -> None:
    tell = Taker()
    unlikely = replace(BREACH, **changed)  # type: ignore[arg-type]
    assert journal(database, tell).expect([Expected("prometheus", unlikely)], at=NOW) == 1
    assert tell.taken == []


def test_a_breach_that_was_told_before_a_restart_is_ended_after_it(database: Database) -> None:
    journal(database, Taker()).expect([Expected("prometheus", BREACH)], at=NOW)
    tell = Taker()
    journal(database, tell).expect([], at=NOW + 600)
    assert [status for _, status in tell.told] == ["resolved"]


@pytest.mark.parametrize("telling", [True, False])
def test_a_watch_that_tells_leaves_the_investigation_to_the_incident(tmp_path: Path, telling: bool) -> None:
    source, clock, tell = SyntheticSource(services=3, metrics=3), TurnedClock(NOW), Taker()
    settings = Settings.model_validate({"store": {"folder": tmp_path}, "check_interval_seconds": 60})
    database = Database(sqlite_url(tmp_path))
    watch = Watch(
        [source],
        settings,
        reopen=lambda: [source],
        arrays=ArrayStore(tmp_path / "arrays"),
        anomalies=anomaly_records(database),
        breaches=breach_records(database),
        changes=change_records(database),
        investigations=investigation_records(database),
        facts=Facts(database),
        methods=registered_methods,
        make_detector=lambda name: load_one("sre_copilot.series_detectors", name)(),
        clock=clock,
        own=OwnMetrics(),
        tell=tell if telling else None,
    )
    watch.request_learning(wait=True)
    source.disturb(source.keys[2], start=NOW + 120, end=NOW + 99_999, add=25.0)
    for _ in range(8):
        clock._now += 60.0
        watch.tick()
    watch._inquiries.wait(30.0)
    looked_into = len(investigation_records(database).page().rows)
    watch.close()
    database.close()
    assert (looked_into, len(tell.taken)) == ((0, 1) if telling else (1, 0))
