"""What is known beforehand, put together as the configuration says."""

from __future__ import annotations

from sre_copilot.knowledge.documents import Limits
from sre_copilot.knowledge.encoder import Encoder, UniversalSentenceEncoder
from sre_copilot.knowledge.library import Knowledge, Recall
from sre_copilot.knowledge.shelf import Shelf, VectorStore
from sre_copilot.llm.embeddings import EmbeddingsClient
from sre_copilot.settings.document import Settings
from sre_copilot.store.database import Database
from sre_copilot.store.passages import PassageStore
from sre_copilot.store.vectors import RowVectors
from sre_copilot.store.vectors_pgvector import PgVectors
from sre_copilot.store.vectors_qdrant import connect


def open_shelf(settings: Settings, database: Database) -> Shelf:
    """The documents, with the configured encoder and place of vectors."""
    wanted = settings.knowledge
    limits = Limits(megabytes=wanted.max_megabytes, pages=wanted.max_pages, characters=wanted.max_characters)
    return Shelf(
        PassageStore(database),
        _vectors(settings, database),
        _encoder(settings),
        limits=limits,
        passage_width=wanted.passage_characters,
    )


def open_knowledge(settings: Settings, database: Database, *, recall: Recall | None = None) -> Knowledge:
    """The documents, ready to be asked."""
    return Knowledge(open_shelf(settings, database), recall=recall)


def _encoder(settings: Settings) -> Encoder:
    wanted = settings.knowledge.embeddings
    if not wanted.url:
        return UniversalSentenceEncoder()
    key = wanted.api_key.get_secret_value() if wanted.api_key else ""
    return EmbeddingsClient(
        wanted.url,
        model=wanted.model,
        api_key=key,
        timeout_s=wanted.timeout_seconds,
        offline=settings.llm.offline,
    )


def _vectors(settings: Settings, database: Database) -> VectorStore:
    wanted = settings.knowledge.vectors
    if wanted.store == "pgvector":
        return PgVectors(database)
    if wanted.store == "qdrant":
        return connect(wanted.url, api_key=wanted.api_key.get_secret_value() if wanted.api_key else "")
    return RowVectors(database)
