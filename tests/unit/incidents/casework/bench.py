"""A casework on an invented shop, with a clock that is turned and runs that go on by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sre_copilot.agents.answer import Listener
from sre_copilot.agents.tool import Investigated
from sre_copilot.app import investigate
from sre_copilot.app.methods import registered_methods
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.event import Event, EventType
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.incidents.casework.casework import Casework
from sre_copilot.incidents.casework.looking import Look, by_the_core
from sre_copilot.incidents.casework.picture import reading
from sre_copilot.incidents.casework.rounds import Planner
from sre_copilot.incidents.casework.voice import Voice, room_of
from sre_copilot.incidents.investigation import Investigation, Methods
from sre_copilot.settings.alerting.investigations import Investigations
from sre_copilot.store.cases import CaseStore
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.records import change_records, investigation_records
from sre_copilot.store.rooms import RoomStore
from sre_copilot.telemetry import OwnMetrics
from sre_copilot.testing.cases import ONSET, Fault
from sre_copilot.testing.durable import MemoryDurable
from sre_copilot.testing.live_shop import LiveShop

FIRED = ONSET + 60.0
OPENED, UPDATED, RESOLVED = (
    EventType.INCIDENT_OPENED,
    EventType.INCIDENT_UPDATED,
    EventType.INCIDENT_RESOLVED,
)


@cache
def shop(fault: Fault, culprit: str) -> LiveShop:
    return LiveShop(fault, culprit=culprit, seed=7)


def plainly(observation: Observation, methods: Methods) -> Investigation:
    return investigate(observation, methods=methods)


def alert(name: str, service: str, **changed: Any) -> dict[str, Any]:
    labels = {"alertname": name, "service": service}
    kept = {
        "fingerprint": f"{name}/{service}",
        "labels": labels,
        "annotations": {"summary": f"{name} of {service}"},
        "status": "firing",
        "severity": "warning",
        "starts_at": FIRED,
        "first_received_at": FIRED + 5,
    }
    return kept | changed


@dataclass
class Kept:
    """Incidents and alerts as documents, as the store gives them."""

    incidents: dict[str, dict[str, Any]] = field(default_factory=dict)
    alerts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def incident(self, key: str) -> dict[str, Any] | None:
        return self.incidents.get(key)

    def earliest_of(self, incident_id: str, *, limit: int) -> list[dict[str, Any]]:
        kept = self.alerts.get(incident_id, [])
        return sorted(kept, key=lambda each: (each["starts_at"], each["fingerprint"]))[:limit]

    def calm_since(self, incident_id: str, *, before: float) -> float | None:
        ends = [
            each["ends_at"]
            for key, alerts in self.alerts.items()
            for each in alerts
            if key != incident_id and each["status"] == "resolved" and each["ends_at"] <= before
        ]
        return max(ends, default=None)

    def kinds_of(self, incident_id: str) -> list[dict[str, Any]]:
        kinds = Counter(
            (each["labels"].get("service", ""), each["labels"].get("alertname", ""), each["status"])
            for each in self.alerts.get(incident_id, [])
        )
        return [
            dict(zip(("service", "name", "status", "count"), (*kind, n), strict=True))
            for kind, n in kinds.items()
        ]

    def put(self, *alerts: dict[str, Any], key: str = "INC-1", **changed: Any) -> None:
        before = self.incidents.get(key, {})
        self.alerts[key] = [*self.alerts.get(key, []), *alerts]
        first = {
            "id": key,
            "number": 1,
            "title": "orders are slow",
            "status": "firing",
            "severity": "warning",
            "opened_at": FIRED + 10,
        }
        self.incidents[key] = {**first, **before, **changed}


class Bench:
    """All parts; `posted` are the commands."""

    def __init__(
        self,
        folder: Path,
        *,
        fault: Fault = "cpu",
        culprit: str = "billing",
        look: Look | None = None,
        planner: Planner | None = None,
        **settings: Any,
    ) -> None:
        self.clock = TurnedClock(FIRED + 10)
        self.database = Database(sqlite_url(folder))
        self.kept = Kept()
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.opened_rooms: list[dict[str, Any]] = []
        self.source = shop(fault, culprit)
        self.looked: list[Incident] = []
        self.durable = MemoryDurable(self.clock)
        self.rooms = RoomStore(self.database)
        self.investigations = investigation_records(self.database)
        self.cases = CaseStore(self.database)
        self.settings = Investigations(**settings)
        self.own = OwnMetrics()
        self.look = look or self._look
        self.planner = planner
        self.casework = self.make()

    def make(self) -> Casework:
        """A casework as a process has it at its start."""
        made = Casework(
            self.durable,
            read=reading(self.kept),
            cases=self.cases,
            investigations=self.investigations,
            voice=Voice(self.rooms, self.clock),
            look=self.look,
            post=self.post,
            clock=self.clock,
            own=self.own,
            settings=self.settings,
            planner=self.planner,
        )
        self.durable.launch()
        return made

    def post(self, verb: str, arguments: dict[str, Any]) -> None:
        if verb == "incident.room":
            self.opened_rooms.append(arguments)
        else:
            self.posted.append((verb, arguments))

    def tell(self, kind: EventType, key: str = "INC-1", **data: Any) -> None:
        event = Event(id=f"{kind}/{self.clock.now()}", type=kind, key=key, at=self.clock.now(), data=data)
        self.casework.on_event(event)

    def until(self, moment: float, *, every: float = 10.0) -> None:
        """Turn the clock; what is due is done on the way."""
        while self.clock.now() < moment:
            self.clock._now = min(moment, self.clock.now() + every)
            self.casework.turn()
            self.durable.run_due()

    def said(self, key: str = "INC-1") -> list[str]:
        return [row["text"] for row in self.rooms.messages(room_of(key), limit=1000).rows]

    def case(self, key: str = "INC-1") -> dict[str, Any]:
        row = self.cases.get(key)
        assert row is not None
        return row

    def _look(self, incident: Incident, listen: Listener) -> Investigated:
        self.looked.append(incident)
        changes = change_records(self.database)
        return by_the_core(lambda: [self.source], changes, registered_methods, plainly)(incident, listen)
