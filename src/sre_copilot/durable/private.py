"""All that is taken from DBOS without being public there, in one place; `tests/unit/durable/test_private.py` holds it to the locked version."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from dbos import DBOS
from dbos._utils import INTERNAL_QUEUE_NAME
from sqlalchemy import func, select

UNFINISHED = ("ENQUEUED", "DELAYED", "PENDING")


def take_over(executor: str) -> int:
    """Put the begun runs of a dead executor back into their queues, each exactly once; how many."""
    return len(DBOS._recover_pending_workflows([executor]))


def runs_of(dbos: DBOS, executor: str) -> frozenset[str]:
    """Keys of the runs that an executor has begun."""
    status = dbos._sys_db.tables.workflow_status
    begun = select(status.c.workflow_uuid).where(
        status.c.status == "PENDING", status.c.executor_id == executor
    )
    with dbos._sys_db.engine.connect() as connection:
        return frozenset(map(str, connection.execute(begun).scalars()))


def put_back(dbos: DBOS, key: str, executor: str) -> None:
    """Put one begun run of an executor back into its queue; nothing happens when it is another's by now, or has ended."""
    dbos._sys_db.reenqueue_for_recovery(key, [executor], INTERNAL_QUEUE_NAME)


def executors_with_runs(dbos: DBOS) -> frozenset[str]:
    """Executors under whose name runs are under way."""
    status = dbos._sys_db.tables.workflow_status
    begun = select(status.c.executor_id).distinct().where(status.c.status == "PENDING")
    with dbos._sys_db.engine.connect() as connection:
        return frozenset(str(each) for each in connection.execute(begun).scalars() if each)


def unknown_names(dbos: DBOS, known: Collection[str]) -> frozenset[str]:
    """Names of unfinished runs that are none of these."""
    status = dbos._sys_db.tables.workflow_status
    left = (
        select(status.c.name).distinct().where(status.c.status.in_(UNFINISHED), status.c.name.not_in(known))
    )
    with dbos._sys_db.engine.connect() as connection:
        return frozenset(map(str, connection.execute(left).scalars()))


def next_place(dbos: DBOS, queue: str, lane: str) -> int:
    """A place behind all unfinished runs of a lane. DBOS orders by its place first, then by a time that is coarse (to the second on SQLite), then by the key."""
    status = dbos._sys_db.tables.workflow_status
    last = select(func.max(status.c.priority)).where(
        status.c.queue_name == queue,
        status.c.queue_partition_key == lane,
        status.c.status.in_(("ENQUEUED", "PENDING")),
    )
    with dbos._sys_db.engine.connect() as connection:
        return int(connection.execute(last).scalar_one() or 0) + 1


def wake(dbos: DBOS, key: str, topic: str) -> None:
    """Let a run of this process look for its message now, where no database tells it."""
    payload, _ = dbos._sys_db._waiter(key, topic)
    signal = dbos._sys_db.notifications_map.get(payload)
    if signal is not None:
        signal.set()


def let_listener_go(dbos: DBOS) -> None:
    """Do not wait for the thread that sleeps between two looks for messages: it is a daemon and holds nothing."""
    if dbos._sys_db_field is None:  # its launch failed
        return
    listener = dbos._sys_db.run_notification_listener
    threads: list[Any] = dbos._background_threads
    dbos._background_threads = [each for each in threads if getattr(each, "_target", None) != listener]
