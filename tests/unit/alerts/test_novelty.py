"""How new an alert is, and what is remembered of it."""

from __future__ import annotations

import json

from sre_copilot.alerts.habits import Habits
from sre_copilot.alerts.novelty import Learned
from sre_copilot.settings.alerting.correlation import Correlation

DAY = 86_400.0


def learned(**more: float) -> Learned:
    return Learned(Correlation(**{"learning_hours": 0, **more}))


def test_a_kind_is_newest_at_first_then_at_a_new_place_then_again() -> None:
    room = learned()
    first = room.see("Down", "a", {}, (), 0)
    elsewhere = room.see("Down", "b", {}, (), 3600)
    again = room.see("Down", "b", {}, (), 7200)
    assert first.value == 1
    assert first.value > elsewhere.value > again.value
    assert (elsewhere.pair, again.known > 0.9) == (1, True)


def test_what_comes_again_at_once_is_as_new_as_it_was() -> None:
    room = learned()
    first = room.see("Down", "a", {}, (), 0)
    for second in range(1, 50):
        last = room.see("Down", "a", {}, (), float(second))
    assert last.value == first.value


def test_a_habit_that_stopped_is_news_again_after_some_days() -> None:
    room = learned()
    for hour in range(48):
        usual = room.see("Down", "a", {}, (), hour * 3600.0)
    later = room.see("Down", "a", {}, (), 8 * DAY)
    assert usual.value < 0.05
    assert later.value > 0.5


def test_a_value_or_word_that_is_new_adds_a_little() -> None:
    room = learned()
    for hour in range(5):
        room.see("Down", "a", {"zone": "one"}, ("down",), hour * 3600.0)
    usual = room.see("Down", "a", {"zone": "one"}, ("down",), 5 * 3600.0)
    fresh = room.see("Down", "a", {"zone": "two"}, ("fire",), 6 * 3600.0)
    assert fresh.value > usual.value
    assert (fresh.label_name, fresh.label) == ("zone", 1)


def test_everything_is_new_in_the_first_day_and_that_is_said() -> None:
    room = Learned(Correlation())
    found = [room.see(f"K{each}", "a", {}, (), each * 60.0) for each in range(40)]
    assert not found[0].learning
    assert found[-1].learning
    assert not room.see("Late", "a", {}, (), DAY + 1).learning


def test_memory_is_bounded_and_the_usual_is_kept() -> None:
    habits = Habits(half_life_s=DAY, spell_s=60, most=1000)
    for minute in range(100):
        habits.see("usual", minute * 61.0)
    for number in range(5000):
        habits.see(f"once-{number}", 100 * 61.0 + number / 100)
    assert len(habits) <= 1000
    assert "usual" in habits


def test_what_was_learned_is_plain_json_and_reads_back() -> None:
    room = learned()
    for hour in range(30):
        room.see("登录", "邮件", {"zone": "一"}, ("登录",), hour * 3600.0)
    again = learned()
    again.load(json.loads(json.dumps(room.memory())))
    now = 30 * 3600.0
    assert (
        abs(again.see("登录", "邮件", {}, (), now).value - room.see("登录", "邮件", {}, (), now).value) < 1e-3
    )
