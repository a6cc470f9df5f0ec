"""Workers on SQLite are killed at random instants: nothing is lost, and nothing that was finished happens again."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.durability.durable_worker import Task
from tests.durability.durable_workers import KILLS, Workers, check_effects, pids_of

pytestmark = pytest.mark.durability

Open = Callable[..., Workers]


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Open]:
    """Makes workers, which end with the test."""
    opened: list[Workers] = []

    def open_(workflow: str, keys: tuple[str, ...], *, steps: int = 4) -> Workers:
        task = Task(
            url=f"sqlite:///{tmp_path / 'durable.sqlite'}",
            file=str(tmp_path / "effects"),
            workflow=workflow,
            keys=keys,
            steps=steps,
        )
        opened.append(Workers(task))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


def test_a_step_in_flight_is_done_again_after_a_restart_and_a_finished_one_is_not(workers: Open) -> None:
    mine = workers("long.1", ("a",), steps=2)
    first = mine.begin()
    mine.wait(lambda: ["begin", "a", "0", str(first.pid)] in mine.lines, within_s=10)
    killed_at = mine.kill(first)
    second = mine.begin()
    mine.wait(lambda: ["begin", "a", "0", str(second.pid)] in mine.lines, within_s=10)
    assert time.monotonic() - killed_at < 10
    mine.wait(mine.over, within_s=10)
    mine.kill(second)
    third = mine.begin()
    time.sleep(1.5)
    assert pids_of(mine.lines, "a", 0) == [str(first.pid), str(second.pid)]
    assert third.poll() is None


def test_a_message_sent_before_the_kill_is_received_after_it(workers: Open) -> None:
    mine = workers("waiting.1", ("a", "b"))
    first = mine.begin()
    mine.wait(lambda: len([line for line in mine.lines if line[0] == "end"]) == 2, within_s=10)
    first.send_signal(signal.SIGUSR1)
    mine.kill(first)
    second = mine.begin()
    second.send_signal(signal.SIGUSR1)
    mine.wait(mine.over, within_s=10)
    assert ["over", "a", "succeeded", "now"] in mine.lines
    check_effects(mine, steps=2)


def test_at_random_instants_nothing_is_lost_and_nothing_finished_happens_again(workers: Open) -> None:
    chance = random.Random(KILLS)  # noqa: S311 - instants, no secrets
    kills = max(1, KILLS // 2)
    steps = 3 + kills // 2
    keys = tuple(f"run-{number}" for number in range(6))
    mine = workers("journey.1", keys, steps=steps)
    for _ in range(kills):
        process = mine.begin_only()
        time.sleep(chance.uniform(0.3, 1.5))  # about half of it is spent beginning
        mine.kill(process)
    mine.begin()
    mine.wait(mine.over, within_s=60)
    repeated = check_effects(mine, steps=steps)
    assert repeated <= kills * len(keys)
    assert {line[2] for line in mine.lines if line[0] == "over"} == {"succeeded"}
