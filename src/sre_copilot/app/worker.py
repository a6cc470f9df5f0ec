"""What works alerts off: the engine, deliveries, the bus, investigations of incidents; with the interface in `serve`, without it in `worker`."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from sre_copilot.alerts.deadman import Deadman
from sre_copilot.app.alerting import LEASE, make_runner
from sre_copilot.app.approving_made import Turning
from sre_copilot.app.authority import approving_of
from sre_copilot.app.casework import make_casework, make_ready
from sre_copilot.app.desk import Desk
from sre_copilot.app.notifying import make_deliveries
from sre_copilot.app.planning import Drafting, make_planning
from sre_copilot.app.remedying import Acting, make_acting
from sre_copilot.app.serving import Service
from sre_copilot.app.workflows import make_workflows
from sre_copilot.bus.opening import open_bus
from sre_copilot.bus.port import Bus
from sre_copilot.clock import Clock
from sre_copilot.domain.event import EventType
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.notification import Notification
from sre_copilot.durable.port import Durable
from sre_copilot.errors import SreCopilotError
from sre_copilot.incidents.alerting.follower import Follower
from sre_copilot.incidents.alerting.surroundings import Lookout
from sre_copilot.incidents.casework.casework import Casework
from sre_copilot.incidents.delivery.deliveries import Deliveries
from sre_copilot.incidents.relay import Relay
from sre_copilot.incidents.report.words import say
from sre_copilot.settings.alerting.people import DeadmanSettings
from sre_copilot.settings.document import Settings
from sre_copilot.store import cases, notifications
from sre_copilot.store.alerting import inbox, states
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.database import Database
from sre_copilot.store.facts import Facts
from sre_copilot.store.leases import Leases
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.telemetry import log

FORGET_EVERY_S = 3600.0
LOOK_EVERY_S = 1.0  # whether the clock turns: it turns once a second
SENT_AT_ONCE = 500  # events
MOST_SENDINGS = (
    10  # of a turn: as many events as a turn of new alerts makes, and more, so that they do not pile up
)
INCIDENT_EVENTS = (EventType.INCIDENT_OPENED, EventType.INCIDENT_UPDATED, EventType.INCIDENT_RESOLVED)
DAY_S = 86_400.0
CHANGES_HOLD_S = 1.0
WARM_AFTER_S = 1.0  # whatever begins with the process comes first
LATEST_CHANGES = 1_000  # of all services
_log = log(__name__)


@dataclass
class Worker:
    """All that works alerts off in one process."""

    service: Service
    durable: Durable
    bus: Bus
    casework: Casework
    deliveries: Deliveries
    deadman: DeadmanWatch
    around: Lookout
    warm: Callable[[], object] = lambda: None
    acting: Acting | None = None
    """Carries plans out; none where no executor is configured."""
    _ended: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin to work."""
        runner = self.service.alerting.runner
        self.durable.launch()
        if self.acting is not None:
            self.acting.start()
        if runner is not None:
            runner.start()
        self.deadman.start()
        self.around.start()
        threading.Thread(target=self._warm, name="warming", daemon=True).start()

    def _warm(self) -> None:
        """Load what the first incident needs while nothing goes on: seconds of imports would hold up whoever sends alerts then."""
        if self._ended.wait(WARM_AFTER_S):
            return
        try:
            self.warm()
        except SreCopilotError as error:
            _log.error("the team cannot be made ready; incidents will not be looked into", problem=str(error))

    def close(self) -> None:
        """End: what is under way is gone on with by another worker, or at the next start."""
        self._ended.set()
        self.deadman.close()
        self.around.close()
        if self.service.alerting.runner is not None:
            self.service.alerting.runner.close()
        if self.acting is not None:
            self.acting.close()
        self.durable.close()
        self.bus.close()


