"""What is taken from DBOS without being public there still does what it did in the version that is locked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from sqlalchemy import update
from tests.unit.durable.waiting import settled

from sre_copilot.durable.port import Run
from sre_copilot.durable.private import (
    executors_with_runs,
    next_place,
    put_back,
    runs_of,
    take_over,
    unknown_names,
)
from sre_copilot.durable.runs import LANE, DbosDurable, sqlite_url
from sre_copilot.testing.durable_contract import fresh


def listen(run: Run) -> object:
    """Waits long."""
    return run.receive("news", 60)


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[DbosDurable]:
    """Runs with a workflow that waits, in a lane and without one."""
    durable = DbosDurable(sqlite_url(tmp_path), executor="me")
    durable.register("listen.1", listen)
    durable.register("lane.1", listen, lane_limit=1)
    durable.launch()
    yield durable
    durable.close()


def wait_for(durable: DbosDurable, key: str, status: str) -> None:
    """Until it has begun to wait."""
    until = time.monotonic() + 10
    while (state := durable.state(key)) is None or state.status != status:
        assert time.monotonic() < until, state
        time.sleep(0.02)


def test_the_version_is_the_one_that_this_was_written_for() -> None:
    assert version("dbos").startswith("3.4.")


def test_runs_of_a_dead_executor_are_moved_once_and_keep_their_queue_and_their_lane(
    durable: DbosDurable,
) -> None:
    key = fresh()
    durable.start("lane.1", {}, key=key, lane="one")
    wait_for(durable, key, "running")
    dbos = durable._launched()
    status = dbos._sys_db.tables.workflow_status
    with dbos._sys_db.engine.begin() as connection:
        connection.execute(update(status).values(executor_id="dead"))
    assert executors_with_runs(dbos) == {"dead"}
    assert take_over("dead") == 1
    assert take_over("dead") == 0
    with dbos._sys_db.engine.connect() as connection:
        row = connection.execute(status.select()).mappings().one()
    assert (row["queue_name"], row["queue_partition_key"], row["priority"]) == ("lane.1", LANE + "one", 1)
    assert row["status"] in {"ENQUEUED", "PENDING"}
    wait_for(durable, key, "running")
    assert executors_with_runs(dbos) == {"me"}


def test_a_place_in_a_lane_is_behind_all_that_have_not_ended(durable: DbosDurable) -> None:
    dbos = durable._launched()
    assert next_place(dbos, "lane.1", LANE + "one") == 1
    for number in range(3):
        durable.start("lane.1", {}, key=f"{9 - number}-{fresh()}", lane="one")
    assert next_place(dbos, "lane.1", LANE + "one") == 4
    assert next_place(dbos, "lane.1", LANE + "two") == 1


def test_names_of_unfinished_runs_that_nobody_knows_are_found(durable: DbosDurable) -> None:
    durable.start("listen.1", {}, key=fresh())
    dbos = durable._launched()
    assert unknown_names(dbos, ["listen.1"]) == frozenset()
    assert unknown_names(dbos, ["other.1"]) == {"listen.1"}


def test_who_sends_wakes_the_run_that_waits_although_the_database_is_looked_at_once_a_minute(
    durable: DbosDurable,
) -> None:
    key = fresh()
    durable.start("listen.1", {}, key=key)
    wait_for(durable, key, "running")
    time.sleep(0.3)
    before = time.monotonic()
    durable.send(key, "news", "now", idempotency_key="1")
    assert settled(durable, key).result == "now"
    assert time.monotonic() - before < 1.0


def test_a_run_that_nothing_is_at_any_more_is_put_back_at_the_second_look(durable: DbosDurable) -> None:
    key = fresh()
    durable.start("lane.1", {}, key=key, lane="one")
    wait_for(durable, key, "running")
    dbos, sweep = durable._launched(), durable._sweep
    sweep.close()  # its own looks are of no use to the test
    end = time.monotonic() + 10
    while key not in durable._under_way and time.monotonic() < end:  # it is taken before it is begun
        time.sleep(0.01)
    assert runs_of(dbos, "me") == {key}
    assert sweep.put_back_lying() == 0
    assert sweep.put_back_lying() == 0
    durable._under_way.clear()  # as after an error of the database that ended it
    assert sweep.put_back_lying() == 0
    assert sweep.put_back_lying() == 1
    wait_for(durable, key, "running")
    durable.send(key, "news", "good", idempotency_key="1")
    wait_for(durable, key, "succeeded")


def test_a_run_of_another_is_not_put_back(durable: DbosDurable) -> None:
    key = fresh()
    durable.start("listen.1", {}, key=key)
    wait_for(durable, key, "running")
    put_back(durable._launched(), key, "another")
    assert runs_of(durable._launched(), "me") == {key}
