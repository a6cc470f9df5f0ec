"""What came in: written before it is answered for, worked off in order, its outcome kept beside it.

Whoever waits at the same moment shares a transaction: a thread writes what has gathered while the one before was written, so that a thousand
single alerts a second take a hundred transactions and not a thousand.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sre_copilot.errors import StoreError
from sre_copilot.store.alerting.outcomes import Outcomes
from sre_copilot.store.alerting.tables import inbox
from sre_copilot.store.database import Database
from sre_copilot.telemetry import log

Kind = Literal["alerts", "command"]
AT_ONCE = 2_000  # entries of one transaction: a transaction of more would let the next one wait too long
GATHER_S = 0.003  # others that come meanwhile share the transaction: each costs a sender little, and the process much
_log = log(__name__)
MOST_WAITING = 20_000  # entries in memory, some seconds of writing; beyond it senders are told to come again
MOST_BYTES = 256 * 1024**2  # of entries in memory, for a batch may have megabytes
FORGET_AT_ONCE = 5_000  # entries: some tens of milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message that came in: alerts of one sender, or a command of a person; `count` is how many alerts it holds."""

    kind: Kind
    source: str
    body: bytes
    received_at: float
    count: int = 1
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An entry that is not worked off."""

    id: int
    kind: Kind
    source: str
    received_at: float
    body: bytes
    key: str | None


class Inbox:
    """Writes, and reads what is pending; any thread may put."""

    def __init__(
        self, database: Database, *, most_waiting: int = MOST_WAITING, most_bytes: int = MOST_BYTES
    ) -> None:
        self._database = database
        self._waiting: queue.SimpleQueue[tuple[Entry, Future[int]] | None] = queue.SimpleQueue()
        self._most_waiting, self._most_bytes = most_waiting, most_bytes
        self._held = self._held_bytes = 0  # entries that are not written, those that are being written too
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False
        self.outcomes = Outcomes()
        """Of commands that this process carried out."""
        self.arrived = threading.Event()
        """Set when something has come in; whoever works it off clears it."""
        self.commanded = threading.Event()
        """Set when a person's command has come in, for whoever gave it waits; whoever works it off clears it."""

    def put(self, entry: Entry) -> Future[int]:
        """Write an entry; the future holds its id when it is durable. An entry whose key is there already gets the id of that one.

        It never waits, for an event loop may call it.

        Raises
        ------
        StoreError : when too much waits to be written
        """
        future: Future[int] = Future()
        future.set_running_or_notify_cancel()  # whoever no longer waits for it does not take it back
        with self._lock:
            if self._closed:
                raise StoreError("the inbox is closed: the server is ending. Send it again.")
            self._make_room(entry)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="inbox", daemon=True)
                self._thread.start()
            self._waiting.put((entry, future))
        return future

    def _make_room(self, entry: Entry) -> None:
        """Count an entry in; one alone is taken, however large it is."""
        if self._held and (
            self._held >= self._most_waiting or self._held_bytes + len(entry.body) > self._most_bytes
        ):
            raise StoreError(
                f"the inbox is full: {self._held} entries wait for the store, which is too slow. Send it again later."
            )
        self._held += 1
        self._held_bytes += len(entry.body)

    def _written(self, gathered: Sequence[tuple[Entry, Future[int]]]) -> None:
        with self._lock:
            self._held -= len(gathered)
            self._held_bytes -= sum(len(entry.body) for entry, _ in gathered)

    def close(self) -> None:
        """Write what waits, and end."""
        with self._lock:
            self._closed = True
            thread = self._thread
        if thread is not None:
            self._waiting.put(None)
            thread.join()

    def pending(self, *, limit: int, kind: Kind, most_alerts: int | None = None) -> tuple[Pending, ...]:
        """What is not worked off, in the order in which it came: at most so many entries, and no more when they hold so many alerts."""
        where = [inbox.c.done_at.is_(None), inbox.c.kind == kind]
        columns = (inbox.c.id, inbox.c.kind, inbox.c.source, inbox.c.received_at, inbox.c.body, inbox.c.key)
        query = select(*columns).where(*where).order_by(inbox.c.id).limit(limit)
        with self._database.begin() as connection:
            if most_alerts is not None:
                sizes = select(inbox.c.id, inbox.c.count).where(*where).order_by(inbox.c.id).limit(limit)
                last = _last_of(connection.execute(sizes).all(), most_alerts)
                query = query.where(inbox.c.id <= last)
            return tuple(Pending(**row) for row in connection.execute(query).mappings())

    def waiting(self) -> int:
        """How many entries are not worked off."""
        with self._database.begin() as connection:
            return int(connection.execute(select(func.count()).where(inbox.c.done_at.is_(None))).scalar_one())

    def body(self, entry_id: int) -> bytes:
        """What an entry says; nothing when it is not there."""
        with self._database.begin() as connection:
            found = connection.execute(
                select(inbox.c.body).where(inbox.c.id == entry_id)
            ).scalar_one_or_none()
        return bytes(found or b"")

    def outcome(self, entry_id: int) -> dict[str, Any] | None:
        """What came of an entry; None while it waits."""
        with self._database.begin() as connection:
            text = connection.execute(
                select(inbox.c.outcome).where(inbox.c.id == entry_id)
            ).scalar_one_or_none()
        return None if text is None else orjson.loads(text)

    def history(self, *, since: float, until: float, after: int = 0, limit: int = 500) -> tuple[Pending, ...]:
        """Alerts that came in between two times, in order, from the entry after `after` on: what rules are rehearsed with."""
        where = [inbox.c.kind == "alerts", inbox.c.id > after]
        where += [inbox.c.received_at >= since, inbox.c.received_at < until]
        columns = (inbox.c.id, inbox.c.kind, inbox.c.source, inbox.c.received_at, inbox.c.body, inbox.c.key)
        query = select(*columns).where(*where).order_by(inbox.c.id).limit(limit)
        with self._database.begin() as connection:
            return tuple(Pending(**row) for row in connection.execute(query).mappings())

    def forget(self, *, before: float, limit: int = FORGET_AT_ONCE) -> int:
        """Delete what was worked off before a time, at most so many entries, so that whoever decides is not held up; return how many."""
        some = select(inbox.c.id).where(inbox.c.done_at < before).limit(limit)
        with self._database.write() as connection:
            return int(connection.execute(delete(inbox).where(inbox.c.id.in_(some))).rowcount)

    # -- the thread that writes -------------------------------------------------------------------------------------

    def _write(self) -> None:
        ended = False
        while not ended:
            first = self._waiting.get()
            gathered = [] if first is None else [first]
            ended = first is None
            if first is not None and first[0].kind == "alerts":  # whoever gave a command waits
                time.sleep(GATHER_S)
            while len(gathered) < AT_ONCE:
                try:
                    further = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if further is None:
                    ended = True
                else:
                    gathered.append(further)
            if gathered:
                self._write_all(gathered)
                self._written(gathered)

    def _write_all(self, gathered: Sequence[tuple[Entry, Future[int]]]) -> None:
        try:
            with self._database.write() as connection:
                ids = _insert(connection, [entry for entry, _ in gathered])
        except Exception as error:  # noqa: BLE001 - the top of a thread that must go on: whoever waits is told
            if not isinstance(error, StoreError):
                _log.exception("entries could not be written", entries=len(gathered))
            for _, future in gathered:
                future.set_exception(error)
            return
        if any(entry.kind == "command" for entry, _ in gathered):
            self.commanded.set()
        self.arrived.set()
        for (_, future), entry_id in zip(gathered, ids, strict=True):
            future.set_result(entry_id)


