import itertools

from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.domain.topology import Topology

NAMES = st.sampled_from("abcdef")
EDGES = st.lists(st.tuples(NAMES, NAMES), max_size=20)

SHOP = Topology.of([("web", "cart"), ("cart", "store"), ("web", "search"), ("cart", "web")])


def test_downstream_follows_calls_and_survives_a_cycle() -> None:
    assert SHOP.downstream("web") == {"web": 0, "cart": 1, "search": 1, "store": 2}


def test_upstream_is_the_blast_radius() -> None:
    assert SHOP.upstream("store") == {"store": 0, "cart": 1, "web": 2}
    assert SHOP.upstream("search") == {"search": 0, "web": 1, "cart": 2}


def test_a_path_is_a_shortest_chain_of_calls() -> None:
    assert SHOP.path("web", "store") == ("web", "cart", "store")
    assert SHOP.path("store", "web") == ()
    assert SHOP.path("web", "web") == ("web",)


def test_self_calls_and_repeated_edges_are_dropped() -> None:
    assert Topology.of([("a", "a"), ("a", "b"), ("a", "b")]).edges == (("a", "b"),)


@given(EDGES)
def test_the_order_of_edges_does_not_matter(edges: list[tuple[str, str]]) -> None:
    assert Topology.of(edges) == Topology.of(reversed(edges))


@given(EDGES, NAMES, NAMES)
def test_a_path_exists_exactly_when_the_target_is_downstream(
    edges: list[tuple[str, str]], source: str, target: str
) -> None:
    topology = Topology.of(edges)
    path = topology.path(source, target)
    distances = topology.downstream(source)
    assert bool(path) == (target in distances)
    if path:
        assert len(path) - 1 == distances[target]
        assert all(step in topology.edges for step in itertools.pairwise(path))
