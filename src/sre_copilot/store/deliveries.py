"""What became of notifications at each address: read and changed within the caller's own transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, func, select, update

from sre_copilot.store.notifications import (
    UNFINISHED,
    attempts,
    deliveries,
    insert_new,
    notifications,
    one,
)
from sre_copilot.store.paging import Row

AT_ONCE = 500  # rows a turn: a storm has a few dozen
OF_A_BOT = (
    1_200  # that wait: more than any bot may send in a turn, so that it still shows whether they are too many
)
BEHIND_S = 1e-6  # between two that are started together: it keeps their order, which may be another than that of their coming


def unexpanded(connection: Connection) -> list[Row]:
    """Notifications that are not with the services yet, in their order."""
    return _rows(
        connection,
        select(notifications)
        .where(notifications.c.status == "pending")
        .order_by(notifications.c.id)
        .limit(AT_ONCE),
    )


def expand(connection: Connection, row: Row, targets: Iterable[Row]) -> bool:
    """Give a notification its deliveries; False when another process has done so."""
    where = and_(notifications.c.key == row["key"], notifications.c.status == "pending")
    if connection.execute(update(notifications).where(where).values(status="started")).rowcount != 1:
        return False
    insert_new(connection, deliveries, list(targets))
    return True


def delivery_row(row: Row, *, address: str, kind: str, bot: str) -> Row:
    """A delivery of a notification to one address."""
    return {
        **dict.fromkeys(("reference", "last_error", "merged_into"), ""),
        **dict.fromkeys(("started_at", "sent_at"), None),
        "key": f"{row['key']}/{address}",
        "notification_key": row["key"],
        "group_key": row["group_key"],
        "receiver": row["receiver"],
        "target": address,
        "kind": kind,
        "bot": bot,
        "state": row["state"],
        "severity": row["severity"],
        "created_at": row["created_at"],
        "status": "pending",
        "handed": False,
        "attempts": 0,
    }


def waiting(connection: Connection) -> list[Row]:
    """Deliveries that wait, in their order: so many of each bot, so that one that does not answer hides none of another; critical groups first."""
    chosen = _chosen_of_bots()
    return _rows(connection, select(deliveries).where(deliveries.c.id.in_(chosen)).order_by(deliveries.c.id))


def under_way(connection: Connection) -> list[Row]:
    """Deliveries that are started and not finished, in the order of their start."""
    started = deliveries.c.status == "started"
    return _rows(
        connection, select(deliveries).where(started).order_by(deliveries.c.started_at, deliveries.c.id)
    )


def starts(connection: Connection, *, since: float) -> dict[str, list[float]]:
    """When each bot was asked to send since a time, in order."""
    found: dict[str, list[float]] = {}
    query = select(attempts.c.bot, attempts.c.at).where(attempts.c.at >= since).order_by(attempts.c.at)
    for bot, at in connection.execute(query):
        found.setdefault(bot, []).append(float(at))
    return found


def start(connection: Connection, keys: Sequence[str], *, now: float) -> int:
    """Let deliveries begin in this order; how many of them still waited. From here on they are sent alone, and never merged."""
    started = 0
    for place, key in enumerate(keys):
        where = and_(deliveries.c.key == key, deliveries.c.status == "pending")
        values = {"status": "started", "started_at": now + place * BEHIND_S}
        started += connection.execute(update(deliveries).where(where).values(**values)).rowcount
    return started


def merge(connection: Connection, keys: Sequence[str], digest: Row) -> int:
    """Let a digest stand for deliveries that wait; how many of them still did."""
    where = and_(deliveries.c.key.in_(keys), deliveries.c.status == "pending")
    insert_new(connection, deliveries, [digest])
    return int(
        connection.execute(
            update(deliveries).where(where).values(status="merged", merged_into=digest["key"])
        ).rowcount
    )


def mark_handed(connection: Connection, keys: Sequence[str], *, handed: bool = True) -> None:
    """Note that their runs are there, or that they are not."""
    connection.execute(update(deliveries).where(deliveries.c.key.in_(keys)).values(handed=handed))


def told_before(connection: Connection, row: Row) -> list[str]:
    """Addresses that were told of the group of a notification by the same receiver."""
    mine = and_(deliveries.c.group_key == row["group_key"], deliveries.c.receiver == row["receiver"])
    query = select(deliveries.c.target).where(mine, deliveries.c.status != "skipped").distinct()
    return sorted(str(target) for target in connection.execute(query).scalars())


def thread_of(connection: Connection, delivery: Row) -> str:
    """The platform's reference of the first message of the group at this address; '' when there was none."""
    if not delivery["group_key"]:
        return ""
    query = (
        select(deliveries.c.reference)
        .where(*_same_thread(delivery), deliveries.c.reference != "", deliveries.c.status == "sent")
        .order_by(deliveries.c.id)
        .limit(1)
    )
    return str(connection.execute(query).scalar_one_or_none() or "")


