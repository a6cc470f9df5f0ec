"""Vectors of passages as rows, searched in the memory of one process: exact, and fast enough for tens of thousands of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, insert, select

from sre_copilot.store.database import Database
from sre_copilot.store.passages import AT_ONCE, vectors

Vectors = NDArray[np.float32]


class RowVectors:
    """The vectors of each passage and model in one row, at half precision: the third digit of a cosine decides nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, found: Mapping[str, Vectors], *, model: str) -> None:
        """Keep the vectors of passages instead of those that the same model made before."""
        rows = [
            {"passage_id": key, "model": model, "parts": len(each), "vectors": each.astype("<f2").tobytes()}
            for key, each in found.items()
        ]
        with self._database.begin() as connection:
            for start in range(0, len(rows), AT_ONCE):
                some = rows[start : start + AT_ONCE]
                known = vectors.c.passage_id.in_([row["passage_id"] for row in some])
                connection.execute(delete(vectors).where(known, vectors.c.model == model))
                connection.execute(insert(vectors), some)

    def known(self, *, model: str) -> frozenset[str]:
        """Passages that have vectors of a model."""
        query = select(vectors.c.passage_id).where(vectors.c.model == model)
        with self._database.begin() as connection:
            return frozenset(connection.execute(query).scalars())

    def count(self, *, model: str) -> int:
        """How many passages have vectors of a model."""
        query = select(func.count()).select_from(vectors).where(vectors.c.model == model)
        with self._database.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def remove(self, passage_ids: Sequence[str]) -> None:
        """Delete the vectors of passages, of every model."""
        with self._database.begin() as connection:
            for start in range(0, len(passage_ids), AT_ONCE):
                some = passage_ids[start : start + AT_ONCE]
                connection.execute(delete(vectors).where(vectors.c.passage_id.in_(some)))

    def forget_other(self, *, model: str) -> None:
        """Delete what other models made."""
        with self._database.begin() as connection:
            connection.execute(delete(vectors).where(vectors.c.model != model))

    def senses(self, *, model: str) -> Memory:
        """What a model made, ready to be asked."""
        query = select(vectors.c.passage_id, vectors.c.parts, vectors.c.vectors).where(
            vectors.c.model == model
        )
        with self._database.begin() as connection:
            return Memory({key: _unpacked(data, parts) for key, parts, data in connection.execute(query)})


class Memory:
    """Passages by their vectors, each with one or several."""

    def __init__(self, held: Mapping[str, Vectors]) -> None:
        filled = {key: rows for key, rows in held.items() if len(rows)}
        self._keys = tuple(filled)
        self._matrix = np.concatenate(list(filled.values())) if filled else np.zeros((0, 0), np.float32)
        counts = [len(rows) for rows in filled.values()]
        self._starts = np.cumsum([0, *counts[:-1]]) if filled else np.zeros(0, dtype=np.int64)

    def similarities(self, vector: Vectors) -> tuple[Sequence[str], Vectors]:
        """All passages, and the cosine of each one's nearest part."""
        if not self._keys:
            return self._keys, np.zeros(0, dtype=np.float32)
        # einsum instead of @: one thread that never waits for another, and as fast, for memory is what limits it
        products = np.einsum("ij,j->i", self._matrix, vector)
        return self._keys, np.maximum.reduceat(products, self._starts)


def _unpacked(data: bytes, parts: int) -> Vectors:
    return np.frombuffer(data, dtype="<f2").reshape(parts, -1).astype(np.float32)
