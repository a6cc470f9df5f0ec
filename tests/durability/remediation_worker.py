"""A worker that carries plans out and is killed by the tests: `python -m tests.durability.remediation_worker` with the JSON of `Work`.

What it does is counted by the system that it acts on; what it says of itself are lines in a file: `ready PID`, `at KEY PID` right before an effect, `over PID`, `fenced PID`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tests.durability.durable_worker import append

from sre_copilot.domain.plan import OVER, Plan, SignalCheck
from sre_copilot.durable.runs import DbosDurable
from sre_copilot.errors import SreCopilotError
from sre_copilot.settings.acting.actions import ActionLimits
from sre_copilot.settings.acting.remediation import Remediation
from sre_copilot.store.database import Database
from sre_copilot.testing.acting import Acting, GivenSignals, add, plan, recovery, step
from sre_copilot.testing.counted_target import CountedTarget

KINDS = ("helps", "does not help", "is sick")
EXPECTED = {"helps": "succeeded", "does not help": "rolled_back", "is sick": "rolled_back"}
LEASE_S = 2.0  # of a worker: a dead one is replaced soon, so that many fit into a run
TURN_S = 0.1


@dataclass(frozen=True)
class Work:
    """What a worker does: so many plans, kept in a store, done to a system."""

    url: str
    durable: str
    target: str
    file: str
    plans: int = 3
    dwell_s: float = 0.0
    """So long it stands right before each effect, for whoever wants to stop it there."""
    careless: bool = False
    """Whether the executor forgets the deadline, so that the version alone keeps a late one from acting."""


def kind_of(number: int) -> str:
    """What becomes of a plan."""
    return KINDS[number % len(KINDS)]


def plan_of(number: int, *, careless: bool) -> Plan:
    """Two steps on two things of its own."""
    kind = kind_of(number)
    signal: SignalCheck = recovery("bad" if kind == "does not help" else "well")
    more = {"careless": True} if careless else {}
    steps = (
        step("s1", add(f"a{number}", seconds=0.03, **more)),
        step("s2", add(f"b{number}", seconds=0.03, sick=kind == "is sick"), needs=("s1",), checks=[signal]),
    )
    return plan(steps, now=time.time(), verify_seconds=0.2, incident_id="")


def world(work: Work, durable: DbosDurable, database: Database) -> Acting:
    """All that acts, quick enough to be killed often."""
    settings = Remediation(poll_seconds=0.05, patience_seconds=0.1, between_seconds=0.0, attempts=10)
    limits = ActionLimits(
        at_once=64, per_target_per_hour=1000, per_hour=10000, cooldown_seconds=0.0, lease_margin_seconds=1.0
    )
    return Acting(
        database,
        durable,
        CountedTarget(Path(work.target)),
        signals=GivenSignals(well=0.0, bad=1.0),
        worker=durable.executor,
        settings=settings,
        limits=limits,
        timeout_s=1.0 + work.dwell_s,
    )


def main(work: Work) -> None:
    """Begin all plans, carry them out, and wait for the end."""

    def fenced() -> None:
        append(work.file, "fenced", os.getpid())
        os._exit(3)

    def before(key: str) -> None:
        append(work.file, "at", key, os.getpid())
        time.sleep(work.dwell_s)

    database = Database(work.url)
    shared = database if work.url.startswith("postgresql") else None
    durable = DbosDurable(work.durable, database=shared, lease_s=LEASE_S, on_fenced=fenced)
    acting = world(work, durable, database)
    acting.executor.before = before
    durable.launch()
    append(work.file, "ready", os.getpid())
    known = begun(acting, work)
    while any(acting.status(each) not in OVER for each in known):
        acting.remedies.turn()
        time.sleep(TURN_S)
    append(work.file, "over", os.getpid(), len(known))
    threading.Event().wait()


def begun(acting: Acting, work: Work) -> list[str]:
    """All plans, proposed and approved once, whoever is killed in between."""
    known = []
    for number in range(work.plans):
        kept = acting.plans.propose(plan_of(number, careless=work.careless), key=f"kill-{number}")
        now = time.time()
        acting.plans.set_status(kept.id, "approved", expected="proposed", who="alice", at=now)
        known.append(kept.id)
    return known


if __name__ == "__main__":
    try:
        main(Work(**json.loads(sys.argv[1])))
    except (
        SreCopilotError
    ) as error:  # it was closed, as another has taken over: that is said from a thread of its own
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        threading.Event().wait(10.0)