def was_told(connection: Connection, delivery: Row) -> bool:
    """Whether this address has, or may have, an earlier message of the group: one whose outcome nobody knows counts."""
    earlier = select(deliveries.c.key, deliveries.c.merged_into).where(
        *_same_thread(delivery), deliveries.c.id < delivery["id"]
    )
    keys = {key for row in connection.execute(earlier) for key in row if key}
    if not keys:
        return False
    told = deliveries.c.key.in_(keys) & (deliveries.c.status.in_(("sent", "started")))
    unsure = attempts.c.delivery_key.in_(keys) & (
        (attempts.c.outcome == "unknown") | (attempts.c.cause == "timeout")
    )
    sent = connection.execute(select(func.count()).select_from(deliveries).where(told)).scalar_one()
    return bool(sent) or bool(
        connection.execute(select(func.count()).select_from(attempts).where(unsure)).scalar_one()
    )


def begin_attempt(connection: Connection, delivery: Row, *, now: float) -> int:
    """Note that an attempt begins, before anything is sent; its number. One that was under way has no known outcome."""
    mine = attempts.c.delivery_key == delivery["key"]
    cut_off = and_(mine, attempts.c.outcome == "sending")
    connection.execute(update(attempts).where(cut_off).values(outcome="unknown", finished_at=now))
    number = (
        int(
            connection.execute(select(func.coalesce(func.max(attempts.c.number), 0)).where(mine)).scalar_one()
        )
        + 1
    )
    row = {
        "delivery_key": delivery["key"],
        "number": number,
        "bot": delivery["bot"],
        "at": now,
        "outcome": "sending",
    }
    insert_new(connection, attempts, [row], by="delivery_key,number")
    connection.execute(update(deliveries).where(deliveries.c.key == delivery["key"]).values(attempts=number))
    return number


def end_attempt(connection: Connection, delivery: Row, number: int, **outcome: Any) -> None:
    """Note what came of an attempt."""
    mine = and_(attempts.c.delivery_key == delivery["key"], attempts.c.number == number)
    connection.execute(update(attempts).where(mine).values(**outcome))


def finish(connection: Connection, delivery: Row, **values: Any) -> bool:
    """Note what became of a delivery; False when that is known already."""
    where = and_(deliveries.c.key == delivery["key"], deliveries.c.status.in_(UNFINISHED))
    return connection.execute(update(deliveries).where(where).values(**values)).rowcount == 1


def get(connection: Connection, key: str) -> Row | None:
    """A delivery by its key."""
    return one(connection, deliveries, deliveries.c.key == key)


def told_by(connection: Connection, delivery: Row) -> list[Row]:
    """The notifications that a delivery tells, in their order: one, or those that a digest stands for."""
    keys = [delivery["notification_key"]] if delivery["notification_key"] else []
    if not keys:
        merged = select(deliveries.c.notification_key).where(deliveries.c.merged_into == delivery["key"])
        keys = [str(key) for key in connection.execute(merged).scalars()]
    return _rows(
        connection, select(notifications).where(notifications.c.key.in_(keys)).order_by(notifications.c.id)
    )


def fallbacks_of(connection: Connection, row: Row, receiver: str) -> bool:
    """Whether a receiver was told of the same group in the place of another."""
    told = and_(notifications.c.group_key == row["group_key"], notifications.c.receiver == receiver)
    query = select(notifications.c.key).where(told, notifications.c.key.contains("/fallback/"))
    return connection.execute(query.limit(1)).scalar_one_or_none() is not None


def _chosen_of_bots() -> Any:
    """Ids of the first deliveries of each bot; a group is as urgent as its worst, so that none of its messages overtakes another."""
    group = (deliveries.c.receiver, deliveries.c.target, deliveries.c.group_key)
    calm = func.min(case((deliveries.c.severity == "critical", 0), else_=1)).over(partition_by=group)
    rated = (
        select(deliveries.c.id, deliveries.c.bot, calm.label("calm"))
        .where(deliveries.c.status == "pending")
        .subquery()
    )
    place = func.row_number().over(partition_by=rated.c.bot, order_by=(rated.c.calm, rated.c.id))
    placed = select(rated.c.id, place.label("place")).subquery()
    return select(placed.c.id).where(placed.c.place <= OF_A_BOT)


def _same_thread(delivery: Row) -> tuple[Any, ...]:
    return (
        deliveries.c.group_key == delivery["group_key"],
        deliveries.c.receiver == delivery["receiver"],
        deliveries.c.target == delivery["target"],
    )


def _rows(connection: Connection, query: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]
