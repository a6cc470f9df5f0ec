"""Killing workers of workflows at random instants, and what must be true after it."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.durability.workflow_worker import Task

from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.workflow_runs import RunStore

ROOT = Path(__file__).parents[2]
STEPS = (
    "first",
    "wide[0].wide",
    "wide[1].wide",
    "wide[2].wide",
    "act",
    "last",
)  # of each outer run, those whose target keeps a key


@dataclass
class Found:
    """What was seen; `wrong` must be empty."""

    figures: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def killed(
    folder: Path,
    *,
    kills: int,
    runs: int,
    url: str = "",
    seed: int = 1,
    workers: int = 1,
    note: Callable[[int], None] = lambda done: None,
) -> Found:
    """Kill so often, let the last go on to the end, and look."""
    chance = random.Random(seed)  # noqa: S311 - instants, no secrets
    task = Task(folder=str(folder), runs=runs, url=url)
    running = [_begin(task) for _ in range(workers)]
    try:
        for number in range(kills):
            time.sleep(chance.uniform(0.2, 3.0))
            victim = running.pop(0)
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            running.append(_begin(task))
            note(number + 1)
            if _over(folder) and number + 1 < kills:
                task = Task(folder=task.folder, runs=task.runs + runs, url=url)
                (folder / "calls").open("a").write("more\n")
                for each in running:
                    each.kill()
                    each.wait()
                running = [_begin(task) for _ in range(workers)]
        _wait(lambda: _over(folder), within_s=240, running=running, task=task)
    finally:
        for each in running:
            each.kill()
            each.wait()
    return _looked_at(folder, task, kills)


def _begin(task: Task) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.durability.workflow_worker", json.dumps(asdict(task))], cwd=ROOT
    )


def _lines(folder: Path) -> list[list[str]]:
    file = folder / "calls"
    return [line.split() for line in file.read_text().splitlines()] if file.exists() else []


def _over(folder: Path) -> bool:
    """Whether a worker saw the end of all runs since the last ones were added."""
    words = [line[0] for line in _lines(folder)]
    last = len(words) - words[::-1].index("more") if "more" in words else 0
    return "over" in words[last:]


def _wait(
    done: Callable[[], bool], *, within_s: float, running: list[subprocess.Popen[bytes]], task: Task
) -> None:
    end = time.monotonic() + within_s
    while not done():
        if time.monotonic() > end:
            return  # what is not over is told below
        for place, each in enumerate(running):
            if each.poll() is not None:  # it was fenced, and its process ended
                running[place] = _begin(task)
        time.sleep(0.1)


def _looked_at(folder: Path, task: Task, kills: int) -> Found:
    found = Found()
    database = Database(task.url or sqlite_url(folder))
    store = RunStore(database)
    rows = [*_all(store, "outer"), *_all(store, "inner")]
    database.close()
    outer = [row for row in rows if row["workflow_id"] == "outer"]
    inner = [row for row in rows if row["workflow_id"] == "inner"]
    found.wrong += [
        f"{row['id']}: {row['status']}: {row['error']}" for row in rows if row["status"] != "succeeded"
    ]
    found.wrong += [
        f"{row['id']}: gives {row['outputs']}" for row in outer if row["outputs"] != {"v": 7, "n": 3}
    ]
    if len(outer) != task.runs or len(inner) != task.runs:
        found.wrong.append(f"{len(outer)} outer and {len(inner)} inner runs, not {task.runs}")
    _effects(folder, outer, inner, found)
    _calls(folder, outer, found)
    found.figures |= {"kills": kills, "runs": len(rows)}
    return found


def _effects(
    folder: Path, outer: list[dict[str, object]], inner: list[dict[str, object]], found: Found
) -> None:
    """Each effect of each run is there once, and no other."""
    with closing(sqlite3.connect(folder / "target.sqlite")) as target:
        done = {key for (key,) in target.execute("SELECT key FROM effects")}
        asked = Counter(key for (key,) in target.execute("SELECT key FROM asked"))
    wanted = {f"{row['id']}/{step}" for row in outer for step in STEPS} | {
        f"{row['id']}/one" for row in inner
    }
    found.wrong += [f"effect {key} is missing" for key in sorted(wanted - done)[:10]]
    found.wrong += [f"effect {key} was not asked for" for key in sorted(done - wanted)[:10]]
    found.figures |= {"effects": len(done), "effects asked for again": sum(asked.values()) - len(asked)}


def _calls(folder: Path, outer: list[dict[str, object]], found: Found) -> None:
    """What keeps no key was called again only where the process died meanwhile: never twice by one, and nothing after it had ended and been followed."""
    lines = _lines(folder)
    again = 0
    for row in outer:
        pids = [line[3] for line in lines if line[0] == "begin" and line[1] == row["id"]]
        again += len(pids) - 1
        if not pids or len(set(pids)) != len(pids):
            found.wrong.append(f"{row['id']}: the tool was called by {pids}")
    found.figures["calls made again"] = again


def _all(store: RunStore, workflow: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    cursor = None
    while True:
        page = store.page(workflow=workflow, cursor=cursor, limit=500)
        rows += page.rows
        if (cursor := page.next) is None:
            return rows
