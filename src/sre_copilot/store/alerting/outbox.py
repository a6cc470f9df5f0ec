"""Events that are to be told, written in the transaction that keeps the fact itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql, sqlite

from sre_copilot.domain.event import Event
from sre_copilot.store.alerting.tables import outbox

LONGEST_ID, LONGEST_KEY = 64, 200  # characters, of the columns
DETECTORS_NUMBERS = orjson.OPT_SERIALIZE_NUMPY
IN_ORDER = text("LOCK TABLE outbox IN SHARE ROW EXCLUSIVE MODE")
"""Whoever follows the outbox goes on after the last number that it saw: numbers must become visible in their order, whoever writes. SQLite has one writer anyway."""


def announce(connection: Connection, events: Iterable[Event]) -> None:
    """Write events at the end of the caller's transaction; one that is there already stays as it is."""
    rows = [event_row(each) for each in events]
    if not rows:
        return
    whole = connection.dialect.name == "postgresql"
    if whole:
        connection.execute(IN_ORDER)
    insert = (postgresql if whole else sqlite).insert(outbox)
    connection.execute(insert.on_conflict_do_nothing(index_elements=["event_id"]), rows)


def event_row(event: Event) -> dict[str, Any]:
    """An event as a row."""
    short = hashlib.blake2b(event.id.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest
    return {
        "event_id": event.id if len(event.id) <= LONGEST_ID else short(),
        "type": event.type.value,
        "key": event.key[:LONGEST_KEY],
        "at": event.at,
        "data": orjson.dumps(event.data, option=DETECTORS_NUMBERS).decode(),
    }
