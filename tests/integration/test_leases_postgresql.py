"""Leases on a real PostgreSQL."""

from __future__ import annotations

import threading
import time

import pytest

from sre_copilot.errors import StoreError
from sre_copilot.store.database import Database
from sre_copilot.store.leases import Leases
from sre_copilot.testing.lease_contract import LeaseContract, taken

pytestmark = pytest.mark.integration


@pytest.fixture
def database(empty_postgresql: Database) -> Database:
    """A store of its own."""
    return empty_postgresql


class TestPostgresql(LeaseContract):
    """The battery on PostgreSQL."""


def test_renewing_does_not_wait_for_a_transaction_that_checked(database: Database) -> None:
    leases = Leases(database)
    lease = taken(leases, "engine", "a")
    with database.begin() as connection:
        leases.check(connection, lease)
        before = time.monotonic()
        assert leases.renew(lease, 30)
        assert time.monotonic() - before < 0.5


def test_a_leader_that_was_stopped_within_its_transaction_does_not_keep_others_out(
    database: Database,
) -> None:
    leases = Leases(database)
    first = taken(leases, "engine", "a", ttl_s=0.1)
    took: list[float] = []

    def take() -> None:
        before = time.monotonic()
        while leases.acquire("engine", "b", 30) is None:
            time.sleep(0.05)
        took.append(time.monotonic() - before)

    def stop_within() -> None:
        with database.begin() as connection:
            leases.check(connection, first)
            thread.start()
            time.sleep(4.0)  # as long as a stopped process does nothing
            leases.check(connection, first)

    thread = threading.Thread(target=take)
    with pytest.raises(StoreError):
        stop_within()
    thread.join()
    assert 2.0 < took[0] < 3.9
