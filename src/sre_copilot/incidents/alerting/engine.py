"""The one that works the inbox off: it takes what came in, lets the pipeline decide, and keeps everything in one transaction.

Only the holder of the lease does so. When the process dies, the next holder finds the inbox and the records as the last transaction left them: what was
decided was kept whole, and what was not kept is decided again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import orjson
from sqlalchemy import Connection

from sre_copilot.alerts.changes import Audited
from sre_copilot.alerts.enrichment import Surroundings
from sre_copilot.alerts.pipeline.commands import Commands
from sre_copilot.alerts.pipeline.flow import Pipeline
from sre_copilot.alerts.pipeline.memory import Memory
from sre_copilot.alerts.pipeline.parts import Parts
from sre_copilot.alerts.pipeline.refusal import Refused
from sre_copilot.clock import Clock
from sre_copilot.domain.notification import Notification
from sre_copilot.errors import StoreError
from sre_copilot.incidents.alerting.rows import Prepared, events_of, maintenance_of, restore, silences_of
from sre_copilot.store.alerting.inbox import Inbox, Pending, mark_done
from sre_copilot.store.database import Database
from sre_copilot.store.facts import read_fact, write_fact
from sre_copilot.telemetry import OwnMetrics, log

ENTRIES = 1_000  # of one turn, of single alerts
ALERTS = 1_000  # of one turn, of batches: a transaction of about a tenth of a second
COMMANDS = 50  # of one turn, before any alert: a person waits for the answer
NUMBER = "alerting.number"  # of the latest incident, which outlives it: a number that came again would be of messages that were sent
LEARNED = "alerting.learned"
LEARNED_EVERY_S = 60.0  # what is usual changes slowly: after a crash the last minute of it is seen as a little newer than it is
_log = log(__name__)


Tell = Callable[[Connection, Sequence[Notification]], object]
"""Keeps what people are to be told, in the transaction of the turn."""


class Guard(Protocol):
    """Makes sure, inside a transaction, that this process is still the one that may write; raises when it is not."""

    def __call__(self, connection: Connection) -> None:
        """Check."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn did; `more` says that more waits already."""

    entries: int
    notifications: int
    changed: bool
    more: bool = False