def make_worker(service: Service, *, desk: Desk | None = None, durable: Durable | None = None) -> Worker:
    """Wire it; nothing runs yet.

    Raises
    ------
    UsageError : when the configuration cannot be used
    """
    settings, database, clock, own = service.settings, service.database, service.clock, service.own
    alerting, facts = service.alerting, Facts(database)
    around = alerting.around = Lookout(service.examine or tuple, facts, clock)
    runs = durable or open_durable(settings, database, on_fenced=service.stop.set)
    store = NotificationStore(database)
    deliveries = make_deliveries(settings, database, runs, clock=clock, own=own)
    bus = open_bus(settings.bus, registry=own.registry)
    relay = Relay(database, bus, clock, registry=own.registry)

    def post(verb: str, arguments: dict[str, Any]) -> None:
        alerting.commands.post(verb, arguments, who="sre-copilot", key=str(arguments["key"]))

    speaker = (lambda: desk.equipment.speaker) if desk is not None else None
    planning = make_planning(service, speaker=speaker) if settings.actions.executors else None
    planner = Drafting(planning) if planning is not None else None
    casework = make_casework(service, runs, post=post, desk=desk, planner=planner)
    flows = service.workflows = make_workflows(service, runs, desk=desk)
    acting = make_acting(service, runs, again=planning.again) if planning is not None else None
    if planning is not None and acting is not None:
        planning.plans, planning.desk = acting.approving.plans, acting.desk
        planning.look = casework.rounds.look_now
    follower = Follower("casework", alerting.records, facts, casework.on_event, types=INCIDENT_EVENTS)
    deadman = DeadmanWatch(
        settings.alerting.people.deadman,
        clock,
        alarm=lambda late: _tell_late(service, store, deliveries, late),
        elsewhere=lambda: another_leads(service),
    )
    pumps = (
        deadman.turned,
        lambda: deliveries.pump(clock.now()),
        lambda: until_less(relay.pump, SENT_AT_ONCE),
        follower.pump,
        casework.turn,
        flows.pump,
        Turning(approving_of(service), AuditChain(database)).pump,
        Forgetting(service, store, casework).pump,
    )
    alerting.ask_casework = casework.ask
    alerting.runner = make_runner(
        alerting,
        database,
        tell=store.insert,
        pumps=pumps,
        own=own,
        changes_of=_changes_of(service),
        on_term=_anew(follower, flows.follower),
    )
    return Worker(
        service,
        runs,
        bus,
        casework,
        deliveries,
        deadman,
        around,
        warm=lambda: make_ready(service, desk),
        acting=acting,
    )


def open_durable(settings: Settings, database: Database, *, on_fenced: Callable[[], None]) -> Durable:
    """The durable runs of a configuration: a file beside the store, or a schema of its PostgreSQL."""
    from sre_copilot.durable.runs import DbosDurable  # noqa: PLC0415 - a second of imports, for those alone who work

    if database.engine.dialect.name == "postgresql":
        return DbosDurable(settings.store.url, database=database, on_fenced=on_fenced)
    return DbosDurable(f"sqlite:///{settings.store.folder / 'durable.sqlite'}")


def until_less(pump: Callable[[int], int], limit: int) -> None:
    """Pump until less than the limit comes out, a bounded number of times."""
    for _ in range(MOST_SENDINGS):
        if pump(limit) < limit:
            return


class Forgetting:
    """Takes away what was worked off long ago; `store.keep_days` says when."""

    def __init__(self, service: Service, told: NotificationStore, casework: Casework) -> None:
        self._service = service
        self._casework = casework
        self._told = told
        self._at = service.clock.now()
        self._more = False

    def pump(self) -> None:
        """Look whether it is time; take away a bounded part in a turn, and go on in the next ones until nothing is left."""
        now = self._service.clock.now()
        if not self._more and 0.0 <= now - self._at < FORGET_EVERY_S:
            return
        before = now - self._service.settings.store.keep_days * DAY_S
        if not self._more:
            self._at = now
        alerting = self._service.alerting
        parts = (
            (alerting.inbox.forget(before=before), inbox.FORGET_AT_ONCE),
            (alerting.records.forget(before=before), states.FORGET_AT_ONCE),
            (self._told.forget(before=before), notifications.FORGET_AT_ONCE),
            (self._casework.forget(before=before), cases.FORGET_AT_ONCE),
        )
        self._more = any(gone >= limit for gone, limit in parts)


