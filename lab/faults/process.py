"""The process of a service is killed again and again, or hangs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lab.faults.fault import Fault, Scene
from lab.layout import SERVICES

KILL_EVERY_S = 3.0  # a restart takes one and a half to two seconds, so it serves less than half of the time


@contextmanager
def _killed(scene: Scene) -> Iterator[None]:
    over = threading.Event()

    def kill() -> None:
        while not over.is_set():
            scene.shop.signal(scene.service, signal.SIGKILL)
            over.wait(KILL_EVERY_S)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _hung(scene: Scene) -> Iterator[None]:
    scene.shop.signal(scene.service, signal.SIGSTOP)
    try:
        yield
    finally:
        scene.shop.signal(scene.service, signal.SIGCONT)


FAULTS = (
    Fault(
        "process-killed", "process/killed", ("notification", *SERVICES[1:]),
        "SIGKILL every three seconds; supervisor starts the process again each time",
        "up is 0 now and then, process_restarts is above 0, callers log ConnectError or ReadError, `ready` in the log again and again",
        _killed,
    ),
    Fault(
        "process-hung", "process/hung", ("payment", *SERVICES[1:]),
        "SIGSTOP: the process is there and its sockets accept, but it does nothing",
        "up is 0, no log lines and spans of its own any more, its callers run into ReadTimeout after two seconds",
        _hung,
    ),
)  # fmt: skip
