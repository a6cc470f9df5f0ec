"""Alerting, wired: what comes in, what decides, what sends on; an argument replaces any part."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.alerts.correlation.correlator import Correlator
from sre_copilot.alerts.enrichment import Enricher, Surroundings
from sre_copilot.alerts.flapping import Flapping
from sre_copilot.alerts.inhibition import Inhibitor
from sre_copilot.alerts.maintenance import Maintenance
from sre_copilot.alerts.pipeline.parts import Parts, Times
from sre_copilot.alerts.routing.configuration import Configuration
from sre_copilot.alerts.severity import Rating
from sre_copilot.alerts.silences import Silences
from sre_copilot.app.alert_routing import check_people, routing_of
from sre_copilot.app.oncall import LiveRoster
from sre_copilot.clock import Clock
from sre_copilot.domain.alert import AlertEvent
from sre_copilot.domain.topology import Topology
from sre_copilot.incidents.alerting.commands import CommandDesk
from sre_copilot.incidents.alerting.engine import Engine, Tell
from sre_copilot.incidents.alerting.rows import events_as_json
from sre_copilot.incidents.alerting.runner import Pump, Runner, guarded
from sre_copilot.incidents.alerting.surroundings import Lookout
from sre_copilot.perception.source import Reading
from sre_copilot.settings.document import Settings
from sre_copilot.store.alerting.inbox import Entry, Inbox
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.database import Database
from sre_copilot.store.leadership import Leadership
from sre_copilot.store.leases import Leases
from sre_copilot.store.oncall import OverrideStore
from sre_copilot.telemetry import OwnMetrics

LEASE = "alerting"
ChangesOf = Callable[[str, float, float], Sequence[str]]


@dataclass
class Alerting:
    """What the ways in know of alerting: put alerts in, ask for records, give commands."""

    settings: Settings
    inbox: Inbox
    records: AlertRecords
    commands: CommandDesk
    roster: LiveRoster
    routing: Configuration
    clock: Clock
    shared: bool
    runner: Runner | None = None
    ask_casework: Callable[..., dict[str, Any]] | None = None
    """Investigates an incident because somebody asks for it; None in a process that does not work alerts off."""
    around: Lookout | None = None
    """Keeps what is known of services; None in a process that does not work alerts off."""
    closing: list[Callable[[], None]] = field(default_factory=list)

    def tell(self, events: Sequence[AlertEvent], *, source: str) -> Any:
        """Write alerts into the inbox; the future is done when they are durable."""
        body = events_as_json(events)
        entry = Entry(
            kind="alerts", source=source, body=body, received_at=self.clock.now(), count=len(events)
        )
        return self.inbox.put(entry)

    def saw(self, source: str, reading: Reading) -> None:
        """The watch read a source: who calls whom in it is known from now on."""
        if self.around is not None:
            self.around.told(source, reading)

    def close(self) -> None:
        """Write what waits, and end."""
        if self.runner is not None:
            self.runner.close()
        for close in self.closing:
            close()
        self.inbox.close()


def make_alerting(settings: Settings, database: Database, clock: Clock) -> Alerting:
    """What a process needs that takes alerts and commands; nothing decides yet.

    Raises
    ------
    UsageError : when the configuration cannot be used
    """
    check_people(settings)
    inbox = Inbox(database)
    shared = database.engine.dialect.name == "postgresql"
    found = Alerting(
        settings=settings,
        inbox=inbox,
        records=AlertRecords(database),
        commands=CommandDesk(inbox, clock, works=lambda: shared or found.runner is not None),
        roster=LiveRoster(settings.alerting.people, OverrideStore(database)),
        routing=routing_of(settings),
        clock=clock,
        shared=shared,
    )
    return found


def make_runner(
    alerting: Alerting,
    database: Database,
    *,
    tell: Tell,
    pumps: Sequence[Pump],
    own: OwnMetrics,
    changes_of: ChangesOf | None = None,
    on_term: Callable[[], object] = lambda: None,
) -> Runner:
    """What decides, while this process is the leader."""
    around = alerting.around
    leases = Leases(database, clock=None if alerting.shared else alerting.clock)
    if not alerting.shared:
        leases.free(LEASE)  # of a process that was killed: a restart goes on at once
    leadership = Leadership(leases, LEASE, holder())
    engine = Engine(
        database,
        alerting.inbox,
        lambda new_id: make_parts(
            alerting.settings,
            new_id=new_id,
            around=around.known if around is not None else None,
            roster=alerting.roster,
            changes_of=changes_of,
        ),
        guard=guarded(leadership, leases.check),
        tell=tell,
        clock=alerting.clock,
        own=own,
    )

    def look_around() -> None:
        known = around.news() if around is not None else None
        if known is not None:
            engine.renew(known)

    return Runner(
        engine,
        alerting.inbox,
        leadership,
        (look_around, *pumps),
        own=own,
        turn_seconds=alerting.settings.alerting.lifecycle.turn_seconds,
        shared=alerting.shared,
        on_term=on_term,
    )


def make_parts(
    settings: Settings,
    *,
    new_id: Callable[[], str],
    topology: Topology | None = None,
    around: Surroundings | None = None,
    roster: LiveRoster | None = None,
    changes_of: ChangesOf | None = None,
) -> Parts:
    """The rules of a configuration.

    Raises
    ------
    UsageError : when the configuration cannot be used
    """
    alerting, known = settings.alerting, around or Surroundings(topology=topology or Topology())
    routing = routing_of(settings)
    lifecycle = alerting.lifecycle
    people = roster or LiveRoster(alerting.people)
    return Parts(
        routes=routing.routes,
        intervals=routing.intervals,
        inhibitor=Inhibitor(routing.rules),
        silences=Silences(),
        maintenance=Maintenance(),
        enricher=Enricher.of(alerting.correlation, known, changes_of),
        flapping=Flapping.of(alerting.correlation),
        rating=Rating.of(alerting.correlation),
        correlator=Correlator(alerting.correlation, known.topology, new_id=new_id),
        roster=people.now,
        times=Times(
            resolve_after=lifecycle.resolve_after_seconds,
            reopen_within=lifecycle.reopen_within_seconds,
            remember=lifecycle.remember_hours * 3600.0,
        ),
    )


def holder() -> str:
    """Who asks for a lease: one process, never two."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
