"""Layers, overrides, gaps and hand-overs."""

from __future__ import annotations

from datetime import date, time
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.alerts.oncall.making import local, override, rotation, schedule, utc
from tests.unit.alerts.oncall.test_rotation import YEAR, rotations

from sre_copilot.alerts.oncall.people import OnCall, Override
from sre_copilot.alerts.oncall.rotation import DAY_S, Restriction, Rotation
from sre_copilot.alerts.oncall.schedule import Schedule

NIGHT = Restriction(days=(0, 1, 2, 3, 4, 5, 6), start_s=18 * 3600, end_s=8 * 3600)
START, END = utc(2026, 3, 20), utc(2026, 4, 10)
spans = st.tuples(st.floats(START, END), st.floats(3600, 5 * DAY_S))
persons = st.sampled_from(("a", "b", "c", "d", "x"))


@st.composite
def overrides(draw: st.DrawFn) -> Override:
    begin, length = draw(spans)
    made_at = draw(st.floats(0, 1000))
    return override(
        draw(persons),
        begin,
        begin + length,
        id=f"O-{made_at}-{begin}",
        created_at=made_at,
        replaces=draw(st.sampled_from(("", "a", "b"))),
    )


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    layers = []
    for number in range(draw(st.integers(1, 3))):
        made: Rotation = draw(rotations())
        restrictions = draw(st.sampled_from(((), (NIGHT,))))
        changed = rotation(
            name=f"layer {number}",
            every=made.every,
            order=made.order,
            start=made.start,
            zone=made.zone,
            length=made.length,
            hand_over=made.hand_over,
            weekday=made.weekday,
            restrictions=restrictions,
            priority=draw(st.integers(0, 1)),
        )
        layers.append(changed)
    return schedule(*layers, overrides=tuple(draw(st.lists(overrides(), max_size=4))))


def configured(plan: Schedule, at: float) -> set[str]:
    """Who must be on call at an instant, from the layers alone: the highest priority that has somebody, then overrides as they were made."""
    having = {
        layer.priority: {
            turn.person
            for other in plan.layers
            if other.priority == layer.priority
            for turn in other.turns(at - 1, at + 1)
            if turn.start <= at < turn.end
        }
        for layer in plan.layers
    }
    present = next((having[each] for each in sorted(having, reverse=True) if having[each]), set())
    for each in sorted(plan.overrides, key=lambda made: (made.created_at, made.id)):
        if each.start <= at < each.end:
            if not each.replaces:
                present = {each.person}
            elif each.replaces in present:
                present = (present - {each.replaces}) | {each.person}
    return present


@given(plan=schedules(), at=st.floats(START, END))
@settings(max_examples=150, deadline=None)
def test_at_any_instant_exactly_the_configured_persons_are_on_call(plan: Schedule, at: float) -> None:
    assert {each.person for each in plan.on_call(at)} == configured(plan, at)


@given(
    plan=schedules(),
    start=st.floats(START, END),
    days=st.floats(0.01, 9),
    ats=st.lists(st.floats(0, 1), max_size=6),
)
@settings(max_examples=80, deadline=None)
def test_shifts_and_gaps_say_the_same_as_asking_for_each_instant(
    plan: Schedule, start: float, days: float, ats: list[float]
) -> None:
    end = start + days * DAY_S
    shifts, gaps = plan.shifts(start, end), plan.gaps(start, end)
    for share in ats:
        at = min(start + share * (end - start), end - 1e-3)
        present = {each.person for each in shifts if each.start <= at < each.end}
        assert present == {each.person for each in plan.on_call(at)}
        assert (not present) == any(low <= at < high for low, high in gaps)
    assert all(start <= each.start < each.end <= end for each in shifts)


@given(made=rotations(), start=st.floats(*YEAR), days=st.floats(0.01, 30))
@settings(max_examples=60, deadline=None)
def test_a_complete_rotation_leaves_no_gap(made: Rotation, start: float, days: float) -> None:
    plan = schedule(made)
    assert plan.gaps(start, start + days * DAY_S) == ()
    assert sum(each.end - each.start for each in plan.shifts(start, start + days * DAY_S)) > 0


@given(plan=schedules(), at=st.floats(START, END))
@settings(max_examples=60, deadline=None)
def test_until_the_next_hand_over_the_same_persons_are_on_call_and_then_others(
    plan: Schedule, at: float
) -> None:
    following = plan.next_handover(at)
    if following is None:
        return
    now = {each.person for each in plan.on_call(at)}
    assert {each.person for each in plan.on_call((at + following) / 2)} == now
    assert {each.person for each in plan.on_call(following - 1e-3)} == now or following - at < 2e-3
    assert {each.person for each in plan.on_call(following)} != now