def _last_of(sizes: Iterable[Sequence[int]], most: int) -> int:
    """The last entry up to which there are not much more alerts than `most`; the first one in any case."""
    last, held = 0, 0
    for entry, count in sizes:
        if held and held + count > most:
            break
        last, held = entry, held + count
    return last


def _insert(connection: Connection, entries: Sequence[Entry]) -> list[int]:
    """Insert the entries whose key is not there; ids are told of those that have a key, for nobody asks for the outcome of others."""
    fresh = {entry.key or index: entry for index, entry in enumerate(entries)}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = dialect.insert(inbox).on_conflict_do_nothing(
        index_elements=["key"]
    )  # another process may write it now
    connection.execute(new, [_row(entry) for entry in fresh.values()])
    known = _ids(connection, entries)
    return [known.get(entry.key, 0) for entry in entries]


def _ids(connection: Connection, entries: Sequence[Entry]) -> dict[str | None, int]:
    keys = [entry.key for entry in entries if entry.key is not None]
    if not keys:
        return {}
    rows = connection.execute(select(inbox.c.key, inbox.c.id).where(inbox.c.key.in_(keys)))
    return {row.key: row.id for row in rows}


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "source": entry.source,
        "key": entry.key,
        "received_at": entry.received_at,
        "count": entry.count,
        "body": entry.body,
    }


def mark_done(
    connection: Connection, ids: Iterable[int], outcomes: Mapping[int, Mapping[str, Any]], *, now: float
) -> None:
    """Mark entries as worked off, in the caller's transaction, with the outcomes of those that have one."""
    done = list(ids)
    quiet = [each for each in done if each not in outcomes]
    for start in range(0, len(quiet), AT_ONCE):
        chosen = inbox.c.id.in_(quiet[start : start + AT_ONCE])
        connection.execute(update(inbox).where(chosen).values(done_at=now))
    rows = [
        {"entry": each, "at": now, "text": orjson.dumps(outcomes[each]).decode()}
        for each in done
        if each in outcomes
    ]
    if rows:
        statement = update(inbox).where(inbox.c.id == bindparam("entry"))
        connection.execute(statement.values(done_at=bindparam("at"), outcome=bindparam("text")), rows)
