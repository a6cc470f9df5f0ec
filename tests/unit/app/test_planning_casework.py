"""An incident that is looked into ends in a plan that waits, or in the room's word on why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.incidents.casework.bench import FIRED, OPENED, Kept, alert

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.app.casework import make_casework
from sre_copilot.app.planning import Drafting, Planning, make_planning
from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.event import Event
from sre_copilot.incidents.casework.picture import reading
from sre_copilot.incidents.casework.voice import room_of
from sre_copilot.settings.document import Settings
from sre_copilot.store.plans import plan_of
from sre_copilot.testing.cases import ONSET
from sre_copilot.testing.durable import MemoryDurable
from sre_copilot.testing.live_shop import LiveShop
from sre_copilot.testing.stated_executor import StatedExecutor


@pytest.fixture(scope="module")
def shop() -> LiveShop:
    return LiveShop("exception", culprit="billing", seed=3)


@pytest.fixture
def service(tmp_path: Path, shop: LiveShop) -> Iterator[Service]:
    binding = {"service": "billing", "executor": "stated", "kind": "process", "name": "billing"}
    settings = Settings.model_validate({"store": {"folder": tmp_path}, "actions": {"targets": [binding]}})
    made = make_service(settings, sources=[shop], clock=TurnedClock(FIRED + 10))
    yield made
    made.close()


def planned(service: Service, *, there: bool = True) -> tuple[Planning, str]:
    """The planning, and the last word in the room."""
    planning = make_planning(service)
    executor = StatedExecutor(states={"billing": {"release": "2"}} if there else {})
    planning.desk.__dict__["catalogue"] = Catalogue([executor])
    clock: Any = service.clock
    durable, kept = MemoryDurable(clock), Kept()
    casework = make_casework(
        service, durable, post=lambda verb, told: None, read=reading(kept), planner=Drafting(planning)
    )
    durable.launch()
    kept.put(alert("ErrorsHigh", "entry"))
    casework.on_event(Event(id="1", type=OPENED, key="INC-1", at=clock.now()))
    clock._now += 70
    casework.turn()
    durable.run_due()
    rows = service.rooms.messages(room_of("INC-1"), limit=500).rows
    return planning, str(rows[-1]["text"])


def test_after_a_release_a_plan_to_take_it_back_waits_for_an_approver(service: Service) -> None:
    row = {
        "id": "c1", "ts": ONSET - 60.0, "service": "billing", "kind": "deploy", "text": "billing 2 rolled out",
        "detail": {"from": "1", "to": "2"}, "received_at": ONSET - 60.0,
    }  # fmt: skip
    service.changes.save([row])
    planning, last = planned(service)
    (kept,) = planning.plans.all_of(("proposed",))
    plan = plan_of(kept["document"])
    assert (plan.incident_id, plan.strategy, plan.entity) == ("INC-1", "rollback", "billing")
    assert plan.investigation_id.startswith("I-")
    assert plan.id in last
    assert "waits for an approver" in last or "must approve" in last


def test_where_the_target_is_not_there_nothing_is_proposed_and_the_room_says_why(service: Service) -> None:
    planning, last = planned(service, there=False)
    assert planning.plans.counts() == {}
    assert last.startswith("No plan is made: What would help billing cannot be done now")
    assert last.endswith("stated//process/billing is not there")
