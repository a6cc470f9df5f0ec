"""One run: a process that is killed again and again under load, local receivers that count, and what must hold at the end."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from sqlalchemy import Engine, create_engine, text
from tests.durability.alerting_check import Found, check
from tests.durability.alerting_load import WORD, Load, Seen
from tests.durability.alerting_task import Task

from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.testing.receivers import ReceiverLog, http_receiver
from sre_copilot.testing.servers.json_server import Response, serving
from sre_copilot.testing.servers.real import free_port

ROOT = Path(__file__).parents[2]
SETTLE_S = 240.0  # a receiver that was not reached for minutes is told one message after another
QUIET_S = 2.0  # in a row: what is heard of an event begins a moment after it
BEGINNING = (
    0.2  # of all kills: at any instant from the first statement of a process on; the others when it answers
)
LONGEST_S = 4.0  # until it is killed: long enough for several turns
LEASE_S = (
    1.5  # where processes share a store: the usual six seconds would let most kills hit nobody who leads
)
RECEIVERS = ("team", "pager")
NOTHING = {"status": "success", "data": {"resultType": "matrix", "result": []}}
"""What a Prometheus answers that has no such series: an investigation takes a moment, and finds nothing."""


@dataclass
class World:
    """The processes of one configuration."""

    folder: Path
    url: str
    port: int
    receivers: dict[str, ReceiverLog]
    prometheus: str
    zygote: subprocess.Popen[str]
    lease_s: float | None = None
    pids: list[int] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where `serve` listens."""
        return f"http://127.0.0.1:{self.port}"

    def begin(self, command: str = "serve", *, folder: str = "data", port: int = 0) -> int:
        """One more process; its id."""
        config = self.folder / f"{folder}.yaml"
        config.write_text(yaml.safe_dump(self._configuration(folder)), encoding="utf-8")
        log = str(self.folder / f"{folder}.log")
        task = Task(command, str(config), log, port=port or self.port, lease_s=self.lease_s)
        assert self.zygote.stdin
        assert self.zygote.stdout
        self.zygote.stdin.write(json.dumps(asdict(task)) + "\n")
        self.zygote.stdin.flush()
        self.pids.append(int(self.zygote.stdout.readline()))
        return self.pids[-1]

    def kill(self, pid: int) -> float:
        """End it as the kernel does; the moment."""
        assert alive(pid), f"it ended by itself: {self.said()}"
        os.kill(pid, signal.SIGKILL)
        at = time.time()
        self.kills.append(at)
        self.pids.remove(pid)
        wait_for(lambda: not alive(pid), within_s=10)
        return at

    def ready(self, *, within_s: float = 60.0) -> None:
        """Wait until it answers."""
        wait_for(self._answers, within_s=within_s, why=self.said)

    def said(self) -> str:
        """The end of what the processes wrote."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(log.read_text(errors="replace")[-3000:] for log in logs)

    def token(self) -> str:
        """The token of the first start."""
        return (self.folder / "data/token").read_text(encoding="utf-8").strip()

    def database(self) -> Database:
        """The store, to look into."""
        return Database(self.url or sqlite_url(self.folder / "data"))

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.address}/healthz", timeout=1, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _configuration(self, folder: str) -> dict[str, Any]:
        url = {"url": self.url} if self.url else {}
        routing = {
            "receiver": "team", "group_by": ["alertname", "service"], "group_wait": "300ms", "group_interval": "1s",
            "repeat_interval": "4h", "escalation": "duty",
        }  # fmt: skip
        hooks = [
            {"name": name, "webhook_configs": [{"url": log.url, "allow_plaintext": True}]}
            for name, log in self.receivers.items()
        ]
        steps = [{"after_seconds": after, "call": [{"receiver": "pager"}]} for after in (0.1, 1.0)]
        return {
            "prometheus": {"url": self.prometheus},
            "check_interval_seconds": 3600,
            "store": {"folder": str(self.folder / folder), **url},
            "alerting": {
                "intake": {"entries": {"load": {"provider": "alertmanager", "token": WORD}}},
                "routing": {"route": routing},
                "notify": {"receivers": hooks, "first_pause_seconds": 0.5},
                "people": {"policies": {"duty": {"steps": steps, "rounds": 1}}},
                "lifecycle": {"resolve_after_seconds": 0.2},
                "correlation": {"settle_seconds": 0.2, "storm": {"alerts": 100_000}},
                "investigations": {"settle_seconds": 1, "pause_seconds": 1},
            },
        }


@contextmanager
def world(folder: Path, *, url: str = "", lease_s: float | None = None) -> Iterator[World]:
    """A world in a folder; all its processes end with it."""
    with ExitStack() as stack:
        receivers = {name: stack.enter_context(http_receiver()) for name in RECEIVERS}
        prometheus = stack.enter_context(serving(lambda request: Response(NOTHING)))
        few = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
        zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.durability.alerting_worker"], cwd=ROOT, env={**os.environ, **few},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        found = World(folder, url, free_port(), receivers, prometheus, zygote, lease_s)
        try:
            assert zygote.stdout
            assert zygote.stdout.readline() == "ready\n"
            yield found
        finally:
            for pid in found.pids:
                if alive(pid):
                    os.kill(pid, signal.SIGKILL)
            assert zygote.stdin
            zygote.stdin.close()
            zygote.wait(10)


def killed(
    folder: Path, *, kills: int, url: str = "", seed: int = 1, within_s: float = 3600.0,
    note: Callable[[int], object] = lambda done: None,
) -> Found:  # fmt: skip
    """Kill `serve` so often at random instants under load (fewer when the time is over), let it settle, and look."""
    end = time.monotonic() + within_s
    if url:
        emptied(url)
    dice = random.Random(seed)  # noqa: S311 - instants, no secrets
    with world(folder, url=url, lease_s=LEASE_S if url else None) as here:
        pid = here.begin()
        here.ready()
        load = Load(here.address, Seen(here.receivers["team"]), here.token, seed)
        load.start()
        served = 0
        for done in range(kills):
            if time.monotonic() > end:
                break
            note(done)
            if dice.random() > BEGINNING:
                here.ready()
            time.sleep(dice.uniform(0.0, LONGEST_S))
            served += here._answers()
            here.kill(pid)
            pid = here.begin()
        load.finish()
        settled(here)
        return looked(here, load, served)


def looked(here: World, load: Load, served: int) -> Found:
    """Hold everything against everything, when all is quiet."""
    database = here.database()
    try:
        found = check(
            database, here.receivers, accepted=load.accepted, ended=load.ended, stuck=load.stuck, kills=here.kills
        )  # fmt: skip
    finally:
        database.close()
    found.figures["kills of one that answered"] = served
    found.figures["answers other than 202"] = len(load.refused)
    found.none_of("commands that failed", [each for each in load.commands.items() if each[1] >= 500])
    return found


def settled(here: World) -> None:
    """Wait until nothing is left to do, investigations included: what they found comes in as a command."""
    database = here.database()
    durable = create_engine(here.url or f"sqlite:///{here.folder / 'data/durable.sqlite'}")
    busy_at = time.monotonic()

    def calm() -> bool:
        nonlocal busy_at
        if not _quiet(database) or _under_way(durable):
            busy_at = time.monotonic()
        return time.monotonic() - busy_at > QUIET_S

    try:
        wait_for(calm, within_s=SETTLE_S, why=here.said, every_s=0.1)
    finally:
        database.close()
        durable.dispose()


def _under_way(durable: Engine) -> int:
    """How many durable runs are not at their end."""
    with durable.begin() as connection:
        schema = "" if connection.dialect.name == "sqlite" else "sre_copilot_durable."
        query = f"SELECT count(*) FROM {schema}workflow_status WHERE status IN ('PENDING', 'ENQUEUED')"  # noqa: S608
        return int(connection.execute(text(query)).scalar_one())


def _quiet(database: Database) -> bool:
    from sqlalchemy import func, select

    from sre_copilot.store.alerting import tables
    from sre_copilot.store.notifications import UNFINISHED, deliveries, notifications

    left = (
        select(func.count()).select_from(tables.inbox).where(tables.inbox.c.done_at.is_(None)),
        select(func.count()).select_from(tables.outbox).where(tables.outbox.c.published_at.is_(None)),
        select(func.count()).select_from(tables.incidents).where(tables.incidents.c.status != "resolved"),
        *(select(func.count()).select_from(each).where(each.c.status.in_(UNFINISHED)) for each in (notifications, deliveries)),
    )  # fmt: skip
    with database.begin() as connection:
        return not any(connection.execute(each).scalar_one() for each in left)


def emptied(url: str) -> None:
    """Leave nothing in a PostgreSQL of what was there before."""
    import psycopg

    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS sre_copilot_durable CASCADE")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


def alive(pid: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(
    what: Callable[[], object], *, within_s: float, why: Callable[[], str] = lambda: "", every_s: float = 0.02
) -> None:
    """Wait for what must come."""
    until = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < until, f"not within {within_s} s; {why()}"
        time.sleep(every_s)
