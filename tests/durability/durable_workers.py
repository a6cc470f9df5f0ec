"""Starting, killing and stopping workers, and what their effects must look like."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.durability.durable_worker import Task

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("SRE_COPILOT_KILLS", "30"))


@dataclass
class Workers:
    """Worker processes of one task; all are ended with it."""

    task: Task
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def lines(self) -> list[list[str]]:
        """What they did, in order."""
        file = Path(self.task.file)
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []

    def begin(self) -> subprocess.Popen[bytes]:
        """One more, which has launched."""
        process = self.begin_only()
        self.wait(lambda: ["ready", str(process.pid)] in self.lines, within_s=30)
        return process

    def begin_only(self) -> subprocess.Popen[bytes]:
        """One more, wherever it is in its beginning."""
        command = [sys.executable, "-m", "tests.durability.durable_worker", json.dumps(asdict(self.task))]
        process = subprocess.Popen(command, cwd=ROOT)
        self.running.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> float:
        """End it as the kernel does; the moment."""
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.running.remove(process)
        return time.monotonic()

    def wait(self, until: Callable[[], bool], *, within_s: float) -> None:
        """Wait for something that must come."""
        end = time.monotonic() + within_s
        while not until():
            assert time.monotonic() < end, f"not within {within_s} s; last: {self.lines[-10:]}"
            time.sleep(0.02)

    def over(self) -> bool:
        """Whether some worker has seen all runs end."""
        return {line[1] for line in self.lines if line[0] == "over"} >= set(self.task.keys)

    def close(self) -> None:
        """End all."""
        for process in list(self.running):
            self.kill(process)


def pids_of(lines: Sequence[Sequence[str]], key: str, step: int) -> list[str]:
    """Processes that began a step."""
    return [line[3] for line in lines if line[:3] == ["begin", key, str(step)]]


def check_effects(workers: Workers, *, steps: int) -> int:
    """Each step happened; none again that had been followed by another; none twice by one process. Returns how often one was in flight when its process died."""
    repeated = 0
    for key in workers.task.keys:
        order = [int(line[2]) for line in workers.lines if line[0] == "begin" and line[1] == key]
        assert order == sorted(order), (key, order)
        assert set(order) == set(range(steps)), (key, order)
        for step in range(steps):
            pids = pids_of(workers.lines, key, step)
            assert len(pids) == len(set(pids)), (key, step, pids)
            assert ["end", key, str(step), pids[-1]] in workers.lines
            repeated += len(pids) - 1
    return repeated
