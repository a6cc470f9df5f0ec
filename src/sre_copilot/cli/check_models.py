"""What `doctor` says of models and of what is kept: are they there, what can they, and what to do about what is not right."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from sre_copilot.app.asking import existing_database, speaker_of
from sre_copilot.app.knowing import open_shelf
from sre_copilot.clock import SystemClock
from sre_copilot.errors import SreCopilotError
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.llm.health import ModelHealth, model_healths
from sre_copilot.settings.document import Settings


def healths(settings: Settings) -> list[ModelHealth]:
    """Ask every configured model how it is."""
    if not settings.llm.models:
        return []
    speaker = speaker_of(settings)
    try:
        return model_healths(speaker)
    finally:
        if (close := getattr(speaker, "close", None)) is not None:
            close()


def table_of(found: Iterable[ModelHealth]) -> Table:
    """A row a model."""
    table = Table(show_lines=False)
    for column in ("model", "state", "name there", "protocol", "context", "problem and what to do"):
        table.add_column(column, overflow="fold")
    for health in found:
        context = f"{health.context_tokens:,} tokens" if health.context_tokens else ""
        advice = "; ".join(part for part in (health.problem, health.remedy) if part)
        row = (health.name, "ok" if health.ok else "down", health.model, health.protocol, context, advice)
        table.add_row(*map(Text, row))
    return table


def knowledge_line(settings: Settings) -> tuple[str, bool]:
    """What is known beforehand, in a line; and whether it can be used. Nothing is loaded that only a question needs.

    Passages without a vector of the configured encoder are found by their words alone.
    """
    try:
        database = existing_database(settings)
        if database is None:
            return "knowledge: none yet; sre-copilot knowledge add PATH", True
        try:
            documents = open_shelf(settings, database)
            passages = len(documents.passages())
            vectors = documents.vectors.count(model=documents.encoder.id)
            cards = len(Experience(database, SystemClock()).cards())
        finally:
            database.close()
    except SreCopilotError as error:
        return f"knowledge: {error}", False
    told = f"knowledge: {passages:,} passages, {vectors:,} with a vector, {cards:,} cards"
    if vectors < passages:
        return (
            f"{told}: found by words alone are {passages - vectors:,}; sre-copilot knowledge reindex",
            False,
        )
    return told, True
