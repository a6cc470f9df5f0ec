"""What leases promise on every database; inherit and give it one as the fixture `database`."""

# ruff: noqa: S101 (a suite of tests, shipped)

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import text

from sre_copilot.store.database import Database
from sre_copilot.store.leadership import Leadership
from sre_copilot.store.leases import Fenced, Lease, Leases


def taken(leases: Leases, name: str, holder: str, ttl_s: float = 30.0) -> Lease:
    """A lease that is free."""
    lease = leases.acquire(name, holder, ttl_s)
    assert lease is not None
    return lease


class LeaseContract:
    """The battery."""

    def test_one_holds_it_and_the_token_rises_with_each_new_holder(self, database: Database) -> None:
        leases = Leases(database)
        first = taken(leases, "engine", "a")
        assert leases.acquire("engine", "b", 30) is None
        assert leases.holder("engine") == "a"
        assert leases.release(first)
        assert leases.holder("engine") is None
        second = taken(leases, "engine", "b")
        assert second.token > first.token
        assert not leases.release(first)
        assert not leases.renew(first, 30)
        assert leases.holder("engine") == "b"

    def test_one_that_ran_out_is_anothers_to_take_and_its_holders_to_renew_until_then(
        self, database: Database
    ) -> None:
        leases = Leases(database)
        first = taken(leases, "engine", "a", ttl_s=0.05)
        time.sleep(0.1)
        assert not leases.held(first)
        assert leases.renew(first, 0.05)
        time.sleep(0.1)
        second = taken(leases, "engine", "b")
        assert not leases.renew(first, 30)
        assert leases.held(second)

    def test_of_many_that_ask_at_once_one_gets_it(self, database: Database) -> None:
        leases, got = Leases(database), []
        ready = threading.Barrier(8)

        def ask(holder: str) -> None:
            ready.wait()
            got.append(leases.acquire("engine", holder, 30))

        threads = [threading.Thread(target=ask, args=(str(number),)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(lease is not None for lease in got) == 1

    def _write_late(self, database: Database, lease: Lease) -> None:
        with database.begin() as connection:
            connection.execute(text("INSERT INTO facts (key, value, revision) VALUES ('late', '1', 1)"))
            Leases(database).check(connection, lease)

    def test_a_superseded_holder_cannot_commit(self, database: Database) -> None:
        leases = Leases(database)
        first = taken(leases, "engine", "a")
        leases.release(first)
        taken(leases, "engine", "b")
        with pytest.raises(Fenced, match="lease 'engine': 'a' does not hold it any more"):
            self._write_late(database, first)
        with database.begin() as connection:
            assert connection.execute(text("SELECT count(*) FROM facts WHERE key = 'late'")).scalar_one() == 0

    def test_nobody_takes_it_between_the_check_and_the_commit(self, database: Database) -> None:
        leases, order = Leases(database), []
        first = taken(leases, "engine", "a", ttl_s=0.05)

        def take() -> None:
            taken(leases, "engine", "b")
            order.append("taken")

        thread = threading.Thread(target=take)
        with database.begin() as connection:
            leases.check(connection, first)
            time.sleep(0.1)  # it runs out meanwhile
            thread.start()
            time.sleep(0.3)
            order.append("written")
        thread.join()
        assert order == ["written", "taken"]

    def test_live_ones_are_listed_and_old_ones_forgotten(self, database: Database) -> None:
        leases = Leases(database)
        taken(leases, "worker/1", "1")
        leases.release(taken(leases, "worker/2", "2"))
        taken(leases, "engine", "1")
        assert leases.live("worker/") == {"worker/1"}
        assert leases.forget("worker/", unheld_s=0.0) == 1
        assert leases.live("") == {"worker/1", "engine"}

    def test_a_leader_that_closes_is_replaced_at_once_and_one_that_stops_beating_is_none_before_another_is(
        self, database: Database
    ) -> None:
        leases, seen = Leases(database), []
        first = Leadership(
            leases, "engine", "a", ttl_s=0.8, on_gained=lambda lease: seen.append(("a", lease.token))
        )
        second = Leadership(
            leases, "engine", "b", ttl_s=0.8, on_gained=lambda lease: seen.append(("b", lease.token))
        )
        first.beat()
        second.beat()
        assert (first.is_leader, second.is_leader, first.token) == (True, False, 1)
        both = 0
        while not second.is_leader:  # the first beats no more
            second.beat()
            both += first.is_leader and second.is_leader
            time.sleep(0.01)
        assert (both, first.is_leader, first.token) == (0, False, None)
        second.close()
        first.beat()  # notices that it had been replaced
        first.beat()
        assert first.is_leader
        assert seen == [("a", 1), ("b", 2), ("a", 3)]
