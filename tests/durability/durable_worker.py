"""A worker that is killed by the tests: `python -m tests.durability.durable_worker` with the JSON of `Task`.

Each effect is a line in a file that is only appended to: `begin KEY STEP PID` before it and `end KEY STEP PID` after it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from sre_copilot.durable.port import Run
from sre_copilot.durable.runs import DbosDurable
from sre_copilot.errors import DurableError
from sre_copilot.store.database import Database

EFFECT_S = 0.03


@dataclass(frozen=True)
class Task:
    """What a worker does."""

    url: str
    file: str
    workflow: str
    keys: tuple[str, ...]
    steps: int = 4
    lane: str = ""


def append(file: str, *words: object) -> None:
    """One line, whole or not at all."""
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, (" ".join(map(str, words)) + "\n").encode())
    os.close(handle)


def effect(file: str, key: str, step: str) -> None:
    """What must not happen twice without need."""
    append(file, "begin", key, step, os.getpid())
    time.sleep(EFFECT_S)
    append(file, "end", key, step, os.getpid())


def journey(run: Run, *, file: str, steps: int) -> str:
    """Effects with a wait for a time, or for a message, between them."""
    for number in range(steps):
        run.step(f"effect {number}", effect, file, run.key, str(number))
        if number % 2:
            run.sleep(0.1)
        else:
            run.receive("never", 0.1)
    return "arrived"


def waiting(run: Run, *, file: str, steps: int) -> str:
    """Waits for a message between two effects."""
    del steps
    run.step("effect 0", effect, file, run.key, "0")
    word = run.receive("go", 120.0)
    run.step("effect 1", effect, file, run.key, "1")
    return str(word)


def long_step(run: Run, *, file: str, steps: int) -> None:
    """One effect that takes its time."""

    def act() -> None:
        append(file, "begin", run.key, "0", os.getpid())
        time.sleep(steps)
        append(file, "end", run.key, "0", os.getpid())

    run.step("effect 0", act)


def heavy(run: Run, *, file: str, steps: int) -> None:
    """A quick effect, a short wait, and one that takes its time."""

    def act() -> None:
        append(file, "begin", run.key, "1", os.getpid())
        time.sleep(steps)
        append(file, "end", run.key, "1", os.getpid())

    run.step("effect 0", effect, file, run.key, "0")
    run.sleep(0.5)
    run.step("effect 1", act)


WORKFLOWS = {
    "journey.1": journey,
    "heavy.1": heavy,
    "waiting.1": waiting,
    "long.1": long_step,
}


def main(task: Task) -> None:
    """Work until the runs have ended, and until told to go."""

    def fenced() -> None:
        append(task.file, "fenced", os.getpid())
        os._exit(3)

    def go_on(*_: Any) -> None:
        for key in task.keys:
            durable.send(key, "go", "now", idempotency_key="1")

    database = Database(task.url) if task.url.startswith("postgresql") else None
    durable = DbosDurable(task.url, database=database, on_fenced=fenced)
    for name, workflow in WORKFLOWS.items():
        durable.register(name, workflow)
    durable.register("lane.1", journey, lane_limit=1)
    durable.launch()
    signal.signal(signal.SIGUSR1, go_on)
    append(task.file, "ready", os.getpid())
    for key in task.keys:
        durable.start(task.workflow, {"file": task.file, "steps": task.steps}, key=key, lane=task.lane)
    while any((state := durable.state(key)) is None or state.finished_at is None for key in task.keys):
        time.sleep(0.05)
    for key in task.keys:
        state = durable.state(key)
        append(task.file, "over", key, state.status if state else "lost", state.result if state else "")
    threading.Event().wait()


if __name__ == "__main__":
    try:
        main(Task(**json.loads(sys.argv[1])))
    except DurableError:  # it was closed, as another has taken over: that is said from a thread of its own
        threading.Event().wait(10.0)
