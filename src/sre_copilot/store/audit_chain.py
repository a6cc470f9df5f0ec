"""The audit as a chain: each entry carries the hash of the one before, so that nothing is changed, taken out or put in without `verify` naming the place.

The head (how many entries, hash of the last) stands in another table, and goes to the log and to whoever keeps it outside: it is what shows a tail that was cut off.
Whoever appends holds the head until the end of the transaction, so that there is one order, whichever process writes: append last, after the outbox.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson
from sqlalchemy import (
    Column,
    Connection,
    Float,
    Index,
    String,
    Table,
    Text,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from sre_copilot.errors import StoreError, UsageError
from sre_copilot.store.database import Database
from sre_copilot.store.paging import Page, decode, encode
from sre_copilot.store.tables import LAST_NUMBER, Number, facts, metadata

HEAD = "audit.head"
HEAD_LOST = "audit.head_lost"
START = "0" * 64
"""What the first entry names as the one before it."""
AT_ONCE = 1_000  # entries read at a time: some hundred kilobytes
IDLE_MS = 3000  # whoever is stopped while holding the head does not hold up all others for longer
FIELDS = ("id", "at", "who", "verb", "subject", "outcome", "detail", "previous")
LONGEST = {"who": 200, "verb": 64, "subject": 200, "outcome": 32}
audit = Table(
    "audit",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("who", String(200), nullable=False),
    Column("verb", String(64), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Index("ix_audit_at", "at", "id"),
    Index("ix_audit_subject", "subject", "id"),
)
"""Every change that a person or a program asked for, refused ones too; `id` counts from 1 without a gap."""
Wrong = Literal["changed", "missing", "order", "tail", "extra", "head", "anchor"]


@dataclass(frozen=True, slots=True)
class Head:
    """How many entries there are, and the hash of the last; written `12:HASH`."""

    count: int = 0
    hash: str = START

    def __str__(self) -> str:
        return f"{self.count}:{self.hash}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The first entry that is not as it was written: `number` counts from 1, `wrong` says what is wrong with it."""

    number: int
    wrong: Wrong
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a check of the whole chain found; `broken` is None when every entry is as it was written, in its place."""

    entries: int
    head: Head
    broken: Broken | None = None


class AuditChain:
    """Appends, reads and checks entries; any thread and any process may."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @staticmethod
    def append(  # noqa: PLR0917 - the columns in their order
        connection: Connection,
        who: str,
        verb: str,
        subject: str,
        outcome: str,
        detail: Mapping[str, Any] | None,
        at: float,
    ) -> int:
        """Append an entry at the end of the caller's transaction; its number. `detail` never holds a secret."""
        row = {"at": at, "who": who, "verb": verb, "subject": subject, "outcome": outcome}
        return append_rows(connection, [{**row, "detail": _json(detail or {})}])

    def note(
        self,
        who: str,
        verb: str,
        subject: str,
        *,
        outcome: str,
        detail: Mapping[str, Any] | None = None,
        at: float,
    ) -> int:
        """Append an entry in a transaction of its own: for a refusal, of which nothing else is kept."""
        with self._database.write() as connection:
            return self.append(connection, who, verb, subject, outcome, detail, at)

    def head(self) -> Head:
        """How many entries there are, and the hash of the last, as they were kept beside the entries."""
        with self._database.begin() as connection:
            return _head(connection)

    def page(self, *, cursor: str | None = None, limit: int = 100, subject: str = "", verb: str = "") -> Page:
        """Entries, the last first; `subject` is whole, `verb` the beginning of one (`plan.`)."""
        where = [audit.c.id < _number(cursor)] if cursor else []
        where += [audit.c.subject == subject] if subject else []
        where += [audit.c.verb.startswith(verb, autoescape=True)] if verb else []
        query = select(audit).where(*where).order_by(audit.c.id.desc()).limit(limit + 1)
        with self._database.begin() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        kept = [{**row, "detail": _detail(row["detail"])} for row in rows[:limit]]
        last = kept[-1]["id"] if len(rows) > limit else None
        return Page(tuple(kept), encode(float(last), str(last)) if last is not None else None)

    def verify(self, anchors: Sequence[Head] = ()) -> Verdict:
        """Compute every hash anew; the first entry whose hash, place or presence is wrong is named.

        Parameters
        ----------
        anchors : heads that were noted outside earlier; the chain must still go through each of them
        """
        wanted: dict[int, set[str]] = {}
        for each in anchors:
            if each.count:
                wanted.setdefault(each.count, set()).add(each.hash)
        last, lost = Head(), None
        for row in self._rows():
            broken = _problem(row, last)
            if broken is None and wanted.pop(row["id"], {row["hash"]}) != {row["hash"]}:
                broken = Broken(number=row["id"], wrong="anchor", problem=f"entry {row['id']} is another than the one that was noted outside")  # fmt: skip
            if broken is not None:
                return Verdict(entries=last.count, head=self.head(), broken=broken)
            if lost is None and row["verb"] == HEAD_LOST:
                lost = Broken(number=row["id"], wrong="head", problem=f"before entry {row['id']} the head was lost: nobody knows how many entries there were")  # fmt: skip
            last = Head(row["id"], row["hash"])
        found = self._whole(last, wanted)
        return found if found.broken is not None else replace(found, broken=lost)

    def _whole(self, last: Head, beyond: Mapping[int, set[str]]) -> Verdict:
        """What is right in itself, held against the head and what was noted outside."""
        kept, newest = self._ends()
        broken = None
        if newest < kept.count:
            broken = _cut(newest, kept.count)
        elif newest > kept.count:
            broken = Broken(number=kept.count + 1, wrong="extra", problem=f"entry {kept.count + 1} was put in beside the chain, which has {kept.count} entries")  # fmt: skip
        elif last.count == kept.count and last.hash != kept.hash:
            broken = Broken(number=last.count, wrong="head", problem=f"entry {last.count} is another than the one that was last")  # fmt: skip
        elif beyond and max(beyond) > newest:
            broken = _cut(newest, max(beyond))
        return Verdict(entries=last.count, head=kept, broken=broken)

    def _ends(self) -> tuple[Head, int]:
        """The head and the number of the last entry, seen at one moment."""
        newest = select(func.coalesce(func.max(audit.c.id), 0)).scalar_subquery()
        query = select(newest.label("newest"), select(facts.c.value).where(facts.c.key == HEAD).scalar_subquery().label("head"))  # fmt: skip
        with self._database.begin() as connection:
            row = connection.execute(query).one()
        return _read(row.head), int(row.newest)

    def _rows(self) -> Iterator[dict[str, Any]]:
        after = -LAST_NUMBER
        while True:
            query = select(audit).where(audit.c.id > after).order_by(audit.c.id).limit(AT_ONCE)
            with self._database.begin() as connection:
                rows = [dict(row) for row in connection.execute(query).mappings()]
            yield from rows
            if len(rows) < AT_ONCE:
                return
            after = rows[-1]["id"]


