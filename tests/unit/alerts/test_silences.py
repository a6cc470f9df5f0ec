from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.alerts.matchers import all_match, of_api, parse_matchers
from sre_copilot.alerts.problems import InvalidError
from sre_copilot.alerts.silences import Silences, state_of
from sre_copilot.alerts.state import SilenceState

NOW = 1_800_000_000.0
HOUR = 3600.0


def silence(key: str = "", text: str = "job=api", *, begins: float = 0.0, ends: float = HOUR) -> SilenceState:
    return SilenceState(
        id=key,
        matchers=[each.to_api() for each in parse_matchers(text)],
        starts_at=NOW + begins,
        ends_at=NOW + ends,
        created_by="ann",
        comment="upgrade",
    )


def test_an_alert_is_silenced_from_the_start_to_the_end_of_a_silence_that_it_matches() -> None:
    silences = Silences([silence("1", begins=60.0)])
    labels = {"job": "api"}
    moments = (0.0, 59.9, 60.0, HOUR - 1, HOUR)
    assert [silences.silenced_by(labels, NOW + each) for each in moments] == [(), (), ("1",), ("1",), ()]
    assert silences.silenced_by({"job": "web"}, NOW + 60) == ()
    assert [state_of(silence("1", begins=60.0), NOW + each) for each in moments] == [
        "pending",
        "pending",
        "active",
        "active",
        "expired",
    ]


def test_all_that_silence_an_alert_are_named() -> None:
    silences = Silences([silence("2"), silence("1", 'job=~"a.*"'), silence("3", "job!=api")])
    assert silences.silenced_by({"job": "api"}, NOW) == ("1", "2")


def test_the_next_change_is_the_next_start_or_end() -> None:
    silences = Silences([silence("1", begins=60, ends=120), silence("2", ends=90)])
    assert [silences.next_change(NOW + each) for each in (0, 60, 90, 119, 120)] == [
        NOW + 60,
        NOW + 90,
        NOW + 120,
        NOW + 120,
        None,
    ]
    silences.put(silence("3", ends=300))
    assert silences.next_change(NOW + 120) == NOW + 300
    silences.remove("3")
    assert silences.next_change(NOW + 120) is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"matchers": []}, "matchers"),
        ({"matchers": [{"name": "a", "value": "", "isRegex": False}]}, "matchers"),
        ({"matchers": [{"name": "a", "value": ".*", "isRegex": True}]}, "matchers"),
        (
            {"matchers": [{"name": "a", "value": "["}, {"name": "b", "value": "[", "isRegex": True}]},
            "matchers[1]",
        ),
        ({"ends_at": NOW, "starts_at": NOW}, "endsAt"),
        ({"starts_at": NOW - 20, "ends_at": NOW - 10}, "endsAt"),
        ({"starts_at": 0.0, "ends_at": 0.0}, "startsAt, endsAt"),
        ({"id": "unknown"}, "id"),
    ],
)
def test_a_silence_that_cannot_be_is_refused_by_its_field(changed: dict[str, Any], field: str) -> None:
    silences = Silences()
    with pytest.raises(InvalidError) as raised:
        silences.set(replace(silence(), **changed), now=NOW, fresh_id="new")
    assert [each.field for each in raised.value.problems] == [field]
    assert list(silences) == []


def test_a_matcher_that_asks_for_difference_is_enough() -> None:
    (made,) = Silences().set(silence(text="job!=api"), now=NOW, fresh_id="1")
    assert made.id == "1"


def test_a_new_silence_begins_now_at_the_earliest() -> None:
    (made,) = Silences().set(silence(begins=-HOUR), now=NOW, fresh_id="1")
    assert (made.starts_at, made.updated_at, made.revision) == (NOW, NOW, 1)


