"""The keys of `knowledge`: documents, their vectors, and what encodes them."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section


class Embeddings(Section):
    """What turns text into vectors."""

    url: str = ""
    """Address of an OpenAI-compatible interface up to `/v1`, which then encodes; empty: the encoder that is shipped, which needs no network."""
    model: str = ""
    """Name of the model there; it is kept with each vector, and a change asks for `sre-copilot knowledge reindex`."""
    api_key: Secret | None = None
    """Key for it."""
    timeout_seconds: float = Field(default=30, gt=0)
    """Time that one request may take."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.url and not self.model:
            raise ValueError("model: is missing; name the model that the address serves")
        return self


class Vectors(Section):
    """Where vectors rest."""

    store: Literal["rows", "pgvector", "qdrant"] = "rows"
    """`rows`: beside the passages, searched in memory, which takes 4 ms for 5,000 passages; `pgvector`: in the PostgreSQL of `store.url`; `qdrant`: at `url`."""
    url: str = ""
    """Address of Qdrant."""
    api_key: Secret | None = None
    """Key for Qdrant."""

    @model_validator(mode="after")
    def _addressed(self) -> Self:
        if self.store == "qdrant" and not self.url:
            raise ValueError(
                "url: is missing; write the address of Qdrant, for example http://localhost:6333"
            )
        return self


class Knowledge(Section):
    """What documents may be, and how they are found."""

    embeddings: Embeddings = Embeddings()
    vectors: Vectors = Vectors()
    passage_characters: int = Field(default=900, ge=200, le=4000)
    """Length of a passage; a Chinese character counts as two. About what a phone shows at once: a longer one hides its point."""
    max_megabytes: float = Field(default=50, gt=0)
    """Size of one file; a manual with its pictures is below."""
    max_pages: int = Field(default=2000, ge=1)
    """Pages of one document."""
    max_characters: int = Field(default=5_000_000, ge=1000)
    """Characters of one document: about 2,000 dense pages."""
