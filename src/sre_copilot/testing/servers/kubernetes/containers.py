"""One container as a process: started, restarted with growing pauses, asked whether it is ready, and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sre_copilot.testing.servers.kubernetes.container_specs import asker, probe_of
from sre_copilot.testing.servers.kubernetes.resources import Object
from sre_copilot.testing.servers.kubernetes.store import now, stamp

BACK_OFF_MOST_S = 300.0  # as a kubelet
WELL_S = 600.0  # after so long a run the pauses begin anew, as a kubelet has it
LINES = 2000  # of a log that are kept
Said = tuple[str, str, str]


@dataclass
class Container:
    """One container of a pod, and its process."""

    spec: Object
    address: str
    command: Sequence[str]
    variables: Mapping[str, str]
    log: Path
    grace_seconds: float
    restarts_always: bool
    back_off_seconds: float
    restarts: int = 0
    ready: bool = False
    lines: list[str] = field(default_factory=list)
    previous: list[str] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None
    _begun: float = 0.0
    _started: str = ""
    _last: Object | None = None
    _next_start: float = 0.0
    _pause: float = 0.0
    _asked: Future[bool] | None = None
    _next_probe: float = 0.0
    _failures: int = 0

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.spec["name"])

    @property
    def pid(self) -> int:
        """Its process; 0 when it is not running."""
        return self._process.pid if self._process and self._process.poll() is None else 0

    def tick(self, probers: Executor) -> Iterator[Said]:
        """Go on by a step; yields what is worth an event."""
        if self._process is not None and self._process.poll() is not None:
            yield from self._ended(self._process.returncode)
        if self._process is None:
            if time.monotonic() >= self._next_start and (self.restarts_always or self._last is None):
                yield from self._start()
            return
        yield from self._probe(probers)

    def _start(self) -> Iterator[Said]:
        if self._last is not None:
            self.restarts += 1
            self.previous, self.lines = self.lines, []
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the purpose of a node; whoever may make pods may run programs
                self.command,
                env=os.environ | dict(self.variables),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self.spec.get("workingDir") or None,
                start_new_session=True,  # so that children end with it
            )
        except (OSError, ValueError) as error:
            yield from self._ended(127, f"{type(error).__name__}: {error}")
            return
        self._begun, self._started = time.monotonic(), stamp(now())
        self._failures, self._next_probe = (
            0,
            time.monotonic() + probe_of(self.spec).get("initialDelaySeconds", 0),
        )
        self.ready = not probe_of(self.spec)
        threading.Thread(target=self._read, args=(self._process, self.lines), daemon=True).start()
        yield "Normal", "Started", f"Started container {self.name}"

    def _read(self, process: subprocess.Popen[bytes], lines: list[str]) -> None:
        """Keep what it says, each line with its time, until it ends."""
        if process.stdout is None:
            return
        with self.log.open("ab", buffering=0) as file, suppress(ValueError):
            for raw in process.stdout:
                file.write(raw)
                moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
                lines.append(f"{moment} {raw.decode('utf-8', 'replace').rstrip()}")
                del lines[:-LINES]

    def _ended(self, code: int, why: str = "") -> Iterator[Said]:
        self._process, self.ready, self._asked = None, False, None
        lived = time.monotonic() - self._begun if self._begun else 0.0
        self._pause = (
            self.back_off_seconds
            if lived > WELL_S or not self._pause
            else min(2 * self._pause, BACK_OFF_MOST_S)
        )
        self._next_start = time.monotonic() + self._pause
        self._last = {
            "exitCode": code if code >= 0 else 128 - code,
            "reason": "Completed" if code == 0 else "Error",
            "startedAt": self._started or stamp(now()),
            "finishedAt": stamp(now()),
        } | ({"message": why} if why else {})
        if self.restarts_always:
            yield "Warning", "BackOff", f"Back-off restarting failed container {self.name}"

    def _probe(self, probers: Executor) -> Iterator[Said]:
        probe = probe_of(self.spec)
        if not probe:
            return
        if self._asked is not None and self._asked.done():
            well, self._asked = self._asked.result(), None
            self._failures = 0 if well else self._failures + 1
            if well:
                self.ready = True
            elif self._failures >= probe.get("failureThreshold", 3):
                self.ready = False
                yield "Warning", "Unhealthy", "Readiness probe failed"
        if self._asked is None and time.monotonic() >= self._next_probe:
            self._next_probe = time.monotonic() + probe.get("periodSeconds", 10)
            self._asked = probers.submit(asker(probe, self.spec, self.address, self.variables))

    def stop(self, grace_seconds: float) -> None:
        """Ask the process to end; kill it and its children when it does not in time."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        self._signal(process, signal.SIGTERM if grace_seconds else signal.SIGKILL)
        try:
            process.wait(grace_seconds or 5)
        except subprocess.TimeoutExpired:
            self._signal(process, signal.SIGKILL)
            process.wait(5)

    def _signal(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    def status(self) -> Object:
        """As the status of its pod says it."""
        if self.pid:
            state: Object = {"running": {"startedAt": self._started}}
        elif self._last is None:
            state = {"waiting": {"reason": "ContainerCreating"}}
        elif self.restarts_always:
            message = f"back-off {self._pause:g}s restarting failed container={self.name}"
            state = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
        else:
            state = {"terminated": self._last}
        shown: Object = {"containerID": f"process://{self.pid}"} if self.pid else {}
        return shown | {
            "name": self.name, "image": self.spec.get("image", ""), "imageID": "", "ready": self.ready, "started": bool(self.pid),
            "restartCount": self.restarts, "state": state, "lastState": {"terminated": self._last} if self._last else {},
        }  # fmt: skip