def test_an_active_silence_is_changed_in_place_where_no_history_is_rewritten() -> None:
    silences = Silences()
    (first,) = silences.set(silence(), now=NOW, fresh_id="1")
    later = replace(first, ends_at=NOW + 2 * HOUR, comment="longer")
    (changed,) = silences.set(later, now=NOW + 60, fresh_id="2")
    assert (changed.id, changed.ends_at, changed.comment, changed.revision) == (
        "1",
        NOW + 2 * HOUR,
        "longer",
        2,
    )


@pytest.mark.parametrize(
    "change",
    [{"matchers": [{"name": "job", "value": "web"}]}, {"starts_at": NOW + 120}],
    ids=["other matchers", "another start"],
)
def test_an_active_silence_that_is_changed_otherwise_expires_and_a_new_one_follows(
    change: dict[str, Any],
) -> None:
    silences = Silences()
    (first,) = silences.set(silence(), now=NOW, fresh_id="1")
    old, new = silences.set(replace(first, **change), now=NOW + 60, fresh_id="2")
    assert (old.id, old.ends_at, state_of(old, NOW + 60)) == ("1", NOW + 60, "expired")
    assert (new.id, new.starts_at) == ("2", max(NOW + 60, change.get("starts_at", 0)))
    assert {each.id for each in silences} == {"1", "2"}


def test_a_pending_silence_may_move_to_another_time_to_come() -> None:
    silences = Silences()
    (first,) = silences.set(silence(begins=600), now=NOW, fresh_id="1")
    (moved,) = silences.set(replace(first, starts_at=NOW + 300), now=NOW + 60, fresh_id="2")
    assert (moved.id, moved.starts_at) == ("1", NOW + 300)
    _, again = silences.set(replace(moved, starts_at=NOW), now=NOW + 90, fresh_id="2")
    assert (again.id, again.starts_at) == ("2", NOW + 90)


def test_a_silence_that_is_over_is_left_and_a_new_one_follows() -> None:
    silences = Silences([silence("1", begins=-2 * HOUR, ends=-HOUR)])
    made = silences.set(silence("1"), now=NOW, fresh_id="2")
    assert [each.id for each in made] == ["2"]
    assert silences.over_since(NOW) == ("1",)


def test_a_silence_is_ended_now_and_only_once() -> None:
    silences = Silences([silence("1"), silence("2", begins=60)])
    (ended,) = silences.expire("1", now=NOW + 10)
    assert (ended.ends_at, silences.silenced_by({"job": "api"}, NOW + 10)) == (NOW + 10, ())
    (never,) = silences.expire("2", now=NOW + 10)
    assert (never.starts_at, never.ends_at) == (NOW + 10, NOW + 10)
    assert silences.expire("1", now=NOW + 20) == ()
    with pytest.raises(InvalidError, match="no silence has the id 3"):
        silences.expire("3", now=NOW)


TEXTS = st.sampled_from(["a=x", "a=x,b=y", "a!=x", 'a=~"x|y"', "b=y", 'a="",b=y'])
SPANS = st.tuples(st.integers(0, 5), st.integers(0, 5))


@given(
    st.lists(st.tuples(TEXTS, SPANS), max_size=6),
    st.dictionaries(st.sampled_from("ab"), st.sampled_from(["x", "y", "z"])),
    st.permutations(range(6)),
)
def test_what_silences_an_alert_does_not_depend_on_the_order_and_is_what_each_says(
    given_: list[tuple[str, tuple[int, int]]], labels: dict[str, str], order: list[int]
) -> None:
    made = [silence(str(n), text, begins=at, ends=at + long) for n, (text, (at, long)) in enumerate(given_)]
    one = Silences(made)
    other = Silences([made[place] for place in order if place < len(made)])
    for moment in range(7):
        now = NOW + moment
        expected = tuple(
            each.id
            for each in made
            if each.starts_at <= now < each.ends_at and all_match(map(of_api, each.matchers), labels)
        )
        assert one.silenced_by(labels, now) == other.silenced_by(labels, now) == expected
        assert one.next_change(now) == other.next_change(now)
