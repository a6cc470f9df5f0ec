from __future__ import annotations

from typing import Any

from sre_copilot.domain.cmdb import CALLS, CONTAINS, ROUTES_TO, RUNS_ON, merge
from sre_copilot.domain.cmdb_queries import hosts_of, owner_of
from sre_copilot.perception.estate.kubernetes_links import from_kubernetes
from sre_copilot.perception.spans.calls import from_traces
from sre_copilot.perception.spans.table import Span, span_table

BASE = 1_700_000_000_000_000_000


def span(
    span_id: str, parent_id: str, service: str, *, peer: str = "", peer_kind: str = "", at: int = 0
) -> Span:
    return Span(
        "t", span_id, parent_id, service, "", "work", BASE + at * 10**9, 1000, "client", "", peer, peer_kind
    )


def thing(kind: str, name: str, *, owner: tuple[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    owners = [{"kind": owner[0], "name": owner[1], "controller": True}] if owner else []
    about = {"name": name, "namespace": "shop", "ownerReferences": owners}
    return {"kind": kind, "metadata": about, "spec": spec}


def workload(
    name: str, *, env: dict[str, str] | None = None, labels: dict[str, str] | None = None
) -> dict[str, Any]:
    variables = [{"name": key, "value": value} for key, value in (env or {}).items()]
    template = {
        "metadata": {"labels": labels or {"app": name}},
        "spec": {"containers": [{"name": "main", "env": variables}]},
    }
    return thing("Deployment", name, template=template)


CLUSTER = [
    workload(
        "cart",
        env={"DB": "postgres://user:word@orders-db:5432/x", "MODE": "web", "PAY": "http://pay.bank.svc:80"},
    ),
    workload("web", env={"CART_ADDR": "cart:8080"}),
    thing("ReplicaSet", "cart-5f", owner=("Deployment", "cart")),
    thing("Pod", "cart-5f-x", owner=("ReplicaSet", "cart-5f"), nodeName="node-a"),
    thing("Service", "cart", selector={"app": "cart"}),
    thing("Service", "shop-front", selector={"app": "web"}),
    thing("Service", "orders-db"),
    {"kind": "Service", "metadata": {"name": "pay", "namespace": "bank"}, "spec": {}},
    {
        "kind": "Node",
        "metadata": {"name": "node-a", "labels": {"team": "platform"}},
        "status": {"capacity": {"cpu": "8", "memory": "32Gi"}, "nodeInfo": {"osImage": "Linux"}},
    },
    {
        "kind": "Ingress",
        "metadata": {"name": "public", "namespace": "shop"},
        "spec": {"rules": [{"http": {"paths": [{"backend": {"service": {"name": "shop-front"}}}]}}]},
    },
]


def edges(kind: str) -> set[tuple[str, str]]:
    return {(each.caller, each.callee) for each in from_kubernetes(CLUSTER).relations if each.kind == kind}


def test_a_child_of_another_service_is_a_call_seen_at_its_latest() -> None:
    found = from_traces(
        span_table([span("1", "", "web"), span("2", "1", "cart", at=3), span("3", "2", "cart")]), source="x"
    )
    (call,) = found.relations
    assert (call.caller, call.callee, call.seen_at, call.sources) == ("web", "cart", BASE / 1e9 + 3, ("x",))


def test_a_database_that_records_nothing_is_known_by_its_clients() -> None:
    spans = [span("1", "", "web", peer="orders", peer_kind="database")]
    found = from_traces(span_table(spans), source="x")
    assert found.topology().edges == (("web", "orders"),)
    assert found.by_name["orders"].kind == "database"


def test_a_named_peer_that_recorded_its_side_is_not_counted_twice() -> None:
    spans = [span("1", "", "web", peer="cart.shop", peer_kind="service"), span("2", "1", "cart")]
    assert from_traces(span_table(spans), source="x").topology().edges == (("web", "cart"),)


def test_no_spans_are_an_empty_inventory() -> None:
    assert from_traces(span_table([]), source="x").entities == ()


def test_pods_hang_from_the_upper_end_of_their_owners_and_run_on_nodes() -> None:
    assert edges(CONTAINS) == {("cart", "cart-5f-x")}
    assert edges(RUNS_ON) == {("cart-5f-x", "node-a")}


def test_services_and_ingresses_lead_to_what_they_select() -> None:
    assert edges(ROUTES_TO) == {("shop-front", "web"), ("ingress/public", "shop-front")}


def test_addresses_in_the_environment_are_calls_and_mere_words_are_not() -> None:
    assert edges(CALLS) == {("cart", "orders-db"), ("cart", "pay"), ("web", "cart")}


def test_the_machine_tells_its_hardware_and_software_and_its_owner() -> None:
    found = from_kubernetes(CLUSTER)
    assert found.by_name["node-a"].attributes["memory"] == "32Gi"
    assert owner_of(found, "node-a").owner == "platform"  # type: ignore[union-attr]
    assert hosts_of(found, "cart") == hosts_of(found, "cart-5f-x") == ("node-a",)


def test_a_name_in_two_namespaces_is_written_with_its_namespace() -> None:
    here, there = workload("api"), workload("api")
    there["metadata"]["namespace"] = "bank"
    assert [each.name for each in from_kubernetes([here, there]).entities] == ["api.bank", "api.shop"]


def test_the_order_of_objects_does_not_matter() -> None:
    assert from_kubernetes(reversed(CLUSTER)) == from_kubernetes(CLUSTER)


def test_traces_and_cluster_together_say_what_runs_where() -> None:
    calls = from_traces(span_table([span("1", "", "web"), span("2", "1", "cart")]), source="jaeger")
    both = merge([calls, from_kubernetes(CLUSTER)])
    assert hosts_of(both, "cart") == ("node-a",)
    assert next(e.sources for e in both.relations if (e.caller, e.callee) == ("web", "cart")) == (
        "jaeger",
        "kubernetes",
    )
