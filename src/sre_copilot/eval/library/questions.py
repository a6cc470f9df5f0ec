"""Documents and questions with known answers, as they are kept in `eval/questions/retrieval`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import orjson

from sre_copilot.domain.knowledge import Lang
from sre_copilot.errors import UsageError

HALVES = ("seen", "unseen")
"""The half that weights may be fitted on, and the one that nothing was fitted on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question, the documents that answer it, and whether it is asked in another language than theirs; none answers the unanswerable."""

    id: str
    lang: Lang
    text: str
    expected: tuple[str, ...] = ()
    crossed: bool = False
    unanswerable: bool = False


def folder() -> Path:
    """Where the shipped questions are."""
    with as_file(files("sre_copilot.eval") / "questions" / "retrieval") as path:
        return path


def documents(place: Path) -> tuple[Path, ...]:
    """The documents, by their names.

    Raises
    ------
    UsageError : when there are none
    """
    found = tuple(sorted((place / "documents").glob("*.md")))
    if not found:
        raise UsageError(f"{place / 'documents'}: holds no documents (*.md)")
    return found


def questions(place: Path) -> dict[str, tuple[Asked, ...]]:
    """Questions by half, as far as a half is there."""
    halves = {half: place / f"{half}.jsonl" for half in HALVES}
    found = {half: _read(path) for half, path in halves.items() if path.exists()}
    if not found:
        raise UsageError(f"{place}: holds no questions ({', '.join(path.name for path in halves.values())})")
    return found


def _read(path: Path) -> tuple[Asked, ...]:
    rows = [orjson.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return tuple(
        Asked(
            id=row["id"],
            lang=row["lang"],
            text=row["text"],
            expected=tuple(row.get("expected", ())),
            crossed=bool(row.get("crossed")),
            unanswerable=bool(row.get("unanswerable")),
        )
        for row in rows
    )
