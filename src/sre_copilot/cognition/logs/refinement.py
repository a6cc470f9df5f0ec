"""Refinement: which words of masked lines are values after all, told by how many different ones stand in one place."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable

from sre_copilot.cognition.logs.masking import VARIABLE, is_location

Tokens = tuple[str, ...]

MIN_IDENTIFIERS = 4
"""Different identifiers (dots, underscores, capitals inside) in one place, all else equal, from which they are values:
two or three are often the fixed names of parts (`en0`, `alt0`), more are hosts, files, classes."""

MIN_WORDS = 6
"""The same for plain words: a program's vocabulary has families of sentences (`startup succeeded`, `shutdown
succeeded`), which seldom hold more than five members."""

ROUNDS = 4
"""A template with several word-like variables needs a round for each; few have more than three."""

_WORD = re.compile(r"[A-Za-z]?[a-z]*[.,:;]*")

_SHAPES_OF_LOCATION = 8
"""Different sentences at one code location from which it is a logging helper and no statement of its own."""


def refine(lines: Iterable[Tokens]) -> dict[Tokens, Tokens]:
    """Map each distinct masked line to its template.

    Parameters
    ----------
    lines : distinct masked lines, split at white space; order does not matter

    Returns
    -------
    line -> template; lines of one statement share it

    References
    ----------
    The token-frequency idea of Brain (Yu et al., TSC 2023, section 3.3) and Logram (Dai et al., TSE 2020), applied to
    places that differ in one token alone.
    """
    mapping = {line: _fill_empty(line) for line in lines}
    for _ in range(ROUNDS):
        places = _value_places(set(mapping.values()))
        if not places:
            break
        mapping = {line: _wildcard(shape, places.get(shape, ())) for line, shape in mapping.items()}
    return _merge_locations(mapping)


def _fill_empty(line: Tokens) -> Tokens:
    """A value may be empty: `()` and `''` between words are places of one."""
    return tuple(_EMPTY.get(token, token) if index > 0 else token for index, token in enumerate(line))


_EMPTY = {"()": f"({VARIABLE})", '""': f'"{VARIABLE}"', "[]": f"[{VARIABLE}]"}


def _value_places(shapes: Collection[Tokens]) -> dict[Tokens, list[int]]:
    """For each shape, the positions whose tokens are values."""
    alternatives: dict[tuple[int, Tokens, Tokens], list[str]] = defaultdict(list)
    for shape in shapes:
        for position, token in enumerate(shape):
            alternatives[(position, shape[:position], shape[position + 1 :])].append(token)
    places: dict[Tokens, list[int]] = defaultdict(list)
    for (position, before, after), tokens in alternatives.items():
        if len(tokens) > 1 and _are_values(tokens, before, after):
            for token in tokens:
                places[(*before, token, *after)].append(position)
    return places


def _are_values(tokens: list[str], before: Tokens, after: Tokens) -> bool:
    if any(is_location(token) for token in tokens):
        return False  # statements that sound alike at different places of the code are different statements
    context = [token for token in before + after if token != VARIABLE]
    if len(context) < 2 and (not context or VARIABLE not in before + after):
        return False  # one word beside it is no context: `link errors`, `link up`
    if VARIABLE in tokens or (before and before[-1].lower() == "user"):
        return True  # the place has shown a value already, or the word before announces a name
    words = sum(_WORD.fullmatch(token) is not None for token in tokens)
    return len(tokens) >= (MIN_WORDS if 2 * words >= len(tokens) else MIN_IDENTIFIERS)


def _wildcard(shape: Tokens, positions: Collection[int]) -> Tokens:
    if not positions:
        return shape
    return tuple(VARIABLE if index in positions else token for index, token in enumerate(shape))


def _merge_locations(mapping: dict[Tokens, Tokens]) -> dict[Tokens, Tokens]:
    """Make one template of the shapes that one code location writes: they differ in data alone."""
    shapes: dict[str, set[Tokens]] = defaultdict(set)
    for shape in mapping.values():
        if location := location_of(shape):
            shapes[location].add(shape)
    merged = {
        shape: _common_head(found)
        for found in shapes.values()
        if len(found) > 1 and _same_sentence(found)
        for shape in found
    }
    return {line: merged.get(shape, shape) for line, shape in mapping.items()}


def location_of(tokens: Tokens) -> str | None:
    """The code location that a line names among its first four tokens, or None."""
    return next((token for token in tokens[:4] if is_location(token)), None)


def _same_sentence(shapes: set[Tokens]) -> bool:
    return len({shape[:5] for shape in shapes}) <= _SHAPES_OF_LOCATION


def _common_head(shapes: set[Tokens]) -> Tokens:
    first, last = min(shapes), max(shapes)
    size = next(
        (index for index, (a, b) in enumerate(zip(first, last, strict=False)) if a != b),
        min(len(first), len(last)),
    )
    head = first[:size]
    return head if head and head[-1] == VARIABLE else (*head, VARIABLE)
