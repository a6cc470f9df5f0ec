"""Questions with what they ask for, as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from sre_copilot.domain.signals import Window
from sre_copilot.errors import UsageError

HALVES = ("seen", "unseen")


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentQuestion:
    """One question, asked at its own time in its own estate, and what it asks for. `judges_window`: whether its window is stated at all."""

    id: str
    lang: str
    text: str
    now: float
    utc_offset_hours: float
    services: tuple[str, ...]
    aliases: Mapping[str, Any]
    previous: str
    intent: str
    wanted: frozenset[str]
    window: Window | None
    judges_window: bool
    parameters: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[str, ...] = ()


def shipped() -> dict[str, tuple[IntentQuestion, ...]]:
    """The questions that come with the product, by half; the unseen half was kept from whoever wrote the rules."""
    folder = files("sre_copilot.eval") / "questions" / "intent"
    return {
        half: parsed((folder / f"{half}.jsonl").read_text(encoding="utf-8"), name=f"{half}.jsonl")
        for half in HALVES
        if (folder / f"{half}.jsonl").is_file()
    }


def read(path: Path) -> tuple[IntentQuestion, ...]:
    """The questions of a file.

    Raises
    ------
    UsageError : names the file and the line
    """
    try:
        return parsed(path.read_text(encoding="utf-8"), name=path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--questions {path}: cannot be read: {error}") from None


def parsed(text: str, *, name: str) -> tuple[IntentQuestion, ...]:
    """The questions of a text of JSON lines."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(_question(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{name}, line {number}: is no question: {error!r}") from None
    return tuple(found)


def _question(row: Mapping[str, Any]) -> IntentQuestion:
    expected = row["expected"]
    return IntentQuestion(
        id=row["id"],
        lang=row["lang"],
        text=row["text"],
        now=_epoch(row["now"]),
        utc_offset_hours=float(row.get("utc_offset_hours", 0.0)),
        services=tuple(row.get("services", ())),
        aliases=row.get("aliases") or {},
        previous=(row.get("previous") or {}).get("text", ""),
        intent=expected["intent"],
        wanted=frozenset(expected.get("services", ())),
        window=_window(expected.get("window")),
        judges_window="window" in expected,
        parameters=expected.get("parameters") or {},
        parts=tuple(expected.get("parts") or ()),
    )


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _window(value: Mapping[str, str] | None) -> Window | None:
    return None if value is None else Window(_epoch(value["start"]), _epoch(value["end"]))
