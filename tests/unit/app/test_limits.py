"""How much may be asked."""

from __future__ import annotations

import threading

from sre_copilot.app.limits import Limits, Refused
from sre_copilot.clock import TurnedClock
from sre_copilot.settings.asking import Chat

NOW = 1_760_000_040.0


def made(**settings: int) -> tuple[Limits, TurnedClock]:
    clock = TurnedClock(NOW)
    return Limits(Chat(**settings), clock), clock


def refused(found: Refused | None) -> str:
    return found.problem if found else ""


def test_one_token_may_not_keep_all_others_waiting() -> None:
    limits, _ = made(at_once=3, at_once_each=2, per_minute=100)
    assert [limits.admit("a"), limits.admit("a")] == [None, None]
    assert "at_once_each" in refused(limits.admit("a"))
    assert limits.admit("b") is None
    assert "chat.at_once)" in refused(limits.admit("c"))
    limits.release("a")
    assert limits.admit("c") is None
    assert limits.at_work == 3


def test_a_minute_later_one_may_ask_again_and_is_told_when() -> None:
    limits, clock = made(per_minute=2)
    for _ in range(2):
        assert limits.admit("a") is None
        limits.release("a")
    clock.wait(20, threading.Event())
    told = limits.admit("a")
    assert told is not None
    assert told.retry_after_s == 40
    clock.wait(told.retry_after_s, threading.Event())
    assert limits.admit("a") is None


def test_who_has_not_asked_for_a_minute_is_forgotten() -> None:
    limits, clock = made()
    for number in range(50):
        limits.admit(str(number))
        limits.release(str(number))
    clock.wait(61, threading.Event())
    limits.admit("last")
    assert len(limits._begun) == 1
