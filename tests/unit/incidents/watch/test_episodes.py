"""An anomaly is told once it is confirmed, stays one while it lasts, and ends when it is over."""

from __future__ import annotations

from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.evidence import Finding
from sre_copilot.incidents.watch.episodes import Episodes, Rules, Seen, Told, key_of

RULES = Rules(threshold=0.7, confirm_ticks=2, clear_ticks=3, max_open=2)


def anomaly(score: float, entity: str = "orders", *, since: float = 0.0, source: str = "prometheus") -> Seen:
    finding = Finding(kind="live.level", entity=entity, modality="metrics", weight=1.0, checks=())
    found = Anomaly(
        finding=finding,
        metric="latency",
        since=since,
        at=since,
        current=2.0,
        expected=1.0,
        score=score,
        severity="warning",
        method="level",
    )
    return Seen(found, source)


def test_one_tick_is_told_to_nobody_and_two_are() -> None:
    episodes = Episodes(RULES)
    assert episodes.tick([anomaly(0.8)], at=10).opened == ()
    (told,) = episodes.tick([anomaly(0.8)], at=20).opened
    assert (told.opened_at, told.anomaly.entity) == (20, "orders")


def test_what_is_almost_sure_is_told_at_once() -> None:
    assert len(Episodes(RULES).tick([anomaly(0.97)], at=10).opened) == 1


def test_below_the_threshold_is_nothing() -> None:
    episodes = Episodes(RULES)
    for at in range(5):
        turn = episodes.tick([anomaly(0.69)], at=at)
        assert (turn.opened, turn.updated) == ((), ())


def test_it_stays_the_same_anomaly_and_ends_after_enough_quiet_ticks() -> None:
    episodes = Episodes(RULES)
    (first,) = episodes.tick([anomaly(0.97, since=8)], at=10).opened
    (again,) = episodes.tick([anomaly(0.99, since=19)], at=20).updated
    assert (again.id, again.anomaly.since, again.peak_score) == (first.id, 8, 0.99)
    assert episodes.tick([], at=30).closed == ()
    assert episodes.tick([anomaly(0.8)], at=40).opened == ()
    for at in (50, 60):
        assert episodes.tick([], at=at).closed == ()
    (over,) = episodes.tick([], at=70).closed
    assert (over.id, over.closed_at) == (first.id, 70)
    assert not episodes.running


def test_what_could_not_be_looked_at_is_not_taken_for_quiet() -> None:
    episodes = Episodes(RULES)
    episodes.tick([anomaly(0.97)], at=10)
    for at in range(20, 100, 10):
        assert episodes.tick([], at=at, unseen=lambda _: True).closed == ()


def test_when_there_are_too_many_the_strongest_are_told_and_the_rest_is_counted() -> None:
    seen = [anomaly(score, entity) for score, entity in ((0.96, "a"), (0.99, "b"), (0.98, "c"))]
    turn = Episodes(RULES).tick(seen, at=10)
    assert {each.anomaly.entity for each in turn.opened} == {"b", "c"}
    assert turn.left_out == 1


def test_what_an_earlier_process_told_goes_on_under_its_name() -> None:
    earlier = Told(id="A-1", opened_at=5.0, since=3.0, peak_score=0.99)
    episodes = Episodes(RULES, told={key_of(anomaly(0.8).anomaly, source="prometheus"): earlier})
    turn = episodes.tick([anomaly(0.8, since=10)], at=10)
    assert turn.opened == ()
    (going_on,) = turn.updated
    assert (going_on.id, going_on.opened_at, going_on.anomaly.since, going_on.peak_score) == (
        "A-1",
        5.0,
        3.0,
        0.99,
    )
    assert not episodes.told


def test_two_sources_with_a_series_of_the_same_name_have_an_anomaly_each() -> None:
    episodes = Episodes(RULES)
    opened = episodes.tick([anomaly(0.97, source="east"), anomaly(0.99, source="west")], at=10).opened
    assert {each.source for each in opened} == {"east", "west"}
    assert len({each.id for each in opened}) == 2
    for at in (20, 30, 40):
        turn = episodes.tick([anomaly(0.97, source="east")], at=at)
    assert [each.source for each in turn.closed] == ["west"]
    assert [each.source for each in episodes.open()] == ["east"]


def test_what_an_earlier_process_told_of_one_source_is_not_gone_on_with_by_another() -> None:
    earlier = Told(id="A-1", opened_at=5.0, since=3.0, peak_score=0.99, source="east")
    seen = anomaly(0.97, source="west")
    episodes = Episodes(RULES, told={key_of(seen.anomaly, source="east"): earlier})
    (opened,) = episodes.tick([seen], at=10).opened
    assert opened.id != "A-1"
    assert list(episodes.told.values()) == [earlier]


def test_a_metric_with_a_threshold_of_its_own_is_told_from_there_on() -> None:
    rules = Rules(threshold=0.7, thresholds={"latency": 0.9}, confirm_ticks=1, clear_ticks=3, max_open=2)
    episodes = Episodes(rules)
    assert episodes.tick([anomaly(0.85)], at=10).opened == ()
    assert len(episodes.tick([anomaly(0.92)], at=20).opened) == 1
    assert rules.least == 0.7
    assert Rules(threshold=0.7, thresholds={"cpu": 0.5}).least == 0.5
