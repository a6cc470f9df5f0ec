"""Digests of states, and what differs between two of them as lines that people read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

ABSENT = "(absent)"


def digest(state: Any) -> str:
    """The same words for the same state, whatever the order of its keys."""
    text = json.dumps(state, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """One line a field: `spec.replicas: 1 -> 3`."""
    flat = dict(_leaves(before)), dict(_leaves(after))
    names = sorted({*flat[0], *flat[1]})
    return tuple(
        f"{name}: {_word(flat[0], name)} -> {_word(flat[1], name)}"
        for name in names
        if flat[0].get(name, ABSENT) != flat[1].get(name, ABSENT)
    )


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{place}[{inner.get('name', number)}]")
    else:
        yield place, value


def _word(flat: Mapping[str, Any], name: str) -> str:
    if name not in flat:
        return ABSENT
    return flat[name] if isinstance(flat[name], str) else json.dumps(flat[name], ensure_ascii=False)
