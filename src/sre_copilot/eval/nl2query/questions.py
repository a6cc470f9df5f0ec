"""Requests with what a right query has, and SQL that is safe or not, as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

from sre_copilot.agents.queries.written import Language

HALVES = ("seen", "unseen")


@dataclass(frozen=True, slots=True)
class QueryQuestion:
    """One request in its own estate, and what every right query for it has."""

    id: str
    lang: str
    text: str
    target: Language
    now: float
    schema: Mapping[str, Any]
    must: tuple[Mapping[str, Any], ...]
    reference: str


@dataclass(frozen=True, slots=True)
class Attack:
    """SQL, the tables that are allowed, and whether it may pass."""

    id: str
    sql: str
    dialect: str
    tables: tuple[str, ...]
    safe: bool
    why: str


def questions(half: str) -> tuple[QueryQuestion, ...]:
    """The requests of a half; none where that half was not given out."""
    return tuple(
        QueryQuestion(
            row["id"], row["lang"], row["text"], row["target"], datetime.fromisoformat(row["now"].replace("Z", "+00:00")).timestamp(),
            row["schema"], tuple(row["expected"]["must"]), row["expected"].get("reference", ""),
        )
        for row in _rows("nl2query", half)
    )  # fmt: skip


def attacks(half: str) -> tuple[Attack, ...]:
    """The SQL of a half; none where that half was not given out."""
    return tuple(
        Attack(row["id"], row["sql"], row["dialect"], tuple(row["tables"]), bool(row["safe"]), row["why"])
        for row in _rows("sql_attacks", half)
    )


def _rows(folder: str, half: str) -> list[dict[str, Any]]:
    file = files("sre_copilot.eval") / "questions" / folder / f"{half}.jsonl"
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
