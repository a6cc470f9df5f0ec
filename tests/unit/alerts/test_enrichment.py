"""What is known about where an alert fires."""

from __future__ import annotations

from typing import Any

from sre_copilot.alerts.blast_radius import blast_radius
from sre_copilot.alerts.enrichment import Enricher
from sre_copilot.alerts.state import AlertState
from sre_copilot.alerts.words import words
from sre_copilot.domain.topology import Topology

SHOP = Topology.of([("web", "cart"), ("mobile", "cart"), ("cart", "payment"), ("payment", "cart")])


def context(enricher: Enricher, annotations: dict[str, str] | None = None, **labels: str) -> dict[str, Any]:
    alert = AlertState(
        fingerprint="f",
        correlation_key="k",
        labels={"alertname": "HighErrorRate", **labels},
        annotations=annotations or {},
        source="s",
        provider="p",
        status="firing",
        severity="warning",
        starts_at=1000.0,
        ends_at=None,
        updated_at=1000.0,
        first_received_at=1000.0,
    )
    return enricher.context(alert, now=1060.0)


def test_service_place_owner_tier_and_dependants_are_found() -> None:
    enricher = Enricher(SHOP, {"cart-svc": "cart"}, {"cart": "basket"}, tiers={"cart": 1})
    found = context(enricher, service="cart-svc", env="prod", instance="10.0.0.7:9100", severity="high")
    assert found["service"] == "cart"
    assert found["environment"] == "prod"
    assert found["host"] == "10.0.0.7:9100"
    assert (found["owner"], found["tier"], found["upstream"]) == ("basket", 1, 3)
    assert found["declared"] is True


def test_of_several_labels_the_one_that_the_topology_knows_names_the_service() -> None:
    assert context(Enricher(SHOP), service="frontend-chart", app="web")["service"] == "web"
    assert context(Enricher(SHOP), app="unheard-of")["service"] == "unheard-of"


def test_what_is_not_known_is_left_out_and_not_invented() -> None:
    found = context(Enricher(SHOP), app="unheard-of")
    assert "upstream" not in found
    assert "owner" not in found
    assert "changes" not in found
    assert found["declared"] is False


def test_changes_are_asked_for_the_time_before_the_alert() -> None:
    asked = []

    def changes(service: str, start: float, end: float) -> list[str]:
        asked.append((service, start, end))
        return ["deploy-1"]

    found = context(Enricher(SHOP, changes=changes, change_seconds=600), service="cart")
    assert found["changes"] == ["deploy-1"]
    assert asked == [("cart", 400.0, 1060.0)]


def test_words_are_read_in_english_and_chinese_without_numbers() -> None:
    found = context(Enricher(SHOP), {"summary": "支付失败 at 17:32 on pod 7"})["text"]
    assert found == ["high", "error", "rate", "支付", "付失", "失败", "at", "on", "pod"]
    assert words("12345 67") == ()


def test_a_blast_radius_counts_who_depends_on_it_and_says_what_is_unknown() -> None:
    found = blast_radius(SHOP, ["payment", "elsewhere"])
    assert found == {
        "count": 3,
        "services": ["cart", "mobile", "web"],
        "by_distance": {"1": 1, "2": 2},
        "unknown": ["elsewhere"],
    }
