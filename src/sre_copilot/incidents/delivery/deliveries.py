"""From the store to people: the leader turns what is to be told into deliveries, and a durable run carries each of them.

The order that makes a crash harmless, each line a transaction of its own or repeatable:

1. a notification becomes its deliveries (`pending` → `started`, and its deliveries are there)
2. deliveries are chosen to be sent alone (`started`), or a digest stands for them (`merged`); what is chosen once is never chosen otherwise
3. a durable run is begun for what is started of a lane, by the key of the first; one that is carried by two runs is sent by the first of them,
   for a lane has one run at a time, and what is sent is not begun again
4. `handed` notes that; a delivery that is started and not handed goes through 3 again
5. an attempt notes its intent, sends, and notes what came of it; what died in between is sent again with the same key
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, update

from sre_copilot.clock import Clock
from sre_copilot.durable.port import Durable, Run, RunState, StepFailed
from sre_copilot.incidents.delivery.attempt import Attach, Attempts, nothing
from sre_copilot.incidents.delivery.limits import longest
from sre_copilot.incidents.delivery.planning import Plan, Waiting, plan
from sre_copilot.incidents.delivery.receivers import Receiver, Target, addresses
from sre_copilot.settings.alerting.notify import Notify
from sre_copilot.store import deliveries as book
from sre_copilot.store.notifications import NotificationStore, notifications
from sre_copilot.store.paging import Row
from sre_copilot.telemetry import OwnMetrics

WORKFLOW = "deliver.1"
IN_FLIGHT = 100  # messages of one lane that a run has at once: with a turn a second that is more than platforms without a limit take, and the rest can still be merged
AFTER_FAULT_S = 15.0  # pause when the store did not accept an outcome
MOST_FAULTS = 20  # in a row; then the delivery is given up, for each of them may have sent
LOST_AFTER_S = (
    60.0  # a delivery under way for longer is looked after: its run may have ended without an outcome
)


class _Lost(Exception):  # noqa: N818 - ends a transaction
    """Another process has chosen meanwhile."""


class Deliveries:
    """Carries notifications to people; any process may work on runs, only the leader calls `pump`."""

    def __init__(
        self,
        store: NotificationStore,
        durable: Durable,
        notifiers: Mapping[str, Receiver],
        *,
        clock: Clock,
        own: OwnMetrics,
        settings: Notify | None = None,
        attach: Attach = nothing,
    ) -> None:
        self._store = store
        self._durable = durable
        self._receivers = notifiers
        self._settings = settings or Notify()
        self._own = own
        self._attempts = Attempts(
            store, notifiers, settings=self._settings, clock=clock, own=own, attach=attach
        )
        self._looked_at = 0.0
        durable.register(WORKFLOW, self._deliver, lane_limit=1)

    def pump(self, now: float) -> int:
        """Take what is to be told, and begin what the limits allow; how many runs were begun. Safe to repeat, whatever happened in between."""
        self._expand()
        begun = self._hand_over()
        with self._store.database.begin() as connection:
            waiting, busy = book.waiting(connection), book.under_way(connection)
            recent = book.starts(connection, since=now - self._longest()) if waiting else {}
        if waiting:
            for bot, rows in _by_bot(waiting).items():
                self._choose(bot, rows, busy, recent.get(bot, []), now)
            begun += self._hand_over()
        self._look_after(busy, now)
        return begun

    # -- a run ------------------------------------------------------------------------------------------------------

    def _deliver(self, run: Run, *, delivery: str, more: Sequence[str] = ()) -> dict[str, Any]:
        """Deliver the first, then what was started behind it in its lane, each with steps of its own."""
        for each in (delivery, *more):
            self._deliver_one(run, each)
        return {"delivery": delivery}

    def _deliver_one(self, run: Run, delivery: str) -> None:
        faults = 0
        while faults < MOST_FAULTS:
            try:
                found = run.step("attempt", self._attempts.make, delivery)
            except StepFailed:
                faults += 1
                run.sleep(AFTER_FAULT_S)
                continue
            faults = 0
            if found["done"]:
                return
            run.sleep(float(found["wait_s"]))
        run.step("give up", self._attempts.give_up, delivery, "the store did not accept what came of it")

    # -- 1: deliveries ----------------------------------------------------------------------------------------------

    def _expand(self) -> None:
        with self._store.database.begin() as connection:
            rows = book.unexpanded(connection)
        for row in rows:
            with self._store.database.write() as connection:
                self._expand_one(connection, row)

    def _expand_one(self, connection: Connection, row: Row) -> None:
        receiver = self._receivers.get(row["receiver"])
        if receiver is None:
            self._attempts.unreachable(
                connection,
                row,
                f"there is no receiver {row['receiver']!r}; configure it in alerting.notify.receivers",
            )
            return
        if row["state"] == "resolved" and not receiver.send_resolved:
            self._not_wanted(connection, row)
            return
        before = book.told_before(connection, row) if row["state"] == "resolved" else ()
        found = addresses(receiver, row["payload"].get("people") or (), before)
        if not found.targets:
            self._attempts.unreachable(
                connection,
                row,
                "the receiver has no service, or nobody of those on call has an address that it tells",
            )
            return
        targets = [(each, target) for each in found.targets if (target := receiver.target(each)) is not None]
        made = [
            book.delivery_row(row, address=each, kind=target.kind, bot=target.notifier.bot)
            for each, target in targets
        ]
        new = book.expand(connection, row, made)
        if new and found.unreached:
            self._own.notifications_failed.labels("no_address").inc(len(found.unreached))

    def _not_wanted(self, connection: Connection, row: Row) -> None:
        mine = (notifications.c.key == row["key"]) & (notifications.c.status == "pending")
        connection.execute(
            update(notifications).where(mine).values(status="skipped", finished_at=row["created_at"])
        )

    # -- 2: alone or merged -----------------------------------------------------------------------------------------

    def _choose(
        self, bot: str, rows: Sequence[Row], busy: Sequence[Row], recent: Sequence[float], now: float
    ) -> None:
        target = self._target(rows[0])
        not_sent = [now for each in busy if each["bot"] == bot and not each["attempts"]]
        found = plan(
            [_waiting(row) for row in rows],
            limits=target.limits if target else (),
            starts=sorted([*recent, *not_sent]),
            now=now,
            patience_s=self._settings.digest_after_seconds,
            mergeable=target.notifier.digests if target else False,
            room=_room(rows, busy),
        )
        try:
            self._keep(found, {row["key"]: row for row in rows}, now)
        except _Lost:
            return  # the next turn sees what the other process chose

    def _keep(self, found: Plan, rows: Mapping[str, Row], now: float) -> None:
        alone = [each.key for each in found.start]
        with self._store.database.write() as connection:
            if alone and book.start(connection, alone, now=now) != len(alone):
                raise _Lost
            for members in found.merge:
                keys = [each.key for each in members]
                digest = _digest_row([rows[key] for key in keys], now + len(alone) * book.BEHIND_S)
                if book.merge(connection, keys, digest) != len(keys):
                    raise _Lost
                self._own.notifications.labels(digest["kind"], "merged").inc(len(keys))

    # -- 3 and 4: runs ----------------------------------------------------------------------------------------------

    def _hand_over(self) -> int:
        with self._store.database.begin() as connection:
            rows = [row for row in book.under_way(connection) if not row["handed"]]
        begun = sum(
            self._start_run(lane, [row["key"] for row in mine]) for lane, mine in _lanes(rows).items()
        )
        if rows:
            with self._store.database.write() as connection:
                book.mark_handed(connection, [row["key"] for row in rows])
        return begun

    def _start_run(self, lane: str, keys: Sequence[str]) -> bool:
        """Begin a run for deliveries of a lane. The first may have one from before a crash, which may not carry those that were started since."""
        for place, key in enumerate(keys):
            carried = {"delivery": key, "more": list(keys[place + 1 :])}
            if self._durable.start(WORKFLOW, carried, key=key, lane=lane):
                return True
        return False

    def _look_after(self, busy: Sequence[Row], now: float) -> None:
        """Let what a run ended without an outcome have failed: that is said, and its lane goes on."""
        if 0.0 <= now - self._looked_at < LOST_AFTER_S:  # a clock that was set back looks at once
            return
        self._looked_at = now
        for rows in _lanes(busy).values():
            late = [
                row for row in rows if row["handed"] and now - float(row["started_at"] or now) >= LOST_AFTER_S
            ]
            self._look_after_lane({row["key"]: self._durable.state(row["key"]) for row in late})

    def _look_after_lane(self, states: Mapping[str, RunState | None]) -> None:
        """While a run of theirs goes on, they are its; else those that have no run of their own are begun anew."""
        if any(state is not None and state.status in ("waiting", "running") for state in states.values()):
            return
        for key, state in states.items():
            if state is not None:
                self._attempts.give_up(key, f"its run has ended: {state.status}")
        lost = [key for key, state in states.items() if state is None]
        if lost:
            with self._store.database.write() as connection:
                book.mark_handed(connection, lost, handed=False)

    def _target(self, row: Row) -> Target | None:
        receiver = self._receivers.get(row["receiver"])
        return receiver.target(row["target"]) if receiver else None

    def _longest(self) -> float:
        spans = (longest(target.limits) for each in self._receivers.values() for target in each.targets)
        return max(spans, default=0.0)


def _by_bot(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["bot"], []).append(row)
    return found


def _lanes(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(_waiting(row).lane, []).append(row)
    return found


def _waiting(row: Row) -> Waiting:
    lane = f"{row['receiver']}/{row['target']}"
    return Waiting(row["id"], row["key"], row["group_key"], lane, row["severity"], row["state"])


def _room(rows: Sequence[Row], busy: Sequence[Row]) -> dict[str, int]:
    """How many more each lane takes: none while its first message fails, for then the others can still be merged."""
    room = {_waiting(row).lane: IN_FLIGHT for row in rows}
    for row in busy:
        lane = _waiting(row).lane
        if lane in room:
            room[lane] = 0 if row["last_error"] else max(0, room[lane] - 1)
    return room


def _digest_row(rows: Sequence[Row], now: float) -> Row:
    first = rows[0]
    name = hashlib.sha256("\n".join(row["key"] for row in rows).encode()).hexdigest()[:24]
    worst = min((row["severity"] for row in rows), key=lambda each: each != "critical")
    found = book.delivery_row(
        {**first, "severity": worst}, address=first["target"], kind=first["kind"], bot=first["bot"]
    )
    return {
        **found,
        "key": f"digest/{name}/{first['target']}",
        "notification_key": "",
        "group_key": "",
        "state": "digest",
        "created_at": now,
        "status": "started",
        "started_at": now,
    }
