"""Reading fields of a payload that somebody else wrote; what is wrong is named by its path."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sre_copilot.errors import UsageError

TEXT = 1_000  # characters of one text that are kept: a commit message may be a novel
MILLISECONDS = 1e11  # a number above it is in milliseconds: as seconds it would lie in the year 5138
_FORMS = ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S UTC")  # as GitLab writes times


class BadPayloadError(UsageError):
    """What was sent tells no change; `field` says where it is wrong."""

    def __init__(self, field: str, problem: str, *, remedy: str = "") -> None:
        self.field = field
        super().__init__(f"change, field '{field}': {problem}" + (f" ({remedy})" if remedy else ""))


def section(value: object, field: str) -> Mapping[str, Any]:
    """A mapping; raises when it is none."""
    if not isinstance(value, Mapping):
        raise BadPayloadError(field, "is missing" if value is None else "is no object")
    return value


def optional(value: object) -> Mapping[str, Any]:
    """A mapping, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> list[Any]:
    """A list, or an empty one."""
    return value if isinstance(value, list) else []


def text(value: object, field: str) -> str:
    """A text that is not empty."""
    if value is None or value == "":
        raise BadPayloadError(field, "is missing", remedy="give a text")
    if not isinstance(value, str):
        raise BadPayloadError(field, f"is no text but {type(value).__name__}")
    return clean(value)


def clean(value: object) -> str:
    """A text on one line, cut."""
    return " ".join(str(value).split())[:TEXT]


def moment(value: object, field: str) -> float:
    """A time in epoch seconds: a number of seconds or milliseconds, or a text with a time zone."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e14:
        return value / 1000 if value > MILLISECONDS else float(value)
    found = _written(value) if isinstance(value, str) else None
    if found is None or found.tzinfo is None:
        raise BadPayloadError(
            field,
            f"is no time: {clean(value)[:60]}",
            remedy="write it as 2026-01-31T12:00:00Z or as epoch seconds",
        )
    return found.timestamp()


def _written(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        pass
    for form in _FORMS:
        try:
            found = datetime.strptime(value, form)  # noqa: DTZ007 - the form holds the zone, or says UTC
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def detail(values: Mapping[str, object]) -> dict[str, str]:
    """Details as texts, without those that are empty."""
    return {
        clean(name): clean(
            value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
        )
        for name, value in values.items()
        if value not in (None, "", [], {})
    }
