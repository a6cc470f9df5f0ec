from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.alerts.matchers import OPERATORS, Matcher, all_match, parse_matchers
from sre_copilot.alerts.routing.tree import Route, RouteConfig, RouteTree


def route(
    matchers: str, receiver: str | None = None, *below: RouteConfig, continues: bool = False
) -> RouteConfig:
    return RouteConfig(
        receiver=receiver, matchers=parse_matchers(matchers), routes=below, continues=continues
    )


def tree(*routes: RouteConfig) -> RouteTree:
    return RouteTree.of(RouteConfig(receiver="all", routes=routes))


def reached(given_: RouteTree, **labels: str) -> list[str]:
    return [each.receiver for each in given_.match(labels)]


def test_an_alert_goes_into_the_first_child_that_it_matches_and_as_deep_as_it_can() -> None:
    teams = tree(route("team=a", "a", route("severity=critical", "a-pager")), route("team=~.+", "others"))
    assert reached(teams, team="a") == ["a"]
    assert reached(teams, team="a", severity="critical") == ["a-pager"]
    assert reached(teams, team="b") == ["others"]
    assert reached(teams) == ["all"]


def test_continue_goes_on_to_the_siblings_only_of_a_child_that_was_matched() -> None:
    copied = tree(
        route("", "log", continues=True), route("team=a", "a"), route("team=b", "b"), route("", "rest")
    )
    assert reached(copied, team="a") == ["log", "a"]
    assert reached(copied, team="c") == ["log", "rest"]


def test_continue_of_a_nested_route_has_no_effect_above_it() -> None:
    nested = tree(route("team=a", "a", route("x=1", "deep", continues=True)), route("team=a", "again"))
    assert reached(nested, team="a", x="1") == ["deep"]


def test_what_is_absent_is_taken_over_from_above_but_not_time_intervals() -> None:
    root = RouteConfig(
        receiver="all",
        group_by=("b", "a"),
        group_wait_s=1.0,
        escalation="main",
        routes=(
            RouteConfig(
                matchers=parse_matchers("team=a"),
                mute_time_intervals=("night",),
                repeat_interval_s=60.0,
                routes=(RouteConfig(matchers=parse_matchers("x=1"), escalation=""),),
            ),
        ),
    )
    (inner,) = RouteTree.of(root).match({"team": "a"})
    assert (
        inner.receiver,
        inner.group_by,
        inner.group_wait_s,
        inner.group_interval_s,
        inner.repeat_interval_s,
    ) == (
        "all",
        ("a", "b"),
        1.0,
        300.0,
        60.0,
    )
    assert (inner.mute_time_intervals, inner.escalation) == (("night",), "main")
    (deep,) = RouteTree.of(root).match({"team": "a", "x": "1"})
    assert (deep.mute_time_intervals, deep.repeat_interval_s, deep.escalation) == ((), 60.0, "")


def test_grouping_is_taken_over_until_a_route_says_otherwise() -> None:
    all_labels = RouteConfig(group_by=("...",), routes=(RouteConfig(routes=(RouteConfig(group_by=()),)),))
    root = RouteTree.of(RouteConfig(receiver="all", group_by=("a",), routes=(all_labels,))).root
    one = root.routes[0]
    assert [
        (each.group_by, each.group_by_all) for each in (root, one, one.routes[0], one.routes[0].routes[0])
    ] == [
        (("a",), False),
        ((), True),
        ((), True),
        ((), False),
    ]


def test_keys_name_the_way_from_the_root_and_ids_the_place_too() -> None:
    twins = tree(route("b=2,a=1", "one"), route("a=1,b=2", "two", route('c=~"x|y"')))
    one, two = twins.root.routes
    assert one.key == two.key == '{}/{a="1",b="2"}'
    assert [one.id, two.id, two.routes[0].id] == [
        '{}/{a="1",b="2"}/0',
        '{}/{a="1",b="2"}/1',
        '{}/{a="1",b="2"}/1/{c=~"x|y"}/0',
    ]
    assert twins.by_id[two.id] is two


def test_a_group_has_the_labels_that_the_alert_has_of_group_by() -> None:
    labels = {"job": 'a"b', "pod": "p", "alertname": "Down"}
    some = Route(key="{}", group_by=("alertname", "job", "zone"))
    assert some.group(labels) == ('{}:{alertname="Down", job="a\\"b"}', {"alertname": "Down", "job": 'a"b'})
    assert Route(group_by_all=True).group(labels) == (
        '{}:{alertname="Down", job="a\\"b", pod="p"}',
        {"alertname": "Down", "job": 'a"b', "pod": "p"},
    )
    assert Route().group(labels) == ("{}:{}", {})


def test_labels_that_were_asked_before_are_answered_at_once() -> None:
    routes = [route(f'team="{each}",service=~"s{each}.*"', str(each)) for each in range(500)]
    large = tree(*routes)
    labels = {"team": "499", "service": "s499", **{f"label{each}": "value" for each in range(10)}}
    begin = time.perf_counter()
    first = large.match(labels)
    cold = time.perf_counter() - begin
    best = float("inf")
    for _ in range(20):
        begin = time.perf_counter()
        assert large.match({**labels, "pod": "another"}) == first
        best = min(best, time.perf_counter() - begin)
    assert best < cold / 10  # a label that no matcher looks at makes no difference


LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "y", "z"]), max_size=3)
MATCHERS = st.lists(
    st.builds(
        Matcher, st.sampled_from("abc"), st.sampled_from(OPERATORS), st.sampled_from(["", "x", "y", "x|z"])
    ),
    max_size=2,
).map(tuple)
LEAVES = st.builds(RouteConfig, matchers=MATCHERS, continues=st.booleans())
NODES = st.recursive(
    LEAVES,
    lambda below: st.builds(
        RouteConfig, matchers=MATCHERS, continues=st.booleans(), routes=st.lists(below, max_size=3).map(tuple)
    ),
    max_leaves=8,
)


@given(st.lists(NODES, max_size=4), st.lists(LABELS, min_size=1, max_size=4))
def test_every_alert_is_handled_and_only_where_all_matchers_on_the_way_hold(
    routes: list[RouteConfig], alerts: list[dict[str, str]]
) -> None:
    found = tree(*routes)
    above = {below.id: each for each in found.root.walk() for below in each.routes}
    for labels in alerts:
        matched = found.match(labels)
        assert matched
        assert len({each.id for each in matched}) == len(matched)
        assert matched == tuple(found.root.matching(labels))  # remembered or not
        for each in matched:
            assert not any(all_match(below.matchers, labels) for below in each.routes)
            here: Route | None = each
            while here is not None:
                assert all_match(here.matchers, labels)
                here = above.get(here.id)
