"""The dead-man check."""

from __future__ import annotations

from sre_copilot.alerts.deadman import Deadman
from sre_copilot.incidents.report.words import has, say

T0 = 1_760_000_000.0


def test_it_is_overdue_when_the_clock_has_not_turned_for_half_a_minute() -> None:
    watch = Deadman(turned_at=T0)
    assert not watch.overdue(T0 + 30)
    assert watch.overdue(T0 + 31)
    assert not watch.turned(T0 + 31).overdue(T0 + 60)


def test_a_turn_that_lies_ahead_is_overdue_too() -> None:
    assert Deadman(turned_at=T0).overdue(T0 - 3600)
    assert not Deadman(turned_at=T0).turned(T0 - 3600).overdue(T0 - 3600)


def test_the_outside_watch_is_called_once_a_minute_while_the_clock_turns() -> None:
    watch, calls = Deadman(turned_at=T0), []
    for second in range(300):
        now = T0 + second
        watch = watch.turned(now) if not 100 <= second < 200 else watch
        if watch.beat_due(now):
            calls.append(second)
            watch = watch.beaten(now)
    assert calls == [0, 60, 120, 200, 260]


def test_the_alarm_says_since_when_in_both_languages() -> None:
    watch = Deadman(turned_at=T0)
    assert watch.alarm(T0 + 1) is None
    message = watch.alarm(T0 + 95)
    assert message is not None
    assert has(message.key)
    assert "95 s" in say(message, "en")
    assert "95" in say(message, "zh")
