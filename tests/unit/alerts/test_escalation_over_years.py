"""Years of on-call and thousands of escalations on a turned clock, with crashes, jumps, and people who answer or do not."""

from __future__ import annotations

import json
import random
from datetime import date, time
from itertools import pairwise
from zoneinfo import ZoneInfo

from tests.unit.alerts.oncall.making import rotation, schedule, utc

from sre_copilot.alerts.escalation import (
    Page,
    Policy,
    Step,
    Target,
    acknowledge,
    advance,
    begin,
    next_at,
    resolve,
    resume,
    snooze,
)
from sre_copilot.alerts.oncall.local_time import wall
from sre_copilot.alerts.oncall.rotation import DAY_S

T0 = utc(2026, 1, 1)
POLICY = Policy(
    id="p",
    steps=tuple(
        Step(after_s=after, targets=(Target(kind="person", name=name),))
        for after, name in ((0.0, "a"), (300.0, "b"), (600.0, "c"))
    ),
    rounds=3,
    repeat_after_s=900.0,
)
PLACES = [(turn, step) for turn in (1, 2, 3) for step in (1, 2, 3)]


def life(dice: random.Random, number: int) -> tuple[list[Page], str]:
    """One escalation until it ends: the clock turns each second or two, a process is down now and then, somebody may answer."""
    now = T0 + number * 1000.0
    state, called = begin(POLICY, now, subject=f"I-{number}"), []
    while state["status"] not in ("exhausted", "resolved"):
        chance = dice.random()
        if chance < 0.02:
            state = json.loads(json.dumps(state))
            now += dice.choice((10.0, 600.0, 20_000.0))  # it was down, and another process went on
        elif chance < 0.03:
            state = snooze(state, now, until=now + dice.uniform(60, 7200))
        elif chance < 0.04:
            state = acknowledge(state, now)
        elif chance < 0.05:
            state = resolve(state)
        elif state["status"] == "acknowledged":
            state = resume(state, now) if dice.random() < 0.5 else resolve(state)
        kept = json.loads(json.dumps(state))
        state, pages = advance(POLICY, state, now)
        if (
            dice.random() < 0.1
        ):  # killed before the transaction: nothing of the turn is kept, and it is done again
            state, again = advance(POLICY, kept, now)
            assert [page.key for page in again] == [page.key for page in pages]
            pages = again
        called += pages
        following = next_at(state)
        now = max(now + 1, min(following, now + 400) if following else now + 30) + dice.random()
    return called, state["status"]


def test_over_thousands_of_escalations_steps_stay_in_order_and_no_key_comes_twice() -> None:
    dice = random.Random(5)  # noqa: S311 - a seed for a test
    keys: set[str] = set()
    ends = {"exhausted": 0, "resolved": 0}
    for number in range(1500):
        called, status = life(dice, number)
        ends[status] += 1
        places = [(page.round, page.step) for page in called]
        assert places == PLACES[: len(places)]
        assert status == "resolved" or places == PLACES
        assert keys.isdisjoint(page.key for page in called)
        keys.update(page.key for page in called)
        for one, other in pairwise(called):
            wait = POLICY.steps[other.step - 1].after_s if other.round == one.round else POLICY.repeat_after_s
            assert other.at - one.at >= wait - 1e-3
    assert min(ends.values()) > 100


def test_over_ten_years_each_week_is_one_persons_and_no_second_is_nobodys() -> None:
    for name in ("Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"):
        zone = ZoneInfo(name)
        plan = schedule(
            rotation(order=("a", "b", "c"), zone=zone, hand_over=time(2, 30), start=date(2025, 12, 1))
        )
        start, end = T0, T0 + 3650 * DAY_S
        shifts = plan.shifts(start, end)
        assert plan.gaps(start, end) == ()
        assert sum(each.end - each.start for each in shifts) == end - start
        assert all(one.end == other.start for one, other in pairwise(shifts))
        order = [each.person for each in shifts]
        assert all("abc".index(other) == ("abc".index(one) + 1) % 3 for one, other in pairwise(order))
        assert {wall(each.start, zone).weekday() for each in shifts[1:]} == {0}


def test_over_five_years_who_is_on_call_changes_exactly_at_the_hand_overs_that_are_told() -> None:
    zone = ZoneInfo("America/New_York")
    plan = schedule(rotation(every="daily", order=("a", "b"), zone=zone, hand_over=time(1, 30)))
    at = T0 + 10 * DAY_S
    for number in range(5 * 365):
        following = plan.next_handover(at)
        assert following is not None
        assert 22 * 3600 < following - at < 26 * 3600 or number == 0
        at = following
    assert wall(at, zone).time() == time(1, 30)
