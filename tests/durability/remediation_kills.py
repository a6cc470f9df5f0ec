"""Workers that carry plans out are killed, or stopped until others have taken over; then what they did is counted where they did it."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.durability.durable_workers import ROOT
from tests.durability.remediation_worker import EXPECTED, Work, kind_of

from sre_copilot.store.database import Database
from sre_copilot.store.plans import PlanStore
from sre_copilot.testing.counted_target import CountedTarget

BEFORE = 10.0


@dataclass
class Found:
    """What was counted, and what is not as it must be."""

    figures: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


@dataclass
class World:
    """Workers on one store and one system; all are ended with it."""

    work: Work
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.target = CountedTarget(Path(self.work.target))
        self.things = 0
        self.more(self.work.plans)

    def more(self, plans: int) -> None:
        """Let workers that begin from now on carry out so many plans."""
        for number in range(self.things, plans):
            for name in (f"a{number}", f"b{number}"):
                self.target.put(name, BEFORE)
        self.things = plans
        self.work = replace(self.work, plans=plans)

    @property
    def lines(self) -> list[list[str]]:
        """What workers said."""
        file = Path(self.work.file)
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []

    def begin(self) -> subprocess.Popen[bytes]:
        """One more worker, which has launched."""
        command = [sys.executable, "-m", "tests.durability.remediation_worker", json.dumps(asdict(self.work))]
        process = subprocess.Popen(command, cwd=ROOT)
        self.running.append(process)
        self.wait(lambda: ["ready", str(process.pid)] in self.lines, within_s=60)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End it as the kernel does."""
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.running.remove(process)

    def wait(self, until: Callable[[], bool], *, within_s: float) -> None:
        """Wait for something that must come."""
        end = time.monotonic() + within_s
        while not until():
            assert time.monotonic() < end, f"not within {within_s} s; last: {self.lines[-10:]}"
            time.sleep(0.02)

    def over(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether a worker has seen the end of all plans that it knows."""
        return ["over", str(process.pid), str(self.work.plans)] in self.lines

    def close(self) -> None:
        """End all."""
        for process in list(self.running):
            self.kill(process)


def killed(world: World, *, kills: int, seed: int, within_s: float = 300.0) -> Found:
    """Kill a worker so often at random instants of its work, let the last one finish, and count."""
    chance = random.Random(seed)  # noqa: S311 - instants, no secrets
    for number in range(kills):
        world.more(3 + number)
        process = world.begin()
        time.sleep(chance.uniform(0.0, 1.2))
        world.kill(process)
    world.more(3 + kills)
    last = world.begin()
    world.wait(lambda: world.over(last), within_s=within_s)
    found = counted(world)
    found.figures["kills"] = kills
    return found


def stopped(world: World, *, times: int, seed: int) -> Found:
    """Stop one of two workers at random instants until others have its leases, wake it, and count."""
    chance = random.Random(seed)  # noqa: S311 - instants, no secrets
    for number in range(times):
        world.more(3 * (number + 1))
        first = world.begin()
        second = world.begin()
        time.sleep(chance.uniform(0.0, 1.0))
        first.send_signal(signal.SIGSTOP)
        time.sleep(
            6.0
        )  # the lease of the worker (2 s) and those of its targets (2 s) are over, and the other goes on
        first.send_signal(signal.SIGCONT)
        world.wait(lambda worker=second: world.over(worker), within_s=120.0)  # type: ignore[misc]
        time.sleep(0.5)
        world.kill(second)
        world.kill(first)
    found = counted(world)
    found.figures["stops"] = times
    return found


def counted(world: World) -> Found:
    """What there is, against what there must be: every effect once, each undo complete, no plan lost."""
    found, counts = Found(), world.target.counts()
    database = Database(world.work.url)
    rows = sorted(PlanStore(database).page(limit=1000).rows, key=lambda row: row["key"])
    database.close()
    for row in rows:
        _check_plan(world, found, row, counts)
    if len(rows) != world.work.plans:
        found.wrong.append(f"{len(rows)} plans of {world.work.plans}")
    twice = {key: count for key, count in counts.items() if count != 1}
    found.wrong += [f"effect {key} was made {count} times" for key, count in twice.items()]
    found.figures |= {"plans": len(rows), "effects": sum(counts.values()), "effects made twice": len(twice)}
    found.figures["effects that were in flight at a kill"] = _in_flight(world)
    return found


def _check_plan(world: World, found: Found, row: dict[str, Any], counts: dict[str, int]) -> None:
    number, plan_id, status = int(row["key"].removeprefix("kill-")), row["id"], row["status"]
    kind = kind_of(number)
    if status != EXPECTED[kind]:
        found.wrong.append(f"plan {number} ({kind}) is {status}, not {EXPECTED[kind]}")
    undone = kind != "helps"
    ways = ("do", "undo") if undone else ("do",)
    for key in (f"{plan_id}/{step}/{way}" for step in ("s1", "s2") for way in ways):
        if not counts.get(key):
            found.wrong.append(f"effect {key} of plan {number} ({kind}) is missing")
    for name in (f"a{number}", f"b{number}"):
        value = world.target.get(name)
        if value is None or value[0] != (BEFORE if undone else BEFORE + 1):
            found.wrong.append(f"{name} is {value}: plan {number} ({kind})")


def _in_flight(world: World) -> int:
    """How often an effect was begun and not ended by the process that began it."""
    with world.target.opened() as connection:
        return int(connection.execute("SELECT count(*) FROM actors WHERE ended IS NULL").fetchone()[0])
