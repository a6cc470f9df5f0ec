"""Two `sre-copilot worker` on one PostgreSQL: the one that leads is killed, or stopped and woken, and the other goes on."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests.durability.alerting_check import Found, check
from tests.durability.alerting_load import GIVE_UP_S, Load, Seen
from tests.durability.alerting_world import World, alive, emptied, settled, wait_for, world

from sre_copilot.app.alerting import LEASE, Alerting, make_alerting
from sre_copilot.clock import SystemClock
from sre_copilot.domain.alert import AlertEvent
from sre_copilot.errors import StoreError
from sre_copilot.settings.document import Settings
from sre_copilot.store.database import Database
from sre_copilot.store.leases import Leases

WOKEN_S = 3.0  # for what it would do if nothing hindered it
STOPPED_S = 9.0  # longer than any lease: another has taken over by then


@dataclass
class Direct(Load):
    """Senders that write into the inbox themselves, as a `serve` on another machine does."""

    alerting: Alerting = field(kw_only=True)

    def _send(self, client: httpx.Client, alerts: list[dict[str, Any]]) -> None:
        events = [_event(each) for each in alerts]
        until = time.monotonic() + GIVE_UP_S
        while time.monotonic() < until:
            try:
                self.alerting.tell(events, source="load").result(30)
            except StoreError as error:
                self.refused.append(str(error))
                time.sleep(0.2)
                continue
            self.accepted.update(each.annotations["mark"] for each in events)
            return
        self.stuck.append("alerts were not taken in time")

    def _acknowledge(self, client: httpx.Client, service: str, time_of: int) -> None:
        key, incident = f"{service}/{time_of}", self.seen.incidents[service]
        self.alerting.commands.post("incident.acknowledge", {"id": incident}, who="alice", key=key)


def _event(alert: dict[str, Any]) -> AlertEvent:
    now = time.time()
    return AlertEvent(
        labels=alert["labels"], annotations=alert["annotations"], status=alert["status"], starts_at=now,
        ends_at=now if alert["status"] == "resolved" else None, received_at=now, source="load", provider="generic",
    )  # fmt: skip


@dataclass
class Pair:
    """Two workers, and what is asked of their store."""

    here: World
    database: Database
    load: Direct
    seconds: list[float] = field(default_factory=list)
    """From the moment at which a leader fell away to the first decision of another."""

    def leader(self) -> int:
        """Process id of the one that leads; 0 while nobody does."""
        holder = Leases(self.database).holder(LEASE)
        return int(holder.split("/")[-2]) if holder else 0

    def begin(self) -> int:
        """One more worker."""
        return self.here.begin("worker", folder=f"worker-{len(self.here.kills) + len(self.here.pids)}")

    def lead(self) -> int:
        """Wait until one of ours leads; its id."""
        wait_for(lambda: self.leader() in self.here.pids, within_s=60, why=self.here.said)
        return self.leader()

    def both_ready(self) -> None:
        """Wait until two live, one of which leads: a process that is still beginning takes nothing over."""
        self.lead()
        leases = Leases(self.database)
        wait_for(lambda: len(leases.live("worker/")) == 2, within_s=60, why=self.here.said)

    def decided(self, since: float) -> None:
        """Wait for the first decision after a moment, and note how long it took."""
        entry = self.load.alerting.commands.post("incident.acknowledge", {"id": "none"}, who="test")
        inbox = self.load.alerting.inbox
        wait_for(lambda: inbox.outcome(entry) is not None, within_s=60, why=self.here.said)
        self.seconds.append(time.time() - since)


@contextmanager
def pair(folder: Path, url: str, *, seed: int = 1) -> Iterator[Pair]:
    """Two workers under load, one of which leads."""
    emptied(url)
    database = Database(url)
    alerting = make_alerting(Settings(), database, SystemClock())
    with world(folder, url=url) as here:
        load = Direct(
            "", Seen(here.receivers["team"]), lambda: "", seed, faults=6, background=1, alerting=alerting
        )
        found = Pair(here, database, load)
        found.begin()
        found.lead()
        found.begin()
        found.both_ready()
        load.start()
        try:
            yield found
        finally:
            load.stop.set()
            alerting.close()
            database.close()


def taken_over(folder: Path, url: str, *, times: int, seed: int = 1) -> tuple[list[float], Found]:
    """Kill the leader so often; seconds until another decided, and what must hold."""
    dice = random.Random(seed)  # noqa: S311 - instants, no secrets
    with pair(folder, url, seed=seed) as both:
        for _ in range(times):
            both.both_ready()
            time.sleep(dice.uniform(0.5, 2.0))
            at = both.here.kill(both.lead())
            both.decided(at)
            both.begin()
        return both.seconds, _ended(both)


def woken(folder: Path, url: str, *, times: int, seed: int = 1) -> tuple[list[float], Found]:
    """Stop the leader so often until another leads, and wake it; seconds until another decided, and what must hold."""
    dice = random.Random(seed)  # noqa: S311 - instants, no secrets
    with pair(folder, url, seed=seed) as both:
        for _ in range(times):
            both.both_ready()
            time.sleep(dice.uniform(0.5, 2.0))
            stopped = both.lead()
            os.kill(stopped, signal.SIGSTOP)
            at = time.time()
            both.here.kills.append(at)  # a message in flight is sent again by the other
            both.decided(at)
            time.sleep(max(0.0, at + STOPPED_S - time.time()))
            os.kill(stopped, signal.SIGCONT)
            both.here.kills.append(time.time())
            time.sleep(WOKEN_S)
            if not alive(stopped):  # its runs were taken over, so that it ends; else it waits for its turn
                both.here.pids.remove(stopped)
                both.begin()
        return both.seconds, _ended(both)


def _ended(both: Pair) -> Found:
    both.load.finish()
    settled(both.here)
    load = both.load
    return check(
        both.database, both.here.receivers, accepted=load.accepted, ended=load.ended, stuck=load.stuck,
        kills=both.here.kills,
    )  # fmt: skip