def append_rows(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Append entries (at, who, verb, subject, outcome, detail as JSON) at the end of the caller's transaction; the number of the last."""
    if not rows:
        return 0
    head, lost = _held(connection)
    if lost:
        rows = [_lost(head, rows[0]["at"]), *rows]
    chained = []
    for row in rows:
        chained.append(_linked(row, head))
        head = Head(chained[-1]["id"], chained[-1]["hash"])
    connection.execute(insert(audit), chained)
    mine = update(facts).where(facts.c.key == HEAD)
    connection.execute(mine.values(value={"count": head.count, "hash": head.hash}))
    return head.count


def read_head(given: str) -> Head:
    """A head as it was printed.

    Raises
    ------
    UsageError : when it is none
    """
    count, _, digest = given.strip().partition(":")
    if not count.isdecimal() or len(digest) != len(START) or set(digest) - set("0123456789abcdef"):
        raise UsageError(f"anchor: {given[:80]!r} is none; write it as `audit head` printed it, NUMBER:HASH")
    return Head(int(count), digest)


def digest_of(row: Mapping[str, Any]) -> str:
    """The hash of an entry, over all that stands in it and the hash of the one before."""
    plain = json.dumps([row[name] for name in FIELDS], separators=(",", ":"), ensure_ascii=True, default=repr)
    return hashlib.sha256(plain.encode()).hexdigest()


def _linked(row: Mapping[str, Any], head: Head) -> dict[str, Any]:
    at = float(row["at"])
    if not math.isfinite(at):
        raise StoreError("audit: the time of an entry is no number; nothing was written.")
    short = {name: _text(row[name])[:longest] for name, longest in LONGEST.items()}
    made = {"id": head.count + 1, "at": at, **short, "detail": _text(row["detail"]), "previous": head.hash}
    return {**made, "hash": digest_of(made)}


def _lost(head: Head, at: Any) -> dict[str, Any]:
    """That entries were there without their head: said for good, for what was cut off the end cannot be told any more."""
    return {"at": at, "who": "sre-copilot", "verb": HEAD_LOST, "subject": HEAD, "outcome": "failed", "detail": _json({"begun_anew_after": str(head)})}  # fmt: skip


def _held(connection: Connection) -> tuple[Head, bool]:
    """The head, which nobody else moves before the end of the transaction; whether it was lost, and was made anew of the entries that are there."""
    if connection.dialect.name == "postgresql":
        idle = func.set_config("idle_in_transaction_session_timeout", str(IDLE_MS), literal_column("true"))
        connection.execute(select(idle))
    taken = update(facts).where(facts.c.key == HEAD).values(revision=facts.c.revision + 1)
    value = connection.execute(taken.returning(facts.c.value)).scalar_one_or_none()
    lost = False
    if value is None:
        lost = _begin(connection)
        value = connection.execute(taken.returning(facts.c.value)).scalar_one()
    return _read(value), lost


def _begin(connection: Connection) -> bool:
    """The head of a chain that has no entry yet; True where entries are there and their head is gone."""
    new = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(facts)
    newest = connection.execute(select(audit.c.id, audit.c.hash).order_by(audit.c.id.desc()).limit(1)).first()
    head = {"count": newest.id, "hash": newest.hash} if newest is not None else {"count": 0, "hash": START}
    row = {"key": HEAD, "value": head, "revision": 1}
    made = new.values(row).on_conflict_do_nothing(index_elements=["key"]).returning(facts.c.key)
    return connection.execute(made).first() is not None and newest is not None


def _head(connection: Connection) -> Head:
    return _read(connection.execute(select(facts.c.value).where(facts.c.key == HEAD)).scalar_one_or_none())


def _read(value: Any) -> Head:
    if isinstance(value, str):  # within a larger statement the driver hands the document over as it is
        value = json.loads(value)
    return Head(int(value["count"]), str(value["hash"])) if value else Head()


def _problem(row: Mapping[str, Any], last: Head) -> Broken | None:
    """What is wrong with the entry that comes after `last`."""
    number, wanted = row["id"], last.count + 1
    if number > wanted:
        return Broken(number=wanted, wrong="missing", problem=f"entry {wanted} is missing: {last.count} is followed by {number}")  # fmt: skip
    if number < wanted:
        return Broken(number=number, wrong="extra", problem=f"entry {number} was put in before the first")
    if digest_of(row) != row["hash"]:
        return Broken(number=number, wrong="changed", problem=f"entry {number} was changed: its hash does not fit what it says")  # fmt: skip
    if row["previous"] != last.hash:
        return Broken(number=number, wrong="order", problem=f"entry {number} does not follow entry {last.count} as it stands here")  # fmt: skip
    return None


def _cut(newest: int, count: int) -> Broken:
    return Broken(number=newest + 1, wrong="tail", problem=f"entry {newest + 1} is missing, and all after it: there were {count}")  # fmt: skip


def _json(detail: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(detail, default=str).decode()
    except TypeError:  # half a character, as broken input may hold
        return json.dumps(detail, default=str)


def _detail(value: str) -> Any:
    try:
        return orjson.loads(value)
    except ValueError:  # somebody changed it: it is shown as it stands, and `verify` names it
        return {"text": value}


def _text(value: Any) -> str:
    """A text that every database keeps as it is."""
    return str(value).replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _number(cursor: str) -> int:
    number = int(decode(cursor)[0])
    if not 0 <= number <= LAST_NUMBER:
        raise UsageError("cursor: is none that this server gave. Leave it out to begin anew.")
    return number
