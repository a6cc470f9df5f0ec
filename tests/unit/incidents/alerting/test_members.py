"""The alerts of an incident are not in its record: a restart puts them together again, as they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select, update
from tests.unit.incidents.alerting.test_engine import Worker

from sre_copilot.alerts.pipeline.memory import MOST_NAMED
from sre_copilot.store.alerting.tables import alerts, incidents
from sre_copilot.testing.alerting import alert

MANY = MOST_NAMED + 30


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    found = Worker(tmp_path)
    yield found
    found.close()


def fire(worker: Worker, *numbers: int, over: bool = False) -> None:
    """Let critical alerts of as many services that have nothing to do with each other begin, or end."""
    at = worker.clock.now()
    status: Any = "resolved" if over else "firing"
    told = (
        alert(f"Kind{each}", at=at, status=status, service=f"s{each}", severity="critical")
        for each in numbers
    )
    worker.put(*told)
    worker.turn()


def do(worker: Worker, verb: str, **arguments: Any) -> dict[str, Any]:
    """Carry out a command."""
    entry = worker.alerting.commands.post(verb, arguments, who="ann")
    worker.turn()
    outcome = worker.alerting.inbox.outcome(entry)
    assert outcome is not None
    assert outcome["ok"], outcome
    return dict(outcome["result"])


def members(worker: Worker) -> dict[str, list[str]]:
    """The alerts of each incident, in their order."""
    memory = worker.engine.pipeline.memory
    return {
        key: [each.fingerprint for each in memory.of_incident(incident)]
        for key, incident in memory.incidents.items()
    }


def records(worker: Worker) -> dict[str, dict[str, Any]]:
    """What is remembered of each incident."""
    return {key: asdict(each) for key, each in worker.engine.pipeline.memory.incidents.items()}


def same_after_restart(worker: Worker) -> dict[str, list[str]]:
    """Begin anew; nothing of an incident is another then, and only what ended long ago is gone."""
    before, remembered = members(worker), records(worker)
    worker.restarted()
    after = members(worker)
    assert not any(before[key] for key in before.keys() - after.keys())
    assert after == {key: before[key] for key in after}
    assert records(worker) == {key: remembered[key] for key in after}
    return before


def document(worker: Worker, key: str) -> dict[str, Any]:
    """The record of an incident as it is kept."""
    with worker.database.begin() as connection:
        found = connection.execute(select(incidents.c.document).where(incidents.c.id == key))
        return dict(orjson.loads(found.scalar_one()))


def one_of_many(worker: Worker, count: int = MANY) -> str:
    """An incident of many alerts."""
    fire(worker, *range(count))
    first, *others = members(worker)
    if others:
        do(worker, "incident.merge", id=first, others=others)
    return first


def test_the_record_of_an_incident_of_many_alerts_names_the_first_and_counts_all(worker: Worker) -> None:
    key = one_of_many(worker)
    kept = document(worker, key)
    assert (len(kept["fingerprints"]), kept["alert_count"]) == (MOST_NAMED, MANY)
    assert same_after_restart(worker)[key][:MOST_NAMED] == kept["fingerprints"]


def test_what_was_merged_split_moved_and_reopened_is_the_same_after_a_restart(worker: Worker) -> None:
    key = one_of_many(worker)
    there = members(worker)[key]
    apart = do(worker, "incident.split", id=key, fingerprints=[there[0], there[7], there[-1]])["id"]
    found = same_after_restart(worker)
    assert (len(found[key]), sorted(found[apart])) == (MANY - 3, sorted([there[0], there[7], there[-1]]))
    assert len(document(worker, key)["fingerprints"]) == MOST_NAMED, "others move up"
    do(worker, "incident.merge", id=apart, others=[key])
    do(worker, "incident.resolve", id=apart)
    found = same_after_restart(worker)
    assert (found[key], len(found[apart]), document(worker, key)["alert_count"]) == ([], MANY, 0)
    do(worker, "incident.reopen", id=apart)
    assert len(same_after_restart(worker)[apart]) == MANY


def test_alerts_that_are_forgotten_still_count_and_only_those_that_are_known_are_of_it(
    worker: Worker,
) -> None:
    key = one_of_many(worker, 4)
    fire(worker, 1, over=True)
    remember = worker.engine.pipeline.parts.times.remember
    for _ in range(3):
        worker.clock._now += remember / 2
        fire(worker, 0, 2, 3)
    found = same_after_restart(worker)
    assert (len(found[key]), document(worker, key)["alert_count"]) == (3, 4)


def test_a_store_of_an_earlier_version_is_read_with_all_alerts_in_their_order(worker: Worker) -> None:
    key = one_of_many(worker)
    there = members(worker)[key][::-1]
    with worker.database.write() as connection:
        for row in connection.execute(select(alerts.c.id, alerts.c.document)).all():
            told = {name: value for name, value in orjson.loads(row.document).items() if name != "place"}
            renewed = update(alerts).where(alerts.c.id == row.id)
            connection.execute(renewed.values(document=orjson.dumps(told).decode()))
        old = {name: value for name, value in document(worker, key).items() if name != "alert_count"}
        old["fingerprints"] = there
        renewed = update(incidents).where(incidents.c.id == key)
        connection.execute(renewed.values(document=orjson.dumps(old).decode()))
    worker.restarted()
    assert members(worker)[key] == there
    assert worker.engine.pipeline.memory.incidents[key].alert_count == MANY
    do(worker, "incident.comment", id=key, text="as before")
    assert document(worker, key)["alert_count"] == MANY
