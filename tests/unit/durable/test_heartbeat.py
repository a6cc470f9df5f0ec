"""A worker may act while its lease is its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sre_copilot.durable.heartbeat import WORKER, Closing, Heartbeat
from sre_copilot.errors import DurableError, StoreError
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.leases import Fenced, Lease, Leases


class Silent(Leases):
    """Leases whose database can fall silent."""

    silent = False

    def held(self, lease: Lease) -> bool:
        """When it answers."""
        if self.silent:
            raise StoreError("no answer")
        return super().held(lease)

    def renew(self, lease: Lease, ttl_s: float) -> bool:
        """When it answers."""
        if self.silent:
            raise StoreError("no answer")
        return super().renew(lease, ttl_s)


@pytest.fixture
def leases(tmp_path: Path) -> Iterator[Silent]:
    """Leases of a store of its own."""
    database = Database(sqlite_url(tmp_path))
    yield Silent(database)
    database.close()


def test_a_worker_acts_while_it_beats_and_is_fenced_once_another_has_taken_over(leases: Silent) -> None:
    fenced = threading.Event()
    heart = Heartbeat(leases, "a", ttl_s=0.4, on_fenced=fenced.set)
    heart.start()
    time.sleep(1.0)
    heart.confirm()
    assert leases.acquire(WORKER + "a", "b", 30) is None
    leases.silent = True
    while (taken := leases.acquire(WORKER + "a", "b", 30)) is None:
        time.sleep(0.05)
    leases.silent = False
    with pytest.raises(Fenced):
        heart.confirm()
    assert fenced.wait(1)
    heart.stop()
    heart.close()
    assert leases.held(taken)


def test_a_worker_whose_lease_ran_out_and_that_nobody_replaced_goes_on(leases: Silent) -> None:
    heart = Heartbeat(leases, "a", ttl_s=0.1, on_fenced=lambda: None)
    leases.silent = True
    heart.start()
    time.sleep(0.4)
    leases.silent = False
    heart.confirm()
    heart.stop()
    heart.close()


def test_a_step_waits_while_the_database_does_not_say_whose_the_lease_is(leases: Silent) -> None:
    heart = Heartbeat(leases, "a", ttl_s=30.0, on_fenced=lambda: None)
    heart.start()
    leases.silent = True
    confirmed = threading.Event()
    threading.Thread(target=lambda: (heart.confirm(), confirmed.set()), daemon=True).start()
    assert not confirmed.wait(0.7)
    leases.silent = False
    assert confirmed.wait(1.5)
    heart.stop()
    with pytest.raises(Closing):
        heart.confirm()
    heart.close()
    assert leases.holder(WORKER + "a") is None


def test_two_processes_of_one_name_are_not_possible(leases: Silent) -> None:
    first = Heartbeat(leases, "a", ttl_s=30.0, on_fenced=lambda: None)
    first.start()
    with pytest.raises(DurableError, match="another process has this name"):
        Heartbeat(leases, "a", ttl_s=30.0, on_fenced=lambda: None).start()
    first.stop()
    first.close()
