"""Escalation on a clock that is turned, jumps, and stands still."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

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

T0 = 1_760_000_000.0


def policy(*after: float, rounds: int = 1, repeat: float = 900.0) -> Policy:
    steps = tuple(
        Step(after_s=each, targets=(Target(kind="person", name=f"p{number}"),))
        for number, each in enumerate(after, start=1)
    )
    return Policy(id="p", steps=steps, rounds=rounds, repeat_after_s=repeat)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    first = draw(st.sampled_from((0.0, 30.0, 300.0)))
    rest = draw(st.lists(st.floats(1, 3600), max_size=4))
    return policy(first, *rest, rounds=draw(st.integers(1, 3)), repeat=draw(st.floats(1, 3600)))


def stored(state: dict[str, Any]) -> dict[str, Any]:
    """The state as another process reads it."""
    found: dict[str, Any] = json.loads(json.dumps(state))
    return found


def run(plan: Policy, state: dict[str, Any], times: list[float]) -> tuple[dict[str, Any], list[Page]]:
    called: list[Page] = []
    for now in times:
        state, pages = advance(plan, state, now)
        called += pages
    return state, called


def to_the_end(plan: Policy, state: dict[str, Any]) -> list[Page]:
    called: list[Page] = []
    while (moment := next_at(state)) is not None:
        state, pages = advance(plan, state, moment)
        called += pages
    return called


def test_steps_are_called_at_their_times_and_then_no_more() -> None:
    plan = policy(0, 300, 600)
    state, called = run(plan, begin(plan, T0), [T0 + second for second in range(2000)])
    assert [(page.step, page.at - T0) for page in called] == [(1, 0), (2, 300), (3, 900)]
    assert state["status"] == "exhausted"
    assert next_at(state) is None


def test_a_further_round_comes_after_its_pause() -> None:
    plan = policy(60, 300, rounds=2, repeat=900)
    called = to_the_end(plan, begin(plan, T0))
    assert [(page.round, page.step, page.at - T0) for page in called] == [
        (1, 1, 60),
        (1, 2, 360),
        (2, 1, 1260),
        (2, 2, 1560),
    ]


@given(
    plan=policies(),
    turns=st.lists(st.floats(0, 5000) | st.sampled_from((0.0, 1.0, 86_400.0)), min_size=1, max_size=60),
    restarts=st.sets(st.integers(0, 60)),
)
@settings(max_examples=200, deadline=None)
def test_whatever_the_clock_does_every_step_comes_in_order_once_and_restarts_change_nothing(
    plan: Policy, turns: list[float], restarts: set[int]
) -> None:
    now, plain = T0, begin(plan, T0, subject="I-1")
    restarted, called = plain, []
    for number, turn in enumerate(turns):
        now += turn
        plain, pages = advance(plan, plain, now)
        if number in restarts:
            restarted = stored(restarted)
        restarted, again = advance(plan, restarted, now)
        assert again == pages
        called += pages
    called += to_the_end(plan, plain)
    expected = [(turn, step) for turn in range(1, plan.rounds + 1) for step in range(1, len(plan.steps) + 1)]
    assert [(page.round, page.step) for page in called] == expected
    assert len({page.key for page in called}) == len(called)
    assert stored(restarted) == stored(plain)


@given(plan=policies(), turns=st.lists(st.floats(0, 200_000), min_size=1, max_size=40))
@settings(max_examples=150, deadline=None)
def test_two_calls_are_never_nearer_than_the_policy_says_even_after_hours_without_a_process(
    plan: Policy, turns: list[float]
) -> None:
    times = [T0 + sum(turns[: number + 1]) for number in range(len(turns))]
    _, called = run(plan, begin(plan, T0), [time for each in times for time in (each, each)])
    for one, other in pairwise(called):
        wait = plan.steps[other.step - 1].after_s if other.round == one.round else plan.repeat_after_s
        assert other.at - one.at >= wait - 1e-6
    assert all(page.at >= page.due_at for page in called)


def test_after_hours_without_a_process_the_steps_do_not_come_all_at_once() -> None:
    plan = policy(0, 300, 300, 300)
    state, first = run(plan, begin(plan, T0), [T0])
    later = T0 + 4 * 3600
    state, called = run(plan, stored(state), [later + second for second in range(1000)])
    assert [page.step for page in (*first, *called)] == [1, 2, 3, 4]
    assert [page.at - later for page in called] == [0, 300, 600]
    assert [page.late_s for page in called] == [4 * 3600 - 300, 0, 0]


@given(plan=policies(), back=st.floats(1, 1e6), at=st.floats(0, 4000))
@settings(max_examples=150, deadline=None)
def test_a_clock_that_is_set_back_lengthens_no_wait_beyond_its_own(
    plan: Policy, back: float, at: float
) -> None:
    state, _ = run(plan, begin(plan, T0), [T0, T0 + at])
    if state["status"] != "running":
        return
    waits = [step.after_s for step in plan.steps] + [plan.repeat_after_s]
    changed, called = advance(plan, state, T0 + at - back)
    moment = next_at(changed)
    assert not called
    assert moment is not None
    assert moment - (T0 + at - back) <= max(waits) + at + 1e-3


def test_a_clock_that_was_hours_ahead_and_is_put_right_does_not_delay_the_next_step_for_hours() -> None:
    plan = policy(0, 300)
    _, called = run(plan, begin(plan, T0), [T0 + 3 * 3600, T0 + 10, T0 + 309, T0 + 310])
    assert [(page.step, page.at - T0) for page in called] == [(1, 3 * 3600), (2, 310)]


def test_acknowledgement_stops_and_what_was_left_is_waited_when_it_is_taken_back() -> None:
    plan = policy(0, 300)
    state, _ = advance(plan, begin(plan, T0), T0)
    state = acknowledge(state, T0 + 100)
    assert next_at(state) is None
    assert run(plan, state, [T0 + 1e6])[1] == []
    state = resume(stored(state), T0 + 5000)
    assert next_at(state) == T0 + 5200


def test_a_snooze_ends_by_itself_and_what_was_left_of_the_wait_is_waited() -> None:
    plan = policy(0, 300)
    state, _ = advance(plan, begin(plan, T0), T0)
    state = snooze(state, T0 + 100, until=T0 + 3600)
    assert next_at(state) == T0 + 3600
    state, called = run(plan, stored(state), [T0 + 200, T0 + 3599, T0 + 3600, T0 + 3799, T0 + 3800])
    assert [(page.step, page.at - T0) for page in called] == [(2, 3800)]


def test_a_snooze_that_ended_while_no_process_ran_goes_on_at_once() -> None:
    plan = policy(0, 300)
    state, _ = advance(plan, begin(plan, T0), T0)
    state, called = advance(plan, snooze(state, T0 + 100, until=T0 + 1000), T0 + 9000)
    assert [(page.step, page.due_at - T0) for page in called] == [(2, 1200)]


def test_what_was_acknowledged_stays_so_when_it_is_snoozed_and_what_is_snoozed_can_be_acknowledged() -> None:
    plan = policy(0, 300)
    state, _ = advance(plan, begin(plan, T0), T0)
    acknowledged = acknowledge(state, T0 + 100)
    assert snooze(acknowledged, T0 + 200, until=T0 + 1000) == acknowledged
    taken_on = acknowledge(snooze(state, T0 + 100, until=T0 + 1000), T0 + 200)
    assert run(plan, taken_on, [T0 + 1e5])[1] == []


CHANGES: dict[str, Callable[[dict[str, Any], float], dict[str, Any]]] = {
    "acknowledge": acknowledge,
    "resolve": lambda state, now: resolve(state),
    "snooze": lambda state, now: snooze(state, now, until=now + 1800),
    "resume": resume,
}


@given(
    plan=policies(),
    acts=st.lists(st.tuples(st.sampled_from((*CHANGES, "turn", "restart")), st.floats(0, 2000)), max_size=40),
)
@settings(max_examples=250, deadline=None)
def test_nobody_is_called_while_it_is_acknowledged_snoozed_or_over_and_no_key_comes_twice(
    plan: Policy, acts: list[tuple[str, float]]
) -> None:
    now, state, keys = T0, begin(plan, T0), []
    for act, seconds in acts:
        now += seconds
        if act in CHANGES:
            state = CHANGES[act](state, now)
        state, pages = advance(plan, stored(state), now)
        keys += [page.key for page in pages]
        assert not pages or state["status"] in ("running", "exhausted")
        if act in ("acknowledge", "resolve"):
            assert not pages
    assert len(keys) == len(set(keys))
    order = [tuple(map(int, key.split("/")[-2:])) for key in keys]
    assert order == sorted(order)


def test_what_is_over_is_not_resumed_and_a_new_beginning_has_keys_of_its_own() -> None:
    plan = policy(0)
    state, (page,) = advance(plan, begin(plan, T0, subject="I-1"), T0)
    over = resolve(state)
    assert resume(over, T0 + 1) == over
    assert acknowledge(over, T0 + 1) == over
    assert snooze(over, T0 + 1, until=T0 + 2) == over
    _, (again,) = advance(plan, begin(plan, T0, subject="I-1", before=over), T0)
    assert again.key != page.key
    _, (other,) = advance(plan, begin(plan, T0, subject="I-2"), T0)
    assert other.key != page.key


def test_computing_a_page_again_gives_the_same_key() -> None:
    plan = policy(0, 300)
    state = begin(plan, T0, subject="I-1")
    first = advance(plan, state, T0 + 5)[1]
    second = advance(plan, stored(state), T0 + 77)[1]
    assert [page.key for page in first] == [page.key for page in second]


def test_a_policy_that_lost_steps_meanwhile_goes_on_with_those_it_has() -> None:
    long, short = policy(0, 300, 300, rounds=2, repeat=600), policy(0, rounds=2, repeat=600)
    state, _ = run(long, begin(long, T0), [T0])
    assert [(page.round, page.step) for page in to_the_end(short, state)] == [(2, 1)]


def test_no_function_changes_the_state_that_it_is_given() -> None:
    plan = policy(0, 300)
    state = begin(plan, T0)
    before = stored(state)
    advance(plan, state, T0 + 10)
    for change in CHANGES.values():
        change(state, T0 + 10)
    assert state == before


def test_where_nothing_is_under_way_nothing_begins() -> None:
    assert advance(policy(0), {}, T0) == ({}, ())
    assert [change({}, T0) for change in CHANGES.values()] == [{}, {}, {}, {}]
    assert next_at({}) is None
