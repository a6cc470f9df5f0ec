"""Services are found as people write them, and none is invented."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.agents.understanding.entities import (
    alias_table,
    distance,
    find_services,
    parts_of,
    unknown_name,
)
from sre_copilot.agents.understanding.wording import plain

SERVICES = (
    "payment",
    "cart-service",
    "userCenter",
    "mail_gateway",
    "search",
    "ts-order-service",
    "ts-order-other-service",
)


def named(text: str, **aliases: str) -> list[str]:
    return [each.service for each in find_services(plain(text), services=SERVICES, aliases=aliases)]


@pytest.mark.parametrize(
    ("text", "services"),
    [
        ("is payment ok", ["payment"]),
        ("Payment service's latency", ["payment"]),
        ("the cart service and user center", ["cart-service", "userCenter"]),
        ("Cart is slow", ["cart-service"]),
        ("mail gateway / mailgateway / MAIL-GATEWAY", ["mail_gateway"] * 3),
        ("paymnet is slow", ["payment"]),
        ("look at user-centre", ["userCenter"]),
        ("所有服务 except payment", []),
        ("ts-order-other-service", ["ts-order-other-service"]),
        ("支付服务怎么了", ["payment"]),
        ("pod payment-7d9f8c6b5-x2x4z", ["payment"]),
        ("search the logs of payment", ["payment"]),
        ("why is search slow", ["search"]),
        ("repayments are late", []),
        ("payload too large", []),
    ],
)
def test_a_service_is_found_however_it_is_written(text: str, services: list[str]) -> None:
    assert named(text) == services


def test_an_alias_names_its_service_and_a_channel_of_the_same_word_does_not() -> None:
    assert named("收银台挂了", 收银台="payment") == ["payment"]
    assert named("支付宝渠道的成功率", 支付="payment") == []


def test_a_name_that_is_not_known_is_told_and_not_replaced() -> None:
    assert named("is billing-service healthy") == []
    assert unknown_name("is billing-service healthy") == "billing-service"


def test_aliases_may_be_given_from_either_side() -> None:
    wanted = {"收银台": "payment", "pay": "payment"}
    assert alias_table(wanted, SERVICES) == wanted
    assert alias_table({"payment": ["收银台", "pay"]}, SERVICES) == wanted
    assert alias_table({"收银台": "nobody"}, SERVICES) == {}


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_only_known_services_are_ever_named(text: str) -> None:
    assert set(named(text)) <= set(SERVICES)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="abcd", max_size=8), st.text(alphabet="abcd", max_size=8))
def test_the_distance_of_two_words_is_symmetric_and_zero_only_for_the_same(first: str, second: str) -> None:
    assert distance(first, second) == distance(second, first)
    assert (distance(first, second) == 0) == (first == second)


def test_names_are_cut_at_separators_and_capitals() -> None:
    assert parts_of("userCenterAPI-v2") == ("user", "center", "api", "v2")
