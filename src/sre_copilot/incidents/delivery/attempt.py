"""One attempt at one delivery: look whether it is still needed and allowed, note the intent, send, note what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, update

from sre_copilot.action.notify.notifier import Attachment, Delivered, Message
from sre_copilot.action.notify.outcomes import failed
from sre_copilot.clock import Clock
from sre_copilot.domain.notification import Notification
from sre_copilot.errors import SreCopilotError
from sre_copilot.incidents.delivery.limits import longest, wait
from sre_copilot.incidents.delivery.receivers import Receiver, Target, person_at
from sre_copilot.incidents.delivery.wording import digest, message
from sre_copilot.settings.alerting.notify import Notify
from sre_copilot.store import deliveries as book
from sre_copilot.store.notifications import NotificationStore, notifications, settle
from sre_copilot.store.paging import Row
from sre_copilot.telemetry import OwnMetrics, clean, log

DONE = {"done": True, "wait_s": 0.0}
LONGEST_REASON = 500  # characters
MOST_TRIES = 200  # of a delivery, whatever its pauses are
_log = log(__name__)
Outcome = dict[str, Any]
Attach = Callable[[Mapping[str, Any]], Sequence[Attachment]]
"""Makes the files that go along with a message, of what its content says of them under `attach`."""


def nothing(wanted: Mapping[str, Any]) -> Sequence[Attachment]:
    """No files."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What an attempt needs."""

    delivery: Row
    rows: tuple[Row, ...]
    target: Target
    message: Message
    number: int


