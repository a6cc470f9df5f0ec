"""What others are shown of very many alerts at once: the database takes the few fields out of each record, for to read all of it would take ten times as long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Float, bindparam, func, or_, select, text

from sre_copilot.store.alerting.tables import alerts

Piece = tuple[Any, ...]


def pieces(connection: Connection, fields: Sequence[str], *, since: float) -> Iterator[Piece]:
    """These fields of each alert that fires, or was told since a time."""
    if connection.dialect.name == "postgresql":
        found = connection.execute(_postgresql(tuple(fields)), {"since": since})
    else:
        paths = [f"$.{name}" for name in fields]
        known = or_(alerts.c.status == "firing", alerts.c.updated_at >= since)
        found = connection.execute(select(func.json_extract(alerts.c.document, *paths)).where(known))
    texts = found.scalars().all()
    return (tuple(orjson.loads(each)) for each in texts)


def _postgresql(fields: Sequence[str]) -> Any:
    """Each record is taken apart once, however many of its fields are asked for."""
    named = ", ".join(f'told."{name}"' for name in fields)
    typed = ", ".join(f'"{name}" json' for name in fields)
    statement = (
        f"SELECT CAST(json_build_array({named}) AS text)"  # noqa: S608 - names of fields of our own record
        f" FROM alerts, json_to_record(CAST(alerts.document AS json)) AS told({typed})"
        " WHERE alerts.status = 'firing' OR alerts.updated_at >= :since"
    )
    return text(statement).bindparams(bindparam("since", type_=Float))
