"""The loop around the engine: alerts gather, a command does not wait, and what sends on is looked at now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sre_copilot.incidents.alerting.engine import Turn
from sre_copilot.incidents.alerting.runner import GATHER_S, Runner
from sre_copilot.telemetry import OwnMetrics


@dataclass
class Inbox:
    arrived: threading.Event = field(default_factory=threading.Event)
    commanded: threading.Event = field(default_factory=threading.Event)


@dataclass
class Engine:
    """Turns that always have something to do."""

    notifications: int = 0
    began: list[float] = field(default_factory=list)

    def turn(self) -> Turn:
        self.began.append(time.monotonic())
        return Turn(1, self.notifications, True, more=True)

    def next_in(self) -> float:
        return 1.0

    def forget_all(self) -> None: ...


class Leader:
    is_leader, token = True, 1

    def start(self) -> None: ...

    def close(self) -> None: ...


def running(engine: Engine, inbox: Inbox, pump: Callable[[], object], seconds: float) -> None:
    runner = Runner(
        engine,  # type: ignore[arg-type]
        inbox,  # type: ignore[arg-type]
        Leader(),  # type: ignore[arg-type]
        [pump],
        own=OwnMetrics(),
        turn_seconds=1.0,
        shared=False,
    )
    runner.start()
    time.sleep(seconds)
    runner.close()


def test_while_alerts_come_a_turn_serves_all_that_gather_for_a_moment() -> None:
    engine, pumped = Engine(), []

    running(engine, Inbox(), lambda: pumped.append(1), 0.5)

    assert 2 <= len(engine.began) <= 0.5 / GATHER_S + 2
    assert 1 <= len(pumped) < len(engine.began), "with nothing new to be told it is not looked each time"


def test_what_is_to_be_told_is_sent_on_after_each_turn() -> None:
    engine, pumped = Engine(notifications=1), []

    running(engine, Inbox(), lambda: pumped.append(1), 0.3)

    assert len(pumped) == len(engine.began)


def test_a_command_does_not_wait_until_alerts_have_gathered() -> None:
    engine, inbox = Engine(), Inbox()
    for after in (0.2, 0.22, 0.24):
        threading.Timer(after, inbox.commanded.set).start()

    running(engine, inbox, lambda: None, 0.4)

    steps = [later - before for before, later in zip(engine.began, engine.began[1:], strict=False)]
    assert min(steps) < GATHER_S * 0.9
