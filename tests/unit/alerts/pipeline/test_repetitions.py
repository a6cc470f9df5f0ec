"""What is only told again is kept with less than what begins, and a silence is looked for where it counts."""

from __future__ import annotations

from sre_copilot.testing.alerting import Rehearsing, alert


def _matcher(value: str) -> list[dict[str, object]]:
    return [{"name": "service", "value": value, "isRegex": False, "isEqual": True}]


def test_an_alert_that_begins_is_written_whole_and_one_told_again_is_only_renewed() -> None:
    here = Rehearsing()
    here.fire("Slow", service="shop")
    here.now += 10
    here.fire("Slow", service="shop")
    first, second = here.all[-2:]
    (key,) = first.alerts
    assert not first.repeated
    assert not second.alerts
    assert second.repeated[key].received == 2
    assert second.repeated[key].updated_at == here.now


def test_an_alert_that_begins_and_is_told_again_in_one_turn_is_written_whole_once() -> None:
    here = Rehearsing()
    here.take(alert("Slow", at=here.now), alert("Slow", at=here.now))
    assert len(here.all[-1].alerts) == 1
    assert not here.all[-1].repeated


def test_a_repetition_that_ends_in_the_same_turn_is_written_whole_with_one_more_revision() -> None:
    here = Rehearsing()
    here.fire("Slow")
    (state,) = here.alerts
    before = state.revision
    here.take(alert("Slow", at=here.now), alert("Slow", at=here.now, status="resolved"))
    assert list(here.all[-1].alerts) == [state.fingerprint]
    assert not here.all[-1].repeated
    assert state.revision == before + 1


def test_a_repetition_that_began_earlier_is_written_whole_for_lists_are_ordered_by_that() -> None:
    here = Rehearsing()
    here.fire("Slow")
    here.take(alert("Slow", at=here.now, starts_at=here.now - 60))
    assert len(here.all[-1].alerts) == 1
    assert not here.all[-1].repeated


def test_a_silence_mutes_the_alerts_that_match_and_leaves_the_others_alone() -> None:
    here = Rehearsing()
    here.fire("Slow", service="shop")
    here.fire("Slow", service="cart")
    span = {"starts_at": here.now, "ends_at": here.now + 600, "comment": "work"}
    key = here.do("silence.put", matchers=_matcher("shop"), **span)["id"]
    assert {each.labels["service"]: each.silenced_by for each in here.alerts} == {"shop": [key], "cart": []}
    here.now += 5
    here.do("silence.expire", id=key)
    assert [each.silenced_by for each in here.alerts] == [[], []]


def test_a_silence_that_began_meanwhile_is_seen_although_another_is_put_at_that_moment() -> None:
    here = Rehearsing()
    here.fire("Slow", service="shop")
    later = {"starts_at": here.now + 60, "ends_at": here.now + 600, "comment": "work"}
    key = here.do("silence.put", matchers=_matcher("shop"), **later)["id"]
    here.now += 90  # nothing turned since
    here.do("silence.put", matchers=_matcher("cart"), starts_at=here.now, ends_at=here.now + 60, comment="x")
    (state,) = here.alerts
    assert state.silenced_by == [key]
