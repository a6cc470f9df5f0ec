from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.domain.cmdb import (
    CONTAINS,
    ROUTES_TO,
    RUNS_ON,
    Entity,
    Inventory,
    Relation,
    inventory_of,
    merge,
)
from sre_copilot.domain.cmdb_queries import (
    dependencies,
    dependents,
    find,
    having,
    hosts_of,
    not_seen_since,
    owner_of,
    relations_of,
    running_on,
)

FILE = inventory_of(
    [
        Entity(
            name="cart", kind="service", attributes={"owner": "shop team", "tier": "1"}, sources=("file",)
        ),
        Entity(name="orders-db", kind="database", aliases=("Orders DB",), sources=("file",)),
    ],
    [Relation(caller="web", callee="cart", sources=("file",))],
)
TRACES = inventory_of(
    [Entity(name="cart", kind="service", attributes={"owner": "nobody"}, sources=("traces",), seen_at=50.0)],
    [
        Relation(caller="web", callee="cart", sources=("traces",), seen_at=50.0),
        Relation(caller="cart", callee="Orders DB", sources=("traces",), seen_at=40.0),
    ],
)
CLUSTER = inventory_of(
    [Entity(name="cart-1", kind="pod"), Entity(name="node-a", kind="host")],
    [
        Relation(caller="cart", callee="cart-1", kind=CONTAINS, sources=("kubernetes",)),
        Relation(caller="cart-1", callee="node-a", kind=RUNS_ON, sources=("kubernetes",)),
        Relation(caller="entry", callee="web", kind=ROUTES_TO, sources=("kubernetes",)),
    ],
)
ALL = merge([FILE, TRACES, CLUSTER])


def test_a_relation_that_two_systems_know_is_one_with_both_names_and_the_latest_time() -> None:
    found = next(each for each in ALL.relations if each.callee == "cart")
    assert found.sources == ("file", "traces")
    assert found.seen_at == 50.0


def test_an_alias_and_a_name_are_one_entity() -> None:
    assert ("cart", "orders-db") in ALL.topology().edges
    assert "Orders DB" not in {entity.name for entity in ALL.entities}


def test_where_systems_differ_the_first_counts_and_the_conflict_is_told() -> None:
    assert ALL.by_name["cart"].attributes["owner"] == "shop team"
    conflict = ALL.conflicts[0]
    assert (conflict.entity, conflict.attribute) == ("cart", "owner")
    assert (conflict.kept_from, conflict.other, conflict.other_from) == ("file", "nobody", "traces")


def test_what_only_a_relation_names_is_an_entity_with_its_source() -> None:
    assert ALL.by_name["web"].sources == ("file", "kubernetes", "traces")


def test_only_calls_are_topology_unless_other_kinds_are_asked_for() -> None:
    assert ("cart-1", "node-a") not in ALL.topology().edges
    assert ALL.topology(RUNS_ON).edges == (("cart-1", "node-a"),)


def test_who_owns_a_pod_is_who_owns_what_contains_it() -> None:
    found = owner_of(ALL, "cart-1")
    assert found is not None
    assert (found.owner, found.entity, found.attribute) == ("shop team", "cart", "owner")


def test_an_owner_that_nobody_named_is_not_known() -> None:
    assert owner_of(ALL, "node-a") is None
    assert owner_of(ALL, "orders-db") is None
    assert owner_of(ALL, "never heard of") is None


def test_a_machine_that_fails_reaches_all_that_runs_on_it_and_their_callers() -> None:
    assert dependents(ALL, "node-a") == {"cart-1": 1, "cart": 2, "web": 3, "entry": 4}
    assert running_on(ALL, "node-a") == ("cart", "cart-1")


def test_a_service_runs_where_its_pods_run() -> None:
    assert hosts_of(ALL, "cart") == ("node-a",)
    assert hosts_of(ALL, "web") == ()


def test_dependencies_are_followed_through_all_kinds_of_relation() -> None:
    assert dependencies(ALL, "cart") == {"cart-1": 1, "orders-db": 1, "node-a": 2}
    assert dependencies(ALL, "unknown") == {}


def test_names_are_found_in_letters_of_another_size_when_that_is_unambiguous() -> None:
    two = inventory_of([Entity(name="Pay"), Entity(name="PAY"), Entity(name="Cart")], [])
    assert find(two, "cart") == two.by_name["Cart"]
    assert find(two, "pay") is None


def test_relations_that_were_not_seen_for_long_are_found_and_undated_ones_are_not() -> None:
    assert [each.callee for each in not_seen_since(ALL, 45.0)] == ["orders-db"]


def test_entities_are_found_by_what_they_are() -> None:
    assert [each.name for each in having(ALL, kind="service", tier="1")] == ["cart"]
    assert {each.kind for each in relations_of(ALL, "cart")} == {"calls", CONTAINS}


NAMES = st.sampled_from("abcdef")
INVENTORIES = st.builds(
    inventory_of,
    st.lists(st.builds(Entity, name=NAMES, kind=st.sampled_from(["", "service", "host"]))),
    st.lists(st.builds(Relation, caller=NAMES, callee=NAMES, seen_at=st.none() | st.floats(0, 9))),
)


@settings(deadline=None, max_examples=50)
@given(st.lists(INVENTORIES, max_size=4), st.randoms())
def test_what_is_known_does_not_depend_on_the_order_of_merging(
    parts: list[Inventory], chance: object
) -> None:
    turned = list(reversed(parts))
    here, there = merge(parts), merge(turned)
    assert here.relations == there.relations
    assert [each.name for each in here.entities] == [each.name for each in there.entities]


@settings(deadline=None, max_examples=50)
@given(INVENTORIES)
def test_merging_with_itself_adds_nothing(one: Inventory) -> None:
    assert merge([one, one]) == merge([one])


@settings(deadline=None, max_examples=50)
@given(INVENTORIES)
def test_circles_end(one: Inventory) -> None:
    for entity in one.entities:
        assert entity.name not in dependents(one, entity.name)
