"""Reading a table page by page, latest first, without losing or repeating a row while others are added."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, or_, select

from sre_copilot.errors import UsageError
from sre_copilot.store.database import Database

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and the cursor of the next page (None: this was the last)."""

    rows: tuple[Row, ...]
    next: str | None


def read_page(
    database: Database,
    table: Table,
    *,
    by: str,
    where: Sequence[ColumnElement[bool]] = (),
    cursor: str | None = None,
    limit: int = 100,
) -> Page:
    """Read rows ordered by the column `by` and the id, both falling, after the cursor."""
    time, key = table.c[by], table.c["id"]
    conditions = list(where)
    if cursor:
        moment, last = decode(cursor)
        conditions.append(or_(time < moment, and_(time == moment, key < last)))
    query = select(table).where(*conditions).order_by(time.desc(), key.desc()).limit(limit + 1)
    with database.begin() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    more = len(rows) > limit
    kept = rows[:limit]
    return Page(tuple(kept), encode(kept[-1][by], kept[-1]["id"]) if more else None)


def encode(moment: float, key: str) -> str:
    """A cursor: opaque to whoever carries it."""
    return base64.urlsafe_b64encode(json.dumps([moment, key]).encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[float, str]:
    """The place that a cursor marks.

    Raises
    ------
    UsageError : when it is none of ours
    """
    try:
        moment, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        place = float(moment), str(key)
        if not math.isfinite(place[0]) or not place[1].isascii() or not place[1].isprintable():
            raise ValueError(cursor)
        return place
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        raise UsageError("cursor: is none that this server gave. Leave it out to begin anew.") from None
