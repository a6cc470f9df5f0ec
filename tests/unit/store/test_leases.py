"""Leases on SQLite."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sre_copilot.clock import TurnedClock
from sre_copilot.errors import StoreError
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.leadership import Leadership
from sre_copilot.store.leases import Lease, Leases
from sre_copilot.testing.lease_contract import LeaseContract


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A store of its own."""
    database = Database(sqlite_url(tmp_path))
    yield database
    database.close()


class TestSqlite(LeaseContract):
    """The battery on SQLite."""


class Unreachable(Leases):
    """Leases whose database has gone away."""

    gone = False

    def renew(self, lease: Lease, ttl_s: float) -> bool:
        """As long as it is there."""
        if self.gone:
            raise StoreError("no answer")
        return super().renew(lease, ttl_s)


def test_a_leader_that_cannot_renew_stops_being_one_a_quarter_before_another_can_be(
    database: Database,
) -> None:
    clock, lost = TurnedClock(1000.0), []
    leases = Unreachable(database, clock=clock)
    leader = Leadership(
        leases, "engine", "a", ttl_s=8.0, elapsed=clock.now, on_lost=lambda: lost.append(clock.now())
    )
    leader.beat()
    leases.gone = True
    for moment, is_leader in ((1005.9, True), (1006.0, False)):
        clock._now = moment
        leader.beat()
        assert leader.is_leader is is_leader
    assert lost == [1006.0]
    assert leases.acquire("engine", "b", 8.0) is None  # it is the holder's for two seconds more
    clock._now = 1008.0
    assert leases.acquire("engine", "b", 8.0) is not None


def test_a_leadership_thread_takes_renews_and_gives_back(database: Database) -> None:
    leases = Leases(database)
    leader = Leadership(leases, "engine", "a", ttl_s=0.4)
    leader.start()
    other = Leadership(leases, "engine", "b", ttl_s=0.4)
    time.sleep(1.0)
    assert leader.is_leader
    other.beat()
    assert not other.is_leader
    leader.close()
    other.beat()
    assert other.is_leader
    assert not leader.is_leader
