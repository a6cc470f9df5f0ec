"""Vectors of passages in Qdrant: one collection a model, one point a part."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np
from numpy.typing import NDArray

from sre_copilot.errors import StoreError

Vectors = NDArray[np.float32]
NEAREST = 400  # parts that are asked for: about sixty passages, as many as are looked at
AT_ONCE = 256  # points of one request
PREFIX = "sre_copilot_passages_"


def connect(url: str, *, api_key: str = "") -> QdrantVectors:
    """Vectors at an address; `:memory:` keeps them in this process, for trying."""
    try:
        library = importlib.import_module("qdrant_client")
    except ImportError:
        raise StoreError(
            "knowledge.vectors.store: qdrant needs sre-copilot[qdrant]; install it, or write 'rows'"
        ) from None
    client = (
        library.QdrantClient(":memory:")
        if url == ":memory:"
        else library.QdrantClient(url=url, api_key=api_key or None)
    )
    return QdrantVectors(client)


class QdrantVectors:
    """Vectors by a client of Qdrant."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._models = importlib.import_module("qdrant_client.models")
        self._failures: tuple[type[Exception], ...] = tuple(
            getattr(importlib.import_module("qdrant_client.http.exceptions"), name)
            for name in ("ResponseHandlingException", "UnexpectedResponse")
        )

    def put(self, found: Mapping[str, Vectors], *, model: str) -> None:
        """Keep the vectors of passages instead of those that the same model made before."""
        if not found:
            return
        name = _collection(model)
        if name not in self._collections():
            size = next(iter(found.values())).shape[1]
            distance = self._models.Distance.COSINE
            self._call(
                "create_collection",
                name,
                vectors_config=self._models.VectorParams(size=size, distance=distance),
            )
        self._delete(name, list(found))
        points = [
            self._models.PointStruct(
                id=str(uuid5(NAMESPACE_URL, f"{key}#{part}")),
                vector=each.tolist(),
                payload={"passage_id": key},
            )
            for key, held in found.items()
            for part, each in enumerate(held)
        ]
        for start in range(0, len(points), AT_ONCE):
            self._call("upsert", name, points=points[start : start + AT_ONCE], wait=True)

    def known(self, *, model: str) -> frozenset[str]:
        """Passages that have vectors of a model."""
        return frozenset(self._each(_collection(model)))

    def count(self, *, model: str) -> int:
        """How many vectors of a model there are."""
        name = _collection(model)
        return int(self._call("count", name).count) if name in self._collections() else 0

    def remove(self, passage_ids: Sequence[str]) -> None:
        """Delete the vectors of passages, of every model."""
        for name in self._collections():
            self._delete(name, list(passage_ids))

    def forget_other(self, *, model: str) -> None:
        """Delete what other models made."""
        for name in self._collections() - {_collection(model)}:
            self._call("delete_collection", name)

    def senses(self, *, model: str) -> QdrantSenses:
        """What a model made, ready to be asked."""
        name = _collection(model)
        return QdrantSenses(self, name if name in self._collections() else "")

    def nearest(self, name: str, vector: Vectors) -> Mapping[str, float]:
        """The cosine of the nearest passages' nearest parts in a collection."""
        found: dict[str, float] = {}
        answer = self._call("query_points", name, query=vector.tolist(), limit=NEAREST, with_payload=True)
        for point in answer.points:
            key = str(point.payload["passage_id"])
            found[key] = max(found.get(key, -1.0), float(point.score))
        return found

    def _each(self, name: str) -> Iterator[str]:
        place = None
        while name in self._collections():
            points, place = self._call("scroll", name, limit=AT_ONCE, offset=place, with_payload=True)
            yield from (str(point.payload["passage_id"]) for point in points)
            if place is None:
                return

    def _delete(self, name: str, keys: list[str]) -> None:
        condition = self._models.FieldCondition(key="passage_id", match=self._models.MatchAny(any=keys))
        selector = self._models.FilterSelector(filter=self._models.Filter(must=[condition]))
        self._call("delete", name, points_selector=selector, wait=True)

    def _collections(self) -> frozenset[str]:
        answer = self._call("get_collections")
        return frozenset(each.name for each in answer.collections if each.name.startswith(PREFIX))

    def _call(self, verb: str, *arguments: Any, **named: Any) -> Any:
        try:
            return getattr(self._client, verb)(*arguments, **named)
        except self._failures as error:
            raise StoreError(
                f"knowledge.vectors.url: Qdrant did not serve '{verb}': {' '.join(str(error).split())[:300]}"
            ) from None


class QdrantSenses:
    """The vectors of one model."""

    def __init__(self, vectors: QdrantVectors, collection: str) -> None:
        self._vectors = vectors
        self._collection = collection

    def similarities(self, vector: Vectors) -> tuple[Sequence[str], Vectors]:
        """The nearest passages, and the cosine of each one's nearest part."""
        found = self._vectors.nearest(self._collection, vector) if self._collection else {}
        return tuple(found), np.array(list(found.values()), dtype=np.float32)


def _collection(model: str) -> str:
    return f"{PREFIX}{sha256(model.encode()).hexdigest()[:12]}"
