"""Rooms and sessions: who said what, what was noted from it, and which questions belong to whom."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from sre_copilot.errors import UsageError
from sre_copilot.store.database import Database
from sre_copilot.store.paging import Page, Row, decode, encode, read_page
from sre_copilot.store.tables import metadata

LAST_NUMBER = 2**31 - 1  # of a message: what a column of integers holds everywhere

rooms = Table(
    "rooms",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("title", String(300), nullable=False),
    Column("investigation_id", String(32), nullable=False, server_default=""),
    Column("owner", String(64), nullable=False),
    Column("least_role", String(16), nullable=False),
    Column("members", JSON, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("closed_at", Float),
    Index("ix_rooms_opened_at", "opened_at", "id"),
)

messages = Table(
    "room_messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("room_id", String(32), nullable=False),
    Column("at", Float, nullable=False),
    Column("author", String(200), nullable=False),
    Column("author_kind", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("lang", String(2), nullable=False),
    Column("text", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Index("ix_room_messages_room_id", "room_id", "id"),
)

notes = Table(
    "room_notes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("room_id", String(32), nullable=False),
    Column("message_id", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("about", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Column("who", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("data", JSON, nullable=False),
    Index("ix_room_notes_room_id", "room_id", "kind", "at"),
)
"""Facts, tasks and decisions, each with the message that it was taken from."""

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("title", String(300), nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Index("ix_sessions_owner", "owner", "updated_at", "id"),
)

turns = Table(
    "session_turns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("session_id", String(32), nullable=False),
    Column("at", Float, nullable=False),
    Column("question", Text, nullable=False),
    Column("understood", JSON, nullable=False),
    Column("answer", JSON, nullable=False),
    Index("ix_session_turns_session_id", "session_id", "id"),
)


class RoomStore:
    """Keeps rooms; messages are read in the order in which they were said."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(
        self,
        title: str,
        *,
        owner: str,
        now: float,
        least_role: str = "viewer",
        members: Sequence[str] = (),
        investigation_id: str = "",
        key: str = "",
    ) -> Row:
        """Open a room; `members` are ids of tokens, none means everyone of the least role.

        With `key` that is its id, and a room of this id that is there already is returned as it is.
        """
        if key and (known := self.get(key)) is not None:
            return known
        row = {
            "id": key or f"R-{secrets.token_hex(6)}",
            "title": title,
            "investigation_id": investigation_id,
            "owner": owner,
            "least_role": least_role,
            "members": list(members),
            "opened_at": now,
            "updated_at": now,
            "closed_at": None,
        }
        with self._database.begin() as connection:
            connection.execute(insert(rooms).values(row))
        return row

    def get(self, key: str) -> Row | None:
        """A room by its id."""
        return _one(self._database, rooms, rooms.c.id == key)

    def page(
        self,
        *,
        cursor: str | None = None,
        limit: int = 100,
        visible: Callable[[Row], bool] = lambda row: True,
    ) -> Page:
        """Rooms that are visible, the latest opened first; a cursor names none of the others."""
        found: list[Row] = []
        while len(found) <= limit:
            page = read_page(self._database, rooms, by="opened_at", cursor=cursor, limit=limit + 1)
            found += filter(visible, page.rows)
            if (cursor := page.next) is None:
                break
        kept = found[:limit]
        more = len(found) > limit
        return Page(tuple(kept), encode(kept[-1]["opened_at"], kept[-1]["id"]) if more else None)

    def admit(self, key: str, members: Sequence[str], *, now: float) -> None:
        """Replace the list of who may join."""
        with self._database.begin() as connection:
            _touch(connection, key, now, members=list(members))

    def link(self, key: str, investigation_id: str, *, now: float) -> None:
        """Say which investigation the room is about."""
        with self._database.begin() as connection:
            _touch(connection, key, now, investigation_id=investigation_id)

    def close(self, key: str, *, now: float) -> None:
        """Close a room: it is read, and nothing is added."""
        with self._database.begin() as connection:
            _touch(connection, key, now, closed_at=now)

    def post(
        self, key: str, message: Mapping[str, Any], noted: Sequence[Mapping[str, Any]] = (), *, now: float
    ) -> Row:
        """Add a message and what was noted from it; all or none.

        Raises
        ------
        UsageError : when the room is closed or not there
        """
        with self._database.begin() as connection:
            # whoever changes the room's row waits for the other, so that ids of messages rise in the order of their being seen
            _touch(connection, key, now, still_open=True)
            added = connection.execute(insert(messages).values({**message, "room_id": key, "at": now}))
            number = _number(added)
            if noted:
                fixed = {"room_id": key, "message_id": number, "at": now, "updated_at": now}
                connection.execute(
                    insert(notes),
                    [{**each, **fixed, "id": f"N-{number}-{place:03}"} for place, each in enumerate(noted)],
                )
        return {**message, "id": number, "room_id": key, "at": now}

    def messages(self, key: str, *, cursor: str | None = None, limit: int = 100) -> Page:
        """Messages after the cursor, the earliest first."""
        return _onward(self._database, messages, messages.c.room_id == key, cursor=cursor, limit=limit)

    def latest(self, key: str, *, limit: int) -> tuple[tuple[Row, ...], int]:
        """The last messages, the earliest of them first, and how many there are in all."""
        mine = messages.c.room_id == key
        query = select(messages).where(mine).order_by(messages.c.id.desc()).limit(limit)
        count = select(func.count()).select_from(messages).where(mine)
        with self._database.begin() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
            return tuple(reversed(rows)), int(connection.execute(count).scalar_one())

    def noted(self, key: str, *, kind: str = "", limit: int = 1000) -> tuple[Row, ...]:
        """Facts, tasks or decisions of a room in the order in which they were said; the last ones where there are more."""
        where = [notes.c.room_id == key, *([notes.c.kind == kind] if kind else [])]
        last_first = (notes.c.message_id.desc(), notes.c.id.desc())
        query = select(notes).where(*where).order_by(*last_first).limit(limit)
        with self._database.begin() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        return tuple(reversed(rows))

    def set_state(self, key: str, note_id: str, state: str, *, now: float) -> Row | None:
        """Say how a task stands; None where there is none of this id in the room."""
        mine = (notes.c.id == note_id) & (notes.c.room_id == key) & (notes.c.kind == "task")
        with self._database.begin() as connection:
            connection.execute(update(notes).where(mine).values(state=state, updated_at=now))
        return _one(self._database, notes, mine)


