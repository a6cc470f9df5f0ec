"""Durable runs of several workers on a real PostgreSQL: killed, stopped, and two at once."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.durability.durable_worker import Task
from tests.durability.durable_workers import KILLS, Workers, check_effects, pids_of
from tests.unit.durable.waiting import settled

from sre_copilot.durable.port import Durable
from sre_copilot.durable.runs import DbosDurable
from sre_copilot.store.database import Database
from sre_copilot.testing.durable_contract import WORKFLOWS, DurableContract, Settle

pytestmark = pytest.mark.integration

Open = Callable[..., Workers]
TAKE_OVER_S = 10.0


@pytest.fixture(scope="module")
def url(postgresql: Any) -> str:
    """The address of a PostgreSQL of our own."""
    return str(postgresql.get_uri()).replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def workers(postgresql: Any, url: str, tmp_path: Path) -> Iterator[Open]:
    """Makes workers, which end with the test, on an empty database."""
    opened: list[Workers] = []
    with psycopg.connect(postgresql.get_uri(), autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        connection.execute("DROP SCHEMA IF EXISTS sre_copilot_durable CASCADE")
    Database(url).close()

    def open_(workflow: str, keys: tuple[str, ...], *, steps: int = 4, lane: str = "") -> Workers:
        file = str(tmp_path / "effects")
        opened.append(Workers(Task(url=url, file=file, workflow=workflow, keys=keys, steps=steps, lane=lane)))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


class TestPostgresql(DurableContract):
    """The battery on PostgreSQL."""

    @pytest.fixture(scope="class")
    @classmethod
    def durable(cls, url: str) -> Iterator[Durable]:
        database = Database(url)
        durable = DbosDurable(url, database=database)
        for name, (workflow, limit) in WORKFLOWS.items():
            durable.register(name, workflow, lane_limit=limit)
        durable.launch()
        yield durable
        before = time.monotonic()
        durable.close()
        database.close()
        assert time.monotonic() - before < 2.0

    @pytest.fixture
    def settle(self, durable: Durable) -> Settle:
        return lambda key: settled(durable, key)


def _began(mine: Workers, pid: int, key: str) -> bool:
    return any(line[0] == "begin" and line[1] == key and line[3] == str(pid) for line in mine.lines)


def test_a_worker_that_was_stopped_does_nothing_after_another_has_taken_over(workers: Open) -> None:
    keys = tuple(f"run-{number}" for number in range(8))
    mine = workers("heavy.1", keys, steps=3)
    first = mine.begin()
    mine.wait(lambda: len([line for line in mine.lines if line[0] == "end"]) == 8, within_s=10)
    time.sleep(0.25)  # for the first effects to be recorded
    first.send_signal(signal.SIGSTOP)  # while its runs wait for their second effect
    assert not [line for line in mine.lines if line[0] == "begin" and line[2] == "1"]
    second = mine.begin()
    mine.wait(lambda: all(_began(mine, second.pid, key) for key in keys), within_s=TAKE_OVER_S)
    first.send_signal(signal.SIGCONT)  # their waits are over, and the other is still at it
    mine.wait(lambda: first.poll() is not None, within_s=5)
    mine.running.remove(first)
    mine.wait(mine.over, within_s=20)
    assert first.returncode == 3
    assert ["fenced", str(first.pid)] in mine.lines
    assert {tuple(pids_of(mine.lines, key, 1)) for key in keys} == {(str(second.pid),)}
    check_effects(mine, steps=2)


def test_the_runs_of_a_killed_worker_are_anothers_within_ten_seconds_with_their_messages(
    workers: Open,
) -> None:
    keys = tuple(f"run-{number}" for number in range(8))
    mine = workers("waiting.1", keys)
    first = mine.begin()
    mine.wait(lambda: len([line for line in mine.lines if line[0] == "end"]) == 8, within_s=10)
    second = mine.begin()
    killed_at = mine.kill(first)
    second.send_signal(signal.SIGUSR1)  # a message to each, sent while they are nobody's
    mine.wait(lambda: all(pids_of(mine.lines, key, 1) for key in keys), within_s=TAKE_OVER_S)
    print(f"taken over after {time.monotonic() - killed_at:.1f} s")
    mine.wait(mine.over, within_s=10)
    assert {tuple(pids_of(mine.lines, key, 1)) for key in keys} == {(str(second.pid),)}
    assert {line[3] for line in mine.lines if line[0] == "over"} == {"now"}
    check_effects(mine, steps=2)


def test_a_lane_keeps_its_order_and_its_limit_across_workers_of_which_one_is_killed(workers: Open) -> None:
    keys = tuple(f"{9 - number}-run" for number in range(6))
    mine = workers("lane.1", keys, steps=3, lane="receiver")
    first = mine.begin()
    mine.begin()
    mine.wait(lambda: any(line[:2] == ["begin", keys[2]] for line in mine.lines), within_s=20)
    mine.kill(first)
    mine.wait(mine.over, within_s=40)
    check_effects(mine, steps=3)
    begun = [line[1] for line in mine.lines if line[0] == "begin"]
    assert [key for key, before in zip(begun, ["", *begun], strict=False) if key != before] == list(keys)


def test_two_workers_killed_at_random_instants_lose_nothing_and_repeat_nothing_finished(
    workers: Open,
) -> None:
    chance = random.Random(KILLS)  # noqa: S311 - instants, no secrets
    kills = max(1, KILLS // 2)
    steps = 3 + kills // 2
    keys = tuple(f"run-{number}" for number in range(6))
    mine = workers("journey.1", keys, steps=steps)
    mine.begin()
    for _ in range(kills):
        mine.begin_only()
        time.sleep(chance.uniform(0.2, 1.2))
        mine.kill(chance.choice(mine.running))
    mine.begin()
    mine.wait(mine.over, within_s=60)
    assert check_effects(mine, steps=steps) <= kills * len(keys)
    assert {line[2] for line in mine.lines if line[0] == "over"} == {"succeeded"}
