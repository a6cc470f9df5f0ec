"""Durable runs on SQLite, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.unit.durable.waiting import settled

from sre_copilot.durable.port import Durable
from sre_copilot.durable.runs import DbosDurable, sqlite_url
from sre_copilot.errors import DurableError, SettingsError
from sre_copilot.testing.durable_contract import WORKFLOWS, DurableContract, Settle


class TestSqlite(DurableContract):
    """The battery on SQLite."""

    @pytest.fixture(scope="class")
    @classmethod
    def durable(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Durable]:
        durable = DbosDurable(sqlite_url(tmp_path_factory.mktemp("runs")))
        for name, (workflow, limit) in WORKFLOWS.items():
            durable.register(name, workflow, lane_limit=limit)
        durable.launch()
        yield durable
        durable.close()

    @pytest.fixture
    def settle(self, durable: Durable) -> Settle:
        return lambda key: settled(durable, key)

    def test_it_asks_for_a_thread_instead_of_holding_up_an_event_loop(self, durable: Durable) -> None:
        async def ask() -> None:
            durable.state("k")

        with pytest.raises(DurableError, match="Ask from a thread, or in a step"):
            asyncio.run(ask())

    def test_a_second_process_of_the_folder_is_refused(self, durable: DbosDurable) -> None:
        with pytest.raises(SettingsError, match="another"):
            DbosDurable(durable._url).launch()


def test_postgresql_needs_a_place_for_the_leases() -> None:
    with pytest.raises(DurableError, match="database: is needed"):
        DbosDurable("postgresql+psycopg://localhost/nothing")
