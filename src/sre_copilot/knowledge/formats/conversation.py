"""Exported conversations: lists of messages in JSON, as chat platforms write them; a quarter of an hour of talk is one block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from sre_copilot.knowledge.blocks import Block, Document, DocumentError, Limits
from sre_copilot.knowledge.formats.text import decoded

PAUSE_S = 900  # a quarter of an hour in which nobody speaks ends a topic more often than not
TEXTS = ("text", "content", "message", "body", "msg")
SPEAKERS = ("user_name", "sender_name", "user", "sender", "author", "from", "name", "nickname", "role")
TIMES = ("ts", "time", "timestamp", "created_at", "create_time", "date", "sent_at")


@dataclass(frozen=True, slots=True)
class Said:
    """One message; the time is NaN where it is not known."""

    speaker: str
    at: float
    text: str


def read(data: bytes, name: str, limits: Limits) -> Document:
    """Messages by their topics."""
    said = [message for each in _messages(_values(decoded(data))) if (message := _said(each))]
    if not said:
        raise DocumentError(
            "holds no messages; known is a list of objects with a text (`text`, `content` or `message`) and who said it"
        )
    blocks = tuple(
        Block(kind="text", text="\n".join(_line(each) for each in topic)) for topic in _topics(said)
    )
    return Document(title=name, blocks=blocks, kind="conversation")


def _values(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return [orjson.loads(line) for line in text.splitlines() if line.strip()]
    except orjson.JSONDecodeError as error:
        raise DocumentError(f"is no JSON: {error}; save the conversation as JSON, or as text") from None


def _messages(value: Any) -> Sequence[Any]:
    """The list of messages, wherever in the document it is."""
    if isinstance(value, list):
        return value
    lists = [each for each in value.values() if isinstance(each, list)] if isinstance(value, dict) else []
    return max(lists, key=len, default=())


def _said(value: Any) -> Said | None:
    if not isinstance(value, dict):
        return None
    text = _first(value, TEXTS)
    return Said(_first(value, SPEAKERS) or "?", _time(value), text) if text else None


def _first(value: Mapping[str, Any], names: Sequence[str]) -> str:
    for name in names:
        found = value.get(name)
        if isinstance(found, dict):
            found = _first(found, ("name", "display_name", "real_name", *TEXTS))
        if isinstance(found, str) and found.strip():
            return found.strip()
    return ""


def _time(value: Mapping[str, Any]) -> float:
    for name in TIMES:
        found = value.get(name)
        if found is None:
            continue
        try:
            number = float(found)
            return number / 1000 if number > 1e11 else number  # milliseconds, as some platforms write
        except (TypeError, ValueError):
            pass
        try:
            moment = datetime.fromisoformat(str(found))
        except ValueError:
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return float("nan")


def _topics(said: Sequence[Said]) -> Iterator[list[Said]]:
    topic: list[Said] = []
    for message in said:
        if topic and message.at - topic[-1].at > PAUSE_S:
            yield topic
            topic = []
        topic.append(message)
    yield topic


def _line(said: Said) -> str:
    return f"{said.speaker}: {said.text}"
