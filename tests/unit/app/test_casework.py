"""Casework as it is wired: the whole team looks into an incident, in a room that is open to whoever may see what is said there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.incidents.casework.bench import FIRED, OPENED, Kept, alert

from sre_copilot.app.casework import least_role, make_casework
from sre_copilot.app.desk import Desk
from sre_copilot.app.serving import Service, SourceRoles, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.event import Event
from sre_copilot.incidents.casework.picture import reading
from sre_copilot.incidents.casework.voice import room_of
from sre_copilot.settings.document import Settings
from sre_copilot.testing.durable import MemoryDurable
from sre_copilot.testing.live_shop import LiveShop

Posted = list[tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def shop() -> LiveShop:
    return LiveShop("exception", culprit="billing", seed=3)


@pytest.fixture
def service(tmp_path: Path, shop: LiveShop) -> Iterator[Service]:
    settings = Settings.model_validate({"store": {"folder": tmp_path}})
    made = make_service(settings, sources=[shop], clock=TurnedClock(FIRED + 10))
    yield made
    made.close()


def investigated(service: Service, *, team: bool) -> dict[str, Any]:
    posted: Posted = []
    clock: Any = service.clock
    durable, kept = MemoryDurable(clock), Kept()
    desk = Desk(service) if team else None
    casework = make_casework(
        service,
        durable,
        post=lambda verb, arguments: posted.append((verb, arguments)),
        desk=desk,
        read=reading(kept),
    )
    durable.launch()
    kept.put(alert("ErrorsHigh", "entry"))
    casework.on_event(Event(id="1", type=OPENED, key="INC-1", at=clock.now()))
    clock._now += 70
    casework.turn()
    durable.run_due()
    if desk is not None:
        desk.close()
    (verb, _), (last, told) = posted
    assert (verb, last) == ("incident.room", "incident.diagnosis")
    return told


def test_the_team_finds_the_cause_and_each_agent_speaks_in_the_room(service: Service) -> None:
    told = investigated(service, team=True)
    assert (told["outcome"], told["cause"], told["fault_type"]) == ("fault", "billing", "code/exception")
    rows = service.rooms.messages(room_of("INC-1"), limit=500).rows
    speakers = {row["author"] for row in rows}
    assert {"copilot", "log", "trace"} <= speakers
    assert any(row["data"].get("kind") == "alert" for row in rows)
    assert rows[-1]["text"].startswith("Cause: billing, code raises an error")
    row = service.investigations.get(told["investigation_id"])
    assert row is not None
    assert row["cause"] == "billing"


def test_without_a_team_the_core_answers_alone(service: Service) -> None:
    told = investigated(service, team=False)
    assert (told["outcome"], told["cause"]) == ("fault", "billing")


def test_the_room_is_open_to_those_who_may_see_every_source(service: Service) -> None:
    assert least_role(service) == "viewer"
    service.roles = {**service.roles, "secret": SourceRoles(query="viewer", see="approver")}
    assert least_role(service) == "approver"
    investigated(service, team=False)
    room = service.rooms.get(room_of("INC-1"))
    assert room is not None
    assert room["least_role"] == "approver"