def test_one_person_alone_never_hands_over() -> None:
    assert schedule(rotation(order=("ann",))).next_handover(utc(2026, 6, 1)) is None


def test_turns_after_ones_own_are_shifts_of_their_own() -> None:
    shifts = schedule(rotation(order=("ann",))).shifts(local(2026, 2, 2, 9), local(2026, 2, 16, 9))
    assert [(each.start, each.end) for each in shifts] == [
        (local(2026, 2, 2, 9), local(2026, 2, 9, 9)),
        (local(2026, 2, 9, 9), local(2026, 2, 16, 9)),
    ]


def test_who_is_on_call_is_told_with_the_whole_shift() -> None:
    assert schedule().on_call(local(2026, 1, 14)) == (
        OnCall(
            person="bob", start=local(2026, 1, 12, 9), end=local(2026, 1, 19, 9), schedule="s", layer="main"
        ),
    )


def test_before_the_start_nobody_is_on_call_and_that_is_a_gap_until_the_first_turn() -> None:
    plan, at = schedule(), local(2026, 1, 1)
    assert plan.on_call(at) == ()
    assert plan.gaps(at, at + 10 * DAY_S) == ((at, local(2026, 1, 5, 9)),)
    assert plan.next_handover(at) == local(2026, 1, 5, 9)


def test_gaps_of_restricted_times_are_said_and_a_lower_layer_fills_them() -> None:
    nights = rotation(every="daily", restrictions=(NIGHT,), priority=1, order=("carl",), hand_over=time(12))
    alone = schedule(nights)
    assert (local(2026, 2, 3, 8), local(2026, 2, 3, 18)) in alone.gaps(local(2026, 2, 2), local(2026, 2, 5))
    both = schedule(nights, rotation())
    assert both.gaps(local(2026, 2, 2), local(2026, 2, 5)) == ()
    assert [each.person for each in both.on_call(local(2026, 2, 3, 12))] == ["ann"]
    assert [each.person for each in both.on_call(local(2026, 2, 3, 20))] == ["carl"]


def test_layers_of_one_priority_are_on_call_together_and_each_person_once() -> None:
    plan = schedule(rotation(), rotation(name="second", order=("ann", "carl")))
    assert {each.person for each in plan.on_call(local(2026, 1, 6))} == {"ann"}
    assert len(plan.on_call(local(2026, 1, 6))) == 1
    assert {each.person for each in plan.on_call(local(2026, 1, 13))} == {"bob", "carl"}


def test_an_override_takes_everybodys_place_for_its_time_alone() -> None:
    low, high = local(2026, 1, 14), local(2026, 1, 15)
    plan = schedule(overrides=(override("carl", low, high),))
    shifts = plan.shifts(local(2026, 1, 12, 9), local(2026, 1, 19, 9))
    assert [(each.person, each.start, each.end) for each in shifts] == [
        ("bob", local(2026, 1, 12, 9), low),
        ("carl", low, high),
        ("bob", high, local(2026, 1, 19, 9)),
    ]
    assert shifts[1].override


def test_an_override_in_the_place_of_one_person_counts_only_while_that_one_is_on_call() -> None:
    plan = schedule(overrides=(override("carl", local(2026, 1, 8), local(2026, 1, 15), replaces="bob"),))
    shifts = plan.shifts(local(2026, 1, 8), local(2026, 1, 16))
    assert [(each.person, each.start) for each in shifts] == [
        ("ann", local(2026, 1, 8)),
        ("carl", local(2026, 1, 12, 9)),
        ("bob", local(2026, 1, 15)),
    ]
    assert shifts[1].instead_of == "bob"


def test_of_two_overrides_the_one_made_later_goes_before() -> None:
    low, high = local(2026, 1, 14), local(2026, 1, 15)
    earlier = override("carl", low, high, created_at=1.0)
    later = override("zhang", low, high, created_at=2.0)
    for order in ((earlier, later), (later, earlier)):
        assert [each.person for each in schedule(overrides=order).on_call(low)] == ["zhang"]


def test_an_override_fills_a_gap_and_overrides_of_other_schedules_change_nothing() -> None:
    at = local(2026, 1, 1)
    filled = schedule(overrides=(override("carl", at, at + 60),))
    assert [each.person for each in filled.on_call(at)] == ["carl"]
    assert schedule(overrides=(override("carl", at, at + 60, schedule="t"),)).on_call(at) == ()


def test_a_half_hour_change_of_the_clocks_leaves_no_gap_in_the_night() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    plan = schedule(rotation(every="daily", zone=zone, hand_over=time(2), start=date(2026, 1, 1)))
    for day in ((2026, 4, 4), (2026, 10, 3)):
        assert plan.gaps(utc(*day), utc(*day) + 3 * DAY_S) == ()