class DeadmanWatch:
    """Lets an outside watch know that the clock turns, and says loudly when it does not."""

    def __init__(
        self,
        settings: DeadmanSettings,
        clock: Clock,
        *,
        alarm: Callable[[Message], object] = lambda late: None,
        elsewhere: Callable[[], bool] = lambda: False,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._alarm = alarm
        self._elsewhere = elsewhere
        self._state = Deadman(
            turned_at=clock.now(),
            late_after_s=settings.late_after_seconds,
            beat_every_s=settings.every_seconds,
        )
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._late = False

    def turned(self) -> None:
        """The clock has turned."""
        self._state = self._state.turned(self._clock.now())

    def start(self) -> None:
        """Begin to watch, in a thread of its own, for the one that turns the clock cannot."""
        self._thread = threading.Thread(target=self._run, name="deadman", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def look(self) -> None:
        """Call the outside watch when it is time, and say so when the clock is late."""
        now = self._clock.now()
        if self._elsewhere():
            self.turned()  # its own watch looks after that process
        said = self._state.alarm(now)
        if said is not None and not self._late:
            _log.critical("nobody is escalated to", problem=say(said, "en"))
            self._alarm(said)
        self._late = said is not None
        if self._settings.url is not None and self._state.beat_due(now) and self._call():
            self._state = self._state.beaten(now)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            self.try_to_look()

    def try_to_look(self) -> None:
        """Look, and survive whatever happens: nobody looks after the one that looks."""
        try:
            self.look()
        except Exception as error:  # noqa: BLE001 - the top of a thread that must go on; its text may hold the address, which is secret
            _log.error("a look at the clock failed", problem=type(error).__name__)

    def _call(self) -> bool:
        assert self._settings.url is not None  # noqa: S101 - asked for by `look`
        try:
            with httpx.Client(timeout=5.0, follow_redirects=False) as client:
                return client.get(self._settings.url.get_secret_value()).is_success
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            _log.warning("the outside watch was not reached", problem=type(error).__name__)
            return False


def _anew(*followers: Follower) -> Callable[[], None]:
    """Let followers look again how far they are."""

    def anew() -> None:
        for each in followers:
            each.anew()

    return anew


def another_leads(service: Service) -> bool:
    """Whether another process holds the lease: then this one has nothing to turn."""
    runner = service.alerting.runner
    if runner is None or runner.leads:
        return False
    try:
        clock = None if service.alerting.shared else service.clock
        return Leases(service.database, clock=clock).holder(LEASE) is not None
    except SreCopilotError:
        return False


def _tell_late(service: Service, store: NotificationStore, deliveries: Deliveries, late: Message) -> None:
    """Tell the receivers of the alarm; the thread that should turn the clock cannot."""
    now = service.clock.now()
    told = [
        Notification(
            key=f"deadman/{receiver}/{now:.0f}",
            group="deadman",
            receiver=receiver,
            state="deadman",
            sequence=1,
            created_at=now,
            content={
                "title": say(late, service.settings.language),
                "severity": "critical",
                "summary": [{"key": late.key, "params": dict(late.params)}],
            },
        )
        for receiver in service.settings.alerting.people.deadman.receivers
    ]
    runner = service.alerting.runner
    if not told or runner is None or not runner.leads:
        return
    try:
        with service.database.write() as connection:
            store.insert(connection, told)
        deliveries.pump(now)
    except SreCopilotError as error:
        _log.critical("the alarm could not be sent", problem=str(error))


def _changes_of(service: Service) -> Callable[[str, float, float], list[str]]:
    """Ids of the latest changes of a service; they are read once a second, for a storm asks a thousand times in one."""
    known: dict[str, list[Mapping[str, Any]]] = {}
    read_at = -math.inf

    def told(name: str, since: float, until: float) -> list[str]:
        nonlocal read_at
        if not read_at <= until < read_at + CHANGES_HOLD_S:
            read_at = until
            known.clear()
            for row in service.changes.page(limit=LATEST_CHANGES).rows:
                known.setdefault(row["service"], []).append(row)
        return [str(row["id"]) for row in known.get(name, ()) if since <= row["ts"] <= until]

    return told
