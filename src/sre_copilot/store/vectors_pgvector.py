"""Vectors of passages in PostgreSQL by pgvector: one table a model, for a model decides how long its vectors are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text

from sre_copilot.errors import StoreError
from sre_copilot.store.database import Database

Vectors = NDArray[np.float32]
NEAREST = 400  # parts that are asked for: about sixty passages, as many as are looked at
INDEXED = 2000  # the longest vectors that pgvector makes an index of; longer ones are searched one by one


class PgVectors:
    """Vectors by the approximate index of pgvector (HNSW, cosine)."""

    def __init__(self, database: Database) -> None:
        if database.engine.dialect.name != "postgresql":
            raise StoreError(
                "knowledge.vectors.store: pgvector needs PostgreSQL; set store.url, or write 'rows'"
            )
        self._database = database
        with database.begin() as connection:
            available = connection.execute(
                text("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'")
            ).scalar()
            if not available:
                raise StoreError(
                    "knowledge.vectors.store: the PostgreSQL of store.url has no pgvector; install it there, or write 'rows'"
                )
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))

    def put(self, found: Mapping[str, Vectors], *, model: str) -> None:
        """Keep the vectors of passages instead of those that the same model made before."""
        if not found:
            return
        table = _table(model)
        rows = [
            {"key": key, "part": part, "vector": _written(each)}
            for key, held in found.items()
            for part, each in enumerate(held)
        ]
        self._make(table, dimensions=next(iter(found.values())).shape[1])
        with self._database.begin() as connection:
            connection.execute(
                text(f"DELETE FROM {table} WHERE passage_id = ANY(:keys)"),  # noqa: S608 - a hash of the model's name
                {"keys": list(found)},
            )
            connection.execute(
                text(f"INSERT INTO {table} VALUES (:key, :part, CAST(:vector AS vector))"),  # noqa: S608
                rows,
            )

    def known(self, *, model: str) -> frozenset[str]:
        """Passages that have vectors of a model."""
        table = _table(model)
        if table not in self._tables():
            return frozenset()
        with self._database.begin() as connection:
            return frozenset(connection.execute(text(f"SELECT DISTINCT passage_id FROM {table}")).scalars())  # noqa: S608

    def count(self, *, model: str) -> int:
        """How many passages have vectors of a model."""
        return len(self.known(model=model))

    def remove(self, passage_ids: Sequence[str]) -> None:
        """Delete the vectors of passages, of every model."""
        with self._database.begin() as connection:
            for table in self._tables():
                connection.execute(
                    text(f"DELETE FROM {table} WHERE passage_id = ANY(:keys)"),  # noqa: S608
                    {"keys": list(passage_ids)},
                )

    def forget_other(self, *, model: str) -> None:
        """Delete what other models made."""
        with self._database.begin() as connection:
            for table in self._tables() - {_table(model)}:
                connection.execute(text(f"DROP TABLE {table}"))

    def senses(self, *, model: str) -> PgSenses:
        """What a model made, ready to be asked."""
        return PgSenses(self._database, _table(model) if _table(model) in self._tables() else "")

    def _make(self, table: str, *, dimensions: int) -> None:
        with self._database.begin() as connection:
            connection.execute(
                text(
                    f"CREATE TABLE IF NOT EXISTS {table} (passage_id varchar(40) NOT NULL, part integer NOT NULL, "
                    f"embedding vector({dimensions}) NOT NULL, PRIMARY KEY (passage_id, part))"
                )
            )
            if dimensions <= INDEXED:
                connection.execute(
                    text(
                        f"CREATE INDEX IF NOT EXISTS {table}_near ON {table} USING hnsw (embedding vector_cosine_ops)"
                    )
                )

    def _tables(self) -> frozenset[str]:
        query = r"SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename LIKE 'pgvector\_%'"
        with self._database.begin() as connection:
            return frozenset(connection.execute(text(query)).scalars())


class PgSenses:
    """The vectors of one model."""

    def __init__(self, database: Database, table: str) -> None:
        self._database = database
        self._table = table

    def similarities(self, vector: Vectors) -> tuple[Sequence[str], Vectors]:
        """The nearest passages, and the cosine of each one's nearest part."""
        if not self._table:
            return (), np.zeros(0, dtype=np.float32)
        query = text(
            f"SELECT passage_id, 1 - (embedding <=> CAST(:vector AS vector)) FROM {self._table} "  # noqa: S608
            f"ORDER BY embedding <=> CAST(:vector AS vector) LIMIT {NEAREST}"
        )
        found: dict[str, float] = {}
        with self._database.begin() as connection:
            connection.execute(text(f"SET LOCAL hnsw.ef_search = {NEAREST}"))
            for key, cosine in connection.execute(query, {"vector": _written(vector)}):
                found[key] = max(found.get(key, -1.0), float(cosine))
        return tuple(found), np.array(list(found.values()), dtype=np.float32)


def _table(model: str) -> str:
    return f"pgvector_{sha256(model.encode()).hexdigest()[:12]}"


def _written(vector: Vectors) -> str:
    return "[" + ",".join(f"{each:.6g}" for each in vector.tolist()) + "]"