class Attempts:
    """Makes attempts; what each came to is in the log before the next one."""

    def __init__(
        self,
        store: NotificationStore,
        receivers: Mapping[str, Receiver],
        *,
        settings: Notify,
        clock: Clock,
        own: OwnMetrics,
        attach: Attach = nothing,
    ) -> None:
        self._store = store
        self._attach = attach
        self._receivers = receivers
        self._settings = settings
        self._clock = clock
        self._own = own

    def make(self, key: str) -> Outcome:
        """Try once; whether the delivery is finished, and else after how many seconds to try again."""
        ready = self._begin(key)
        if not isinstance(ready, Ready):
            return ready
        outcome = self._send(ready)
        return self._end(ready, outcome)

    def give_up(self, key: str, reason: str) -> None:
        """Let a delivery have failed, for its run ended without an outcome."""
        with self._store.database.write() as connection:
            delivery = book.get(connection, key)
            if delivery is not None:
                self._fail(
                    connection,
                    delivery,
                    book.told_by(connection, delivery),
                    failed(reason, retry=False, cause="configuration"),
                )

    # -- before -----------------------------------------------------------------------------------------------------

    def _begin(self, key: str) -> Ready | Outcome:
        now = self._clock.now()
        with self._store.database.write() as connection:
            delivery = book.get(connection, key)
            if delivery is None or delivery["status"] != "started":
                return DONE
            rows = book.told_by(connection, delivery)
            receiver = self._receivers.get(delivery["receiver"])
            target = receiver.target(delivery["target"]) if receiver else None
            if receiver is None or target is None:
                gone = failed(
                    "this receiver or service is not configured any more", retry=False, cause="configuration"
                )
                self._fail(connection, delivery, rows, gone)
                return DONE
            if delivery["state"] == "resolved" and not book.was_told(connection, delivery):
                self._skip(connection, delivery, rows)
                return DONE
            recent = book.starts(connection, since=now - longest(target.limits)).get(target.notifier.bot, [])
            if (pause := wait(target.limits, recent, now)) > 0:
                return {"done": False, "wait_s": pause}
            thread = book.thread_of(connection, delivery)
            number = book.begin_attempt(connection, delivery, now=now)
        said = self._said(delivery, rows, receiver, thread)
        return Ready(delivery=delivery, rows=tuple(rows), target=target, message=said, number=number)

    def _said(self, delivery: Row, rows: list[Row], receiver: Receiver, thread: str) -> Message:
        address = str(delivery["target"])
        to = address.partition(":")[2]
        if not delivery["notification_key"]:
            return digest(
                rows, key=delivery["key"], receiver=receiver.name, language=receiver.language, to=to
            )
        people = rows[0]["payload"].get("people") or []
        person = person_at(address, receiver, people)
        language = receiver.language
        if person and person.get("language") in ("en", "zh"):
            language = person["language"]
        return message(
            rows[0],
            key=delivery["key"],
            language=language,
            thread=thread,
            to=to,
            people=[person] if person else people,
            wording=receiver.wording,
            external_url=self._settings.external_url,
        )

    # -- sending ----------------------------------------------------------------------------------------------------

    def _send(self, ready: Ready) -> Delivered:
        try:
            said = self._with_files(ready)
            return ready.target.notifier.send(said, timeout_s=ready.target.timeout_s)
        except Exception as error:  # noqa: BLE001 - a step of a workflow: a plug-in's mistake is an outcome, and recorded
            _log.exception("a notifier raised", kind=ready.target.kind, key=ready.delivery["key"])
            return failed(f"the notifier failed: {type(error).__name__}", retry=False, cause="configuration")

    def _with_files(self, ready: Ready) -> Message:
        """The message with its files, where its service takes any; one that cannot be made keeps nobody from being told."""
        wanted = ready.message.data.get("attach")
        if not isinstance(wanted, Mapping) or not ready.target.notifier.attaches:
            return ready.message
        try:
            return replace(ready.message, attachments=tuple(self._attach(wanted)))
        except SreCopilotError as error:
            _log.error("a file cannot be attached", key=ready.delivery["key"], problem=str(error))
            return ready.message

    # -- after ------------------------------------------------------------------------------------------------------

    def _end(self, ready: Ready, outcome: Delivered) -> Outcome:
        now, delivery = self._clock.now(), ready.delivery
        pause = self._pause(delivery, ready.number, outcome, now)
        reason = clean(outcome.reason)[:LONGEST_REASON]
        ended = {"finished_at": now, "cause": outcome.cause, "reason": reason}
        kind = ready.target.kind
        with self._store.database.write() as connection:
            if outcome.ok:
                book.end_attempt(connection, delivery, ready.number, outcome="sent", **ended)
                self._sent(connection, ready, outcome, now)
                return DONE
            if pause is not None:
                book.end_attempt(
                    connection, delivery, ready.number, outcome="retry", retry_at=now + pause, **ended
                )
                book.finish(connection, delivery, last_error=reason)
                self._own.notifications.labels(kind, "retried").inc()
                return {"done": False, "wait_s": pause}
            book.end_attempt(connection, delivery, ready.number, outcome="failed", **ended)
            self._fail(connection, delivery, list(ready.rows), outcome)
        return DONE

    def _pause(self, delivery: Row, number: int, outcome: Delivered, now: float) -> float | None:
        """Seconds until the next attempt; None when there is none."""
        if outcome.ok or not outcome.retry or number >= MOST_TRIES:
            return None
        usual = min(
            self._settings.longest_pause_seconds,
            self._settings.first_pause_seconds * 2.0 ** min(number - 1, 20),
        )
        chance = hashlib.sha256(f"{delivery['key']}/{number}".encode()).digest()[0] / 255
        pause = max(usual * (0.5 + chance / 2), outcome.retry_after_s or 0.0)
        until = float(delivery["created_at"]) + self._settings.give_up_after_minutes * 60
        return pause if now + pause <= until else None

    def _sent(self, connection: Connection, ready: Ready, outcome: Delivered, now: float) -> None:
        reference = outcome.reference[:500]
        if not book.finish(
            connection, ready.delivery, status="sent", sent_at=now, reference=reference, last_error=""
        ):
            return
        for row in ready.rows:
            settle(connection, row["key"], now=now)
            self._own.notification_latency_seconds.observe(max(0.0, now - float(row["created_at"])))
        self._own.notifications.labels(ready.target.kind, "sent").inc()

    def _skip(self, connection: Connection, delivery: Row, rows: list[Row]) -> None:
        """The end of something of which this address never heard is not told; whoever was told in its place hears it."""
        if not book.finish(connection, delivery, status="skipped"):
            return
        self._own.notifications.labels(delivery["kind"], "skipped").inc()
        for row in rows:
            settle(connection, row["key"], now=self._clock.now())
            fallback = self._fallback_of(row)
            if fallback and book.fallbacks_of(connection, row, fallback):
                self._fall_back(connection, row, fallback)

    def _fail(self, connection: Connection, delivery: Row, rows: list[Row], outcome: Delivered) -> None:
        """Say it loudly, and tell the fallback."""
        reason = clean(outcome.reason)[:LONGEST_REASON]
        if not book.finish(connection, delivery, status="failed", last_error=reason or "failed"):
            return
        self._own.notifications.labels(delivery["kind"], "failed").inc()
        self._own.notifications_failed.labels(outcome.cause or "other").inc()
        _log.error(
            "a message could not be delivered",
            key=delivery["key"],
            receiver=delivery["receiver"],
            kind=delivery["kind"],
            reason=reason,
        )
        for row in rows:
            settle(connection, row["key"], now=self._clock.now())
            self.fall_back(connection, row)

    # -- in its place -----------------------------------------------------------------------------------------------

    def unreachable(self, connection: Connection, row: Row, reason: str) -> None:
        """A notification that cannot go anywhere: failed, loudly, and on to the fallback."""
        now = self._clock.now()
        values = {"status": "failed", "finished_at": now, "last_error": reason}
        mine = (notifications.c.key == row["key"]) & (notifications.c.status == "pending")
        if connection.execute(update(notifications).where(mine).values(**values)).rowcount != 1:
            return
        self._own.notifications.labels("none", "failed").inc()
        self._own.notifications_failed.labels("configuration").inc()
        _log.error("a message has nowhere to go", key=row["key"], receiver=row["receiver"], reason=reason)
        self.fall_back(connection, row)

    def fall_back(self, connection: Connection, row: Row) -> None:
        """Tell the fallback of the receiver, unless the message comes from it."""
        if fallback := self._fallback_of(row):
            self._fall_back(connection, row, fallback)

    def _fallback_of(self, row: Row) -> str:
        receiver = self._receivers.get(row["receiver"])
        wanted = receiver.fallback if receiver else self._settings.fallback
        before = [*(row["payload"]["content"].get("fallback_from") or ()), row["receiver"]]
        return wanted if wanted not in before else ""

    def _fall_back(self, connection: Connection, row: Row, receiver: str) -> None:
        content = row["payload"]["content"]
        before = [*(content.get("fallback_from") or ()), row["receiver"]]
        told = Notification(
            key=f"{row['key']}/fallback/{receiver}",
            group=row["group_key"],
            receiver=receiver,
            state=row["state"],
            sequence=row["sequence"],
            created_at=self._clock.now(),
            content={**content, "fallback_from": before},
            people=tuple(row["payload"].get("people") or ()),
            about=row["payload"].get("about", "other"),
        )
        self._store.insert(connection, [told])
