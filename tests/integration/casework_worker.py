"""A worker with one incident, for the test that kills it: `python casework_worker.py FOLDER first|second`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from tests.unit.incidents.casework.bench import FIRED, OPENED, Kept, alert, plainly

from sre_copilot.agents.answer import Listener
from sre_copilot.agents.tool import Investigated
from sre_copilot.app.methods import registered_methods
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.event import Event
from sre_copilot.domain.incident import Incident
from sre_copilot.durable.runs import DbosDurable
from sre_copilot.durable.runs import sqlite_url as runs_url
from sre_copilot.incidents.casework.casework import Casework
from sre_copilot.incidents.casework.looking import by_the_core
from sre_copilot.incidents.casework.picture import reading
from sre_copilot.incidents.casework.voice import Voice
from sre_copilot.store.cases import CaseStore
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.records import change_records, investigation_records
from sre_copilot.store.rooms import RoomStore
from sre_copilot.telemetry import OwnMetrics
from sre_copilot.testing.live_shop import LiveShop


def work(folder: Path, *, hangs: bool) -> None:
    """Investigate; the first worker never comes to the end of its look."""
    clock = TurnedClock(FIRED + 120)
    database = Database(sqlite_url(folder))
    durable = DbosDurable(runs_url(folder))
    source = LiveShop("cpu", culprit="billing", seed=7)
    core = by_the_core(lambda: [source], change_records(database), registered_methods, plainly)
    kept = Kept()
    kept.put(alert("SlowOrders", "entry"))

    def look(incident: Incident, listen: Listener) -> Investigated:
        found = core(incident, listen)
        if hangs:
            (folder / "looking").write_text("it looks", encoding="utf-8")
            time.sleep(600)
        return found

    def post(verb: str, arguments: dict[str, Any]) -> None:
        if verb == "incident.room":
            return
        with (folder / "posted").open("a", encoding="utf-8") as file:
            file.write(json.dumps([verb, arguments]) + "\n")

    casework = Casework(
        durable,
        read=reading(kept),
        cases=CaseStore(database),
        investigations=investigation_records(database),
        voice=Voice(RoomStore(database), clock),
        look=look,
        post=post,
        clock=clock,
        own=OwnMetrics(),
    )
    durable.launch()
    if hangs:
        casework.on_event(Event(id="1", type=OPENED, key="INC-1", at=clock.now()))
    while not (folder / "posted").exists():
        casework.turn()
        time.sleep(0.1)
    time.sleep(0.5)
    durable.close()


if __name__ == "__main__":
    work(Path(sys.argv[1]), hangs=sys.argv[2] == "first")
