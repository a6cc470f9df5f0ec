"""What is offered to whom, and that writing is opt-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sre_copilot.app.desk import MOST_OWNERS, Desk
from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.mcp.live import shop_of
from sre_copilot.mcp.offer import Caller
from sre_copilot.mcp.server import unfit
from sre_copilot.mcp.watched import ANOMALIES, INVESTIGATIONS
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.testing.store_contract import row
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0
WRITING = {"tell_change", "label", "draft_card"}
CARD = Path(__file__).parents[3] / "examples/knowledge/cards"


def made(folder: Path, **settings: Any) -> Service:
    document = {"store": {"folder": folder}, **settings}
    return make_service(
        Settings.model_validate(document), sources=[SyntheticSource()], clock=TurnedClock(NOW)
    )


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    found = made(tmp_path, mcp={"write_tools": True})
    yield found
    found.close()


def test_rows_are_paged_on_in_by_who_asked_and_by_nobody_else(service: Service) -> None:
    desk = Desk(service)
    offers = shop_of(desk).offers
    store = desk.handles_of("viewer")
    assert store is not None
    handle = store.keep(pl.DataFrame({"line": ["one", "two"]}))
    assert "line=two" in offers["page"].run({"handle": handle}, caller("viewer"))["text"]
    assert offers["page"].run({"handle": handle}, caller("responder"))["failed"]
    used = desk.use("page", {"handle": handle}, role="viewer", lang="en", owner="viewer")
    assert used.outcome == "success"
    desk.close()


def test_the_rows_of_few_owners_are_kept_and_who_asked_longest_ago_loses_his(service: Service) -> None:
    desk = Desk(service)
    first, second = desk.handles_of("first"), desk.handles_of("second")
    for number in range(MOST_OWNERS - 1):
        assert desk.handles_of("first") is first
        desk.handles_of(f"owner-{number}")
    assert desk.handles_of("second") is not second
    assert desk.handles_of("") is None


def caller(role: Role) -> Caller:
    return Caller(role, f"a {role}", role)


def test_nothing_writes_unless_the_operator_says_so(tmp_path: Path) -> None:
    service = made(tmp_path)
    offers = shop_of(Desk(service)).offers
    service.close()
    assert not set(offers) & WRITING
    assert len(offers) <= 17
    assert not [each.name for each in offers.values() if each.writes]


def test_what_writes_needs_a_responder_and_is_not_called_read_only(service: Service) -> None:
    offers = shop_of(Desk(service)).offers
    assert {each.name for each in offers.values() if each.writes} == WRITING
    assert {offers[name].needs for name in WRITING} == {"responder"}


def test_a_change_that_an_agent_tells_is_kept(service: Service) -> None:
    offer = shop_of(Desk(service)).offers["tell_change"]
    told = {"service": "cart", "text": "release 7", "kind": "deployment", "at": "2025-10-09T08:00:00Z"}
    assert not unfit(told, offer.parameters)
    offer.run(told, caller("responder"))
    offer.run(told, caller("responder"))
    rows = service.changes.page().rows
    assert [(row["service"], row["text"]) for row in rows] == [("cart", "release 7")]


def test_a_card_that_an_agent_writes_waits_for_a_person_and_replaces_none(service: Service) -> None:
    offer = shop_of(Desk(service)).offers["draft_card"]
    text = sorted(CARD.glob("*.md"))[0].read_text(encoding="utf-8")
    found = offer.run({"markdown": text}, caller("responder"))
    shelf = Experience(service.database, service.clock)
    assert shelf.card(found["id"]).standing == "draft"
    with pytest.raises(UsageError, match="already"):
        offer.run({"markdown": text}, caller("responder"))


def test_open_anomalies_are_listed_and_read_as_a_document(service: Service) -> None:
    service.anomalies.save([row(1, opened_at=NOW - 60, closed_at=None, source="synthetic")])
    shop = shop_of(Desk(service))
    listed = shop.offers["list_anomalies"].run({"hours": 1}, caller("viewer"))
    assert [each["id"] for each in listed["items"]] == ["A-0001"]
    assert [each["id"] for each in shop.documents[ANOMALIES].read(caller("viewer"))["items"]] == ["A-0001"]
    assert shop.documents[INVESTIGATIONS].read(caller("viewer"))["items"] == []


def test_arguments_are_checked_without_repeating_what_was_given(service: Service) -> None:
    offers = shop_of(Desk(service)).offers
    schema = offers["ask"].parameters
    assert unfit({"question": "why?"}, schema) == ""
    assert "question" in unfit({}, schema)
    said = unfit({"question": "why?", "lang": "password-1"}, schema)
    assert said.startswith("lang: ")
    assert "password-1" not in said