class Engine:
    """One thread uses it."""

    def __init__(
        self,
        database: Database,
        inbox: Inbox,
        make_parts: Callable[[Callable[[], str]], Parts],
        *,
        guard: Guard,
        tell: Tell,
        clock: Clock,
        own: OwnMetrics,
        learned_every_s: float = LEARNED_EVERY_S,
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._make_parts = make_parts
        self._guard = guard
        self._tell = tell
        self._clock = clock
        self._own = own
        self._learned_every_s = learned_every_s
        self._pipeline: Pipeline | None = None
        self._learned_at = 0.0
        self._number = 0

    @property
    def pipeline(self) -> Pipeline:
        """The rules, with all that is remembered; read from the store when this process begins, or when a turn was not kept."""
        if self._pipeline is None:
            self._pipeline = self._restored()
        return self._pipeline

    def renew(self, known: Surroundings) -> None:
        """See alerts in other surroundings from now on; the thread that turns calls it."""
        if self._pipeline is not None:
            self._pipeline.parts.enricher.renew(known)
            self._pipeline.parts.correlator.renew(known.topology)

    def forget_all(self) -> None:
        """Read everything anew in the next turn: another process may have written meanwhile."""
        self._pipeline = None

    def turn(self) -> Turn:
        """Work off what waits, and what is due; all of it is kept, or nothing.

        Raises
        ------
        StoreError : when it could not be kept; the next turn begins from what was kept before
        """
        commands = self._inbox.pending(limit=COMMANDS, kind="command")
        alerts = self._inbox.pending(limit=ENTRIES, kind="alerts", most_alerts=ALERTS)
        entries = [*commands, *alerts]
        try:
            return replace(self._turn(entries), more=bool(entries))
        except StoreError:
            self.forget_all()
            raise
        except Exception:
            self.forget_all()
            if not entries:
                raise
            _log.exception("a turn failed; each entry is tried alone", entries=len(entries))
        return self._one_by_one(entries)

    def next_in(self) -> float:
        """Seconds until something is due; at most one."""
        now = self._clock.now()
        due = self.pipeline.next_at(now)
        return 1.0 if due is None else min(1.0, max(0.0, due - now))

    # -- one turn ---------------------------------------------------------------------------------------------------

    def _turn(self, entries: Sequence[Pending]) -> Turn:
        pipeline, now = self.pipeline, self._clock.now()
        outcomes: dict[int, Mapping[str, Any]] = {}
        for entry in entries:
            if entry.kind == "alerts":
                events = events_of(entry.body)
                pipeline.take(events, now)
                self._own.alerts_received.labels(entry.source).inc(len(events))
            else:
                outcomes[entry.id] = self._do(pipeline, entry, now)
        pipeline.turn(now)
        return self._keep(pipeline, [entry.id for entry in entries], outcomes, now)

    def _keep(
        self, pipeline: Pipeline, ids: Sequence[int], outcomes: Mapping[int, Mapping[str, Any]], now: float
    ) -> Turn:
        changes = pipeline.drain()
        learned = now - self._learned_at >= self._learned_every_s
        if changes or ids or learned:
            prepared = Prepared(changes)
            with self._database.write() as connection:
                self._guard(connection)
                prepared.save(connection)
                self._tell(connection, changes.notifications)
                mark_done(connection, ids, outcomes, now=now)
                if pipeline.memory.number != self._number:
                    write_fact(connection, NUMBER, pipeline.memory.number)
                if learned:
                    write_fact(connection, LEARNED, pipeline.parts.correlator.memory())
            self._inbox.outcomes.tell(outcomes)
        self._number = pipeline.memory.number
        if learned:
            self._learned_at = now
        self._own.incidents_open.set(
            sum(1 for each in pipeline.memory.incidents.values() if each.status in {"firing", "acknowledged"})
        )
        return Turn(len(ids), len(changes.notifications), bool(changes))

    def _one_by_one(self, entries: Iterable[Pending]) -> Turn:
        """Keep what can be kept; an entry that cannot be worked off is set aside with the reason, and loses nothing of the others."""
        done, told, changed = 0, 0, False
        self._turn(())  # what fails without any entry is no entry's fault: it is raised, and all of them wait
        for entry in entries:
            try:
                turn = self._turn([entry])
                told, changed = told + turn.notifications, changed or turn.changed
            except StoreError:
                self.forget_all()
                raise
            except Exception as error:  # noqa: BLE001 - the top of the work on one entry: it is recorded there
                self.forget_all()
                _log.exception(
                    "an entry of the inbox cannot be worked off", entry=entry.id, source=entry.source
                )
                self._set_aside(entry, error)
            done += 1
        return Turn(done, told, changed)

    def _set_aside(self, entry: Pending, error: Exception) -> None:
        reason = f"{type(error).__name__}: it could not be worked off; the log of the server says why"
        with self._database.write() as connection:
            self._guard(connection)
            outcome = {"ok": False, "status": 500, "field": "", "problem": reason}
            mark_done(connection, [entry.id], {entry.id: outcome}, now=self._clock.now())
        self._inbox.outcomes.tell({entry.id: outcome})
        self._own.alerts_failed.labels(entry.source).inc()

    def _do(self, pipeline: Pipeline, entry: Pending, now: float) -> Mapping[str, Any]:
        command = orjson.loads(entry.body)
        verb, arguments = str(command["verb"]), dict(command.get("arguments") or {})
        subject = str(
            arguments.get("id") or arguments.get("incident_id") or arguments.get("fingerprint") or ""
        )
        try:
            result = Commands(pipeline).do(verb, arguments, who=entry.source, now=now)
            outcome: dict[str, Any] = {"ok": True, "status": 200, "result": result}
            said = "done"
            subject = subject or str(result.get("id", ""))
        except Refused as refused:
            outcome = {
                "ok": False,
                "status": refused.status,
                "field": refused.field,
                "problem": refused.problem,
            }
            said = "refused"
        pipeline.memory.changes.audit.append(
            Audited(
                at=now,
                who=str(command.get("actor") or entry.source),
                verb=verb,
                subject=subject,
                outcome=said,
                detail=_detail(arguments, outcome),
            )
        )
        return outcome

    def _restored(self) -> Pipeline:
        memory = Memory()
        with self._database.begin() as connection:
            parts = self._make_parts(memory.new_id)
            restore(connection, memory, since=self._clock.now() - parts.times.remember)
            for silence in silences_of(connection):
                parts.silences.put(silence)
            for window in maintenance_of(connection):
                parts.maintenance.put(window)
            learned = read_fact(connection, LEARNED) or {}
            memory.number = self._number = max(memory.number, int(read_fact(connection, NUMBER) or 0))
        for alert in sorted(memory.alerts.values(), key=lambda each: each.starts_at):  # the earliest inhibits
            if alert.status == "firing":
                parts.inhibitor.take(alert.fingerprint, alert.labels, firing=True)
        parts.correlator.load(memory.alerts.values(), memory.incidents.values(), learned)
        pipeline = Pipeline(memory, parts)
        pipeline.resume(self._clock.now())
        return pipeline


def _detail(arguments: Mapping[str, Any], outcome: Mapping[str, Any]) -> dict[str, Any]:
    said = {
        key: value for key, value in arguments.items() if isinstance(value, str | int | float | list | dict)
    }
    return {"arguments": said, **{key: outcome[key] for key in ("field", "problem") if key in outcome}}
