from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sre_copilot.domain.cmdb_queries import dependents, hosts_of, owner_of
from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceRefused
from sre_copilot.perception.servicenow import ServiceNowSettings, ServiceNowSource
from sre_copilot.perception.source import Reading
from sre_copilot.testing.servers.servicenow import ServiceNowServer, servicenow


@pytest.fixture
def server() -> Iterator[ServiceNowServer]:
    with servicenow(login=("watcher", "word")) as running:
        fill(running)
        yield running


def item(number: int, name: str, kind: str, **facts: Any) -> dict[str, Any]:
    return {"sys_id": f"id{number}", "name": name, "sys_class_name": kind, "operational_status": "1", **facts}


def relation(number: int, parent: int, kind: str, child: int) -> dict[str, Any]:
    def end(of: int) -> dict[str, str]:
        return {"value": f"id{of}", "display_value": f"shown {of}"}

    return {
        "sys_id": f"r{number}",
        "parent": end(parent),
        "child": end(child),
        "type": {"value": "t", "display_value": kind},
    }


def fill(server: ServiceNowServer) -> None:
    server.tables["cmdb_ci"] = [
        item(1, "Cart", "cmdb_ci_service", owned_by={"value": "u1", "display_value": "Ada"}),
        item(2, "cart-host", "cmdb_ci_linux_server", os="Linux", ip_address="10.0.0.1"),
        item(3, "orders", "cmdb_ci_db_mysql_instance"),
        item(4, "web", "cmdb_ci_appl"),
        {**item(5, "old", "cmdb_ci_server"), "operational_status": "6"},
    ]
    server.tables["cmdb_rel_ci"] = [
        relation(1, 1, "Runs on::Runs", 2),
        relation(2, 1, "Depends on::Used by", 3),
        relation(3, 1, "Used by::Depends on", 4),
        relation(4, 4, "Powered by::Powers", 9),
    ]


def read(server: ServiceNowServer, **settings: Any) -> Reading:
    given = {"username": "watcher", "password": "word", "requests_per_second": 1000, **settings}
    source = ServiceNowSource(ServiceNowSettings(url=server.url, **given))
    try:
        return source.read(Window(0, 1))
    finally:
        source.close()


@pytest.mark.parametrize("page_size", [1, 2, 1000])
def test_items_and_relations_are_read_whatever_the_page(server: ServiceNowServer, page_size: int) -> None:
    reading = read(server, page_size=page_size)
    assert reading.inventory is not None
    assert {each.name: each.kind for each in reading.inventory.entities} == {
        "Cart": "service",
        "cart-host": "host",
        "orders": "database",
        "web": "service",
        "shown 9": "",
    }
    assert reading.topology is not None
    assert reading.topology.edges == (("Cart", "orders"), ("web", "Cart"))
    assert reading.gaps == ()


def test_questions_about_the_estate_are_answered_from_it(server: ServiceNowServer) -> None:
    inventory = read(server).inventory
    assert inventory is not None
    assert owner_of(inventory, "cart").owner == "Ada"  # type: ignore[union-attr]
    assert hosts_of(inventory, "Cart") == ("cart-host",)
    assert dependents(inventory, "orders") == {"Cart": 1, "web": 2}
    assert inventory.by_name["cart-host"].attributes["os"] == "Linux"


def test_a_type_that_is_not_known_keeps_its_word_and_is_no_call(server: ServiceNowServer) -> None:
    inventory = read(server).inventory
    assert inventory is not None
    assert [each.kind for each in inventory.relations if each.callee == "shown 9"] == ["powered_by"]
    mapped = read(server, relation_kinds={"Powered by::Powers": "runs_on"}).inventory
    assert mapped is not None
    assert hosts_of(mapped, "web") == ("shown 9",)


def test_rows_that_the_account_may_not_see_do_not_end_the_reading_and_are_told(
    server: ServiceNowServer,
) -> None:
    server.hidden = {"id1"}
    reading = read(server, page_size=1)
    assert reading.inventory is not None
    assert "web" in reading.inventory.by_name
    (gap,) = reading.gaps
    assert dict(gap.message.params) == {"what": "cmdb_ci", "total": 4, "read": 3}


def test_a_wrong_password_is_a_refusal_without_the_password(server: ServiceNowServer) -> None:
    with pytest.raises(SourceRefused) as caught:
        read(server, password="wr0ng-one")  # noqa: S106 - no password of anything
    assert "wr0ng-one" not in str(caught.value)


def test_further_attributes_are_read_by_their_fields(server: ServiceNowServer) -> None:
    server.tables["cmdb_ci"][0] = {**server.tables["cmdb_ci"][0], "u_cost_centre": "42"}
    inventory = read(server, attributes={"cost_centre": "u_cost_centre"}).inventory
    assert inventory is not None
    assert inventory.by_name["Cart"].attributes["cost_centre"] == "42"
