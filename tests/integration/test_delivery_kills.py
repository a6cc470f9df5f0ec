"""A worker that delivers is killed again and again: everything arrives, and a receiver that drops repeated keys has each message once."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.integration.delivery_worker import RECEIVERS

from sre_copilot.domain.notification import Notification
from sre_copilot.durable.runs import sqlite_url as runs_url
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.testing.receivers import ReceiverLog, http_receiver

ROOT = Path(__file__).parents[2]
KILLS = 8
ADDED = 20  # messages to each receiver before each kill, so that some are always on their way
MESSAGES = ADDED * KILLS  # to each receiver
WITHIN_S = 120.0


@contextmanager
def worker(*urls: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.integration.delivery_worker", *urls]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def tell(store: NotificationStore, first: int) -> None:
    now = time.time()
    told = [
        Notification(
            key=f"INC-{i}/team-{r}/firing/1",
            group=f"INC-{i}",
            receiver=f"team-{r}",
            state="firing",
            sequence=1,
            created_at=now,
            content={"title": f"T{i}"},
        )
        for i in range(first, first + ADDED)
        for r in range(RECEIVERS)
    ]
    with store.database.begin() as connection:
        store.insert(connection, told)


def killed_again_and_again(at: ReceiverLog, store: NotificationStore, *urls: str) -> None:
    chance = random.Random(5)  # noqa: S311 - when to kill
    for kill in range(KILLS):
        tell(store, kill * ADDED)
        before, until = at.total, time.monotonic() + WITHIN_S
        with worker(*urls):
            while at.total <= before and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(chance.random() / 2)
    with worker(*urls):
        until = time.monotonic() + WITHIN_S
        while set(store.counts()) != {"sent"} and time.monotonic() < until:
            time.sleep(0.1)


def holds(at: ReceiverLog, store: NotificationStore) -> None:
    assert store.counts() == {"sent": MESSAGES * RECEIVERS}
    assert at.kept == MESSAGES * RECEIVERS
    assert at.repeated <= RECEIVERS * KILLS  # a lane has one message in flight
    for receiver in range(RECEIVERS):
        seen = [each.key for each in at.seen if f"/team-{receiver}/" in each.key]
        assert seen == [f"INC-{i}/team-{receiver}/firing/1/webhook-1" for i in range(MESSAGES)], (
            "the order holds"
        )


@pytest.mark.integration
def test_nothing_is_lost_or_doubled_on_sqlite(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    store = NotificationStore(Database(url))
    with http_receiver("webhook") as at:
        killed_again_and_again(at, store, url, runs_url(tmp_path), at.url)
        holds(at, store)


@pytest.mark.integration
def test_nothing_is_lost_or_doubled_on_postgresql(empty_postgresql: Database, postgresql: Any) -> None:
    url = str(postgresql.get_uri()).replace("postgresql://", "postgresql+psycopg://")
    store = NotificationStore(empty_postgresql)
    with http_receiver("webhook") as at:
        killed_again_and_again(at, store, url, url, at.url)
        holds(at, store)
