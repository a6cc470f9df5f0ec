"""Documents, their passages, and the vectors of these with the id of the model that made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from sre_copilot.store.database import Database
from sre_copilot.store.tables import metadata

Row = dict[str, Any]
AT_ONCE = 500  # rows a statement: SQLite takes 32,766 parameters

documents = Table(
    "documents",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("origin", String(1000), nullable=False, unique=True),
    Column("title", String(300), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("lang", String(8), nullable=False),
    Column("standing", String(16), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("pages", Integer),
    Column("paging", String(16), nullable=False),
    Column("scope", JSON, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("added_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Index("ix_documents_content_hash", "content_hash"),
    Index("ix_documents_standing", "standing"),
)

passages = Table(
    "passages",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("document_id", String(32), nullable=False),
    Column("position", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("headings", JSON, nullable=False),
    Column("page", Integer),
    Column("lang", String(8), nullable=False),
    Index("ix_passages_document_id", "document_id"),
)

vectors = Table(
    "vectors",
    metadata,
    Column("passage_id", String(40), primary_key=True),
    Column("model", String(200), primary_key=True),
    Column("parts", Integer, nullable=False),
    Column("vectors", LargeBinary, nullable=False),
    Index("ix_vectors_model", "model"),
)

READY = "ready"
QUARANTINED = "quarantined"


class PassageStore:
    """What was added: one row a document, its passages, and what is known of each."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def document(self, *, id: str = "", origin: str = "", content_hash: str = "") -> Row | None:
        """The document of an id, an origin, or (the first) of a content."""
        given = {"id": id, "origin": origin, "content_hash": content_hash}
        where = [documents.c[name] == value for name, value in given.items() if value]
        query = select(documents).where(*where).order_by(documents.c.added_at, documents.c.id).limit(1)
        with self.database.begin() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return dict(row) if row is not None else None

    def documents(self, *, standing: str = "") -> tuple[Row, ...]:
        """All documents by their titles, each with the number of its passages."""
        count = select(passages.c.document_id, func.count().label("passages")).group_by(
            passages.c.document_id
        )
        counted = count.subquery()
        query = (
            select(documents, func.coalesce(counted.c.passages, 0).label("passages"))
            .outerjoin(counted, counted.c.document_id == documents.c.id)
            .order_by(documents.c.title, documents.c.id)
        )
        if standing:
            query = query.where(documents.c.standing == standing)
        with self.database.begin() as connection:
            return tuple(dict(row) for row in connection.execute(query).mappings())

    def replace(self, document: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        """Put a document and its passages in the place of what had its id; return the passages that are gone."""
        with self.database.begin() as connection:
            gone = _forget(connection, document["id"])
            connection.execute(insert(documents), dict(document))
            for start in range(0, len(parts), AT_ONCE):
                connection.execute(insert(passages), [dict(part) for part in parts[start : start + AT_ONCE]])
        return gone

    def remove(self, document_id: str) -> tuple[str, ...]:
        """Delete a document with all that is its own; return its passages."""
        with self.database.begin() as connection:
            return _forget(connection, document_id)

    def stand(self, document_id: str, *, standing: str, now: float) -> bool:
        """Let a document be used, or not; whether there is such a document."""
        change = (
            update(documents).where(documents.c.id == document_id).values(standing=standing, updated_at=now)
        )
        with self.database.begin() as connection:
            return bool(connection.execute(change).rowcount)

    def passages(self, *, standing: str = READY) -> tuple[Row, ...]:
        """All passages of the documents of a standing, with what is known of their documents, in a stable order."""
        query = (
            select(
                passages,
                *(documents.c[name] for name in ("title", "kind", "scope", "origin")),
                documents.c.lang.label("document_lang"),
            )
            .join(documents, documents.c.id == passages.c.document_id)
            .where(documents.c.standing == standing)
            .order_by(documents.c.added_at, documents.c.id, passages.c.position)
        )
        with self.database.begin() as connection:
            return tuple(dict(row) for row in connection.execute(query).mappings())

    def state(self) -> tuple[int, float]:
        """What changes whenever documents do: how many there are, and the time of the latest change."""
        query = select(func.count(), func.coalesce(func.max(documents.c.updated_at), 0.0)).select_from(
            documents
        )
        with self.database.begin() as connection:
            count, latest = connection.execute(query).one()
        return int(count), float(latest)


def _forget(connection: Any, document_id: str) -> tuple[str, ...]:
    own = select(passages.c.id).where(passages.c.document_id == document_id)
    gone = tuple(connection.execute(own).scalars())
    for start in range(0, len(gone), AT_ONCE):
        some = gone[start : start + AT_ONCE]
        connection.execute(delete(vectors).where(vectors.c.passage_id.in_(some)))
    connection.execute(delete(passages).where(passages.c.document_id == document_id))
    connection.execute(delete(documents).where(documents.c.id == document_id))
    return gone