class SessionStore:
    """Keeps conversations; each belongs to its owner, and nobody else learns that it is there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, *, owner: str, title: str, now: float) -> Row:
        """Begin a conversation."""
        row = {
            "id": f"S-{secrets.token_hex(8)}",
            "owner": owner,
            "title": title,
            "opened_at": now,
            "updated_at": now,
        }
        with self._database.begin() as connection:
            connection.execute(insert(sessions).values(row))
        return row

    def get(self, key: str, *, owner: str) -> Row | None:
        """A conversation of this owner."""
        return _one(self._database, sessions, (sessions.c.id == key) & (sessions.c.owner == owner))

    def page(self, *, owner: str, cursor: str | None = None, limit: int = 100) -> Page:
        """Conversations of this owner, the latest used first."""
        where = [sessions.c.owner == owner]
        return read_page(self._database, sessions, by="updated_at", where=where, cursor=cursor, limit=limit)

    def add(
        self,
        key: str,
        *,
        owner: str,
        question: str,
        understood: Mapping[str, Any],
        answer: Mapping[str, Any],
        now: float,
    ) -> Row:
        """Add a question with its answer.

        Raises
        ------
        UsageError : when this owner has no such conversation
        """
        row = {
            "session_id": key,
            "at": now,
            "question": question,
            "understood": dict(understood),
            "answer": dict(answer),
        }
        mine = (sessions.c.id == key) & (sessions.c.owner == owner)
        with self._database.begin() as connection:
            if connection.execute(update(sessions).where(mine).values(updated_at=now)).rowcount != 1:
                raise UsageError(f"session {key!r}: there is none of this id. Begin a new one.")
            number = _number(connection.execute(insert(turns).values(row)))
        return {**row, "id": number}

    def turns(self, key: str, *, owner: str, cursor: str | None = None, limit: int = 100) -> Page:
        """Questions and answers after the cursor, the earliest first; none of a conversation of somebody else."""
        if self.get(key, owner=owner) is None:
            return Page((), None)
        return _onward(self._database, turns, turns.c.session_id == key, cursor=cursor, limit=limit)

    def last(self, key: str, *, owner: str) -> Row | None:
        """The latest question with its answer."""
        if self.get(key, owner=owner) is None:
            return None
        query = select(turns).where(turns.c.session_id == key).order_by(turns.c.id.desc()).limit(1)
        with self._database.begin() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return dict(row) if row is not None else None

    def remove(self, key: str, *, owner: str) -> bool:
        """Delete a conversation with all its turns; whether there was one."""
        mine = (sessions.c.id == key) & (sessions.c.owner == owner)
        with self._database.begin() as connection:
            if connection.execute(delete(sessions).where(mine)).rowcount != 1:
                return False
            connection.execute(delete(turns).where(turns.c.session_id == key))
        return True


def _number(added: CursorResult[Any]) -> int:
    """The number that the database gave to the row that was added."""
    (number,) = added.inserted_primary_key or (0,)
    return int(number)


def _touch(connection: Connection, key: str, now: float, *, still_open: bool = False, **values: Any) -> None:
    where = [rooms.c.id == key, *([rooms.c.closed_at.is_(None)] if still_open else [])]
    if connection.execute(update(rooms).where(*where).values(updated_at=now, **values)).rowcount != 1:
        raise UsageError(f"room {key!r}: is closed, or there is none of this id. Open another.")


def _one(database: Database, table: Table, where: ColumnElement[bool]) -> Row | None:
    with database.begin() as connection:
        row = connection.execute(select(table).where(where)).mappings().one_or_none()
    return dict(row) if row is not None else None


def _onward(
    database: Database, table: Table, where: ColumnElement[bool], *, cursor: str | None, limit: int
) -> Page:
    """Rows in the order of their numbers after the cursor; a cursor is given also at the end, to go on from later."""
    after = int(decode(cursor)[0]) if cursor else 0
    if not 0 <= after <= LAST_NUMBER:
        raise UsageError("cursor: is none that this server gave. Leave it out to begin anew.")
    query = select(table).where(where, table.c.id > after).order_by(table.c.id).limit(limit + 1)
    with database.begin() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    kept = rows[:limit]
    return Page(
        tuple(kept), encode(float(kept[-1]["id"]), str(kept[-1]["id"])) if len(rows) > limit else None
    )
