"""Reading what a model wrote: JSON in fences, in tags, in the middle of words, cut off, with the commas of Python."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pydantic_core

_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.S | re.I)
_COMMA = re.compile(r",(?=\s*[}\]])")
_COMMENT = re.compile(r"(?m)(?<![:\"'])//[^\n\"]*$")
_NAMES = ("tool", "name", "function", "tool_name", "action")
_ARGUMENTS = ("arguments", "parameters", "args", "input", "action_input", "params")
LONGEST = (
    100_000  # characters that are looked through: an answer is short, and the search is quadratic at worst
)
MOST_STARTS = 200  # braces that are tried as the beginning of an object


def objects(text: str) -> Iterator[dict[str, Any]]:
    """All JSON objects in a text, outermost only, in the order in which they stand."""
    rest = _THOUGHT.sub("", text)[:LONGEST]
    place, tried = rest.find("{"), 0
    while place >= 0 and tried < MOST_STARTS:
        end = _end(rest, place)
        found = read_object(rest[place:end])
        if found is not None:
            yield found
        place, tried = rest.find("{", end if found is not None else place + 1), tried + 1


def read_object(text: str) -> dict[str, Any] | None:
    """One JSON object, mended where its meaning is plain; None when it is none."""
    plain = _COMMA.sub("", _COMMENT.sub("", text))
    for attempt in (_json(text), _json(plain), _python(plain), _cut(plain)):
        if isinstance(attempt, dict) and attempt:
            return attempt
    return None


def call_in(found: Mapping[str, Any], tools: frozenset[str]) -> tuple[str, dict[str, Any]] | None:
    """The call of a tool that an object describes; None when it describes none."""
    inner = found.get("function")
    if isinstance(inner, Mapping):
        found = inner
    name = next((found[key] for key in _NAMES if isinstance(found.get(key), str)), None)
    if name is not None and name.strip() in tools:
        given = next((found[key] for key in _ARGUMENTS if key in found), None)
        if given is None:
            given = {key: value for key, value in found.items() if key not in _NAMES}
        return name.strip(), _arguments(given)
    if len(found) == 1:  # {"query_metrics": {…}}
        [(key, value)] = found.items()
        if key in tools and isinstance(value, Mapping):
            return key, dict(value)
    return None


def _arguments(given: Any) -> dict[str, Any]:
    if isinstance(given, str):
        given = read_object(given) or {}
    return dict(given) if isinstance(given, Mapping) else {}


def _end(text: str, start: int) -> int:
    """Where the object that begins here ends; the end of the text when it does not."""
    depth, quote, place = 0, "", start
    while place < len(text):
        character = text[place]
        if quote:
            if character == "\\":
                place += 1
            elif character == quote:
                quote = ""
        elif character == '"':
            quote = character
        elif character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
            if depth == 0:
                return place + 1
        place += 1
    return len(text)


def _json(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _python(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def _cut(text: str) -> Any:
    """What stands before the place where the text breaks off, or goes wrong."""
    try:
        json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        text = text[: error.pos] if error.pos < len(text) else text
    try:
        return pydantic_core.from_json(text, allow_partial="trailing-strings")
    except ValueError:
        return None
