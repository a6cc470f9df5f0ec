"""How much an expression could build of what it is given, found before it is evaluated: a `map` repeats at each iteration what its body reads.

What is counted are characters, and for each value what keeping one costs; what the body of a `map` reads counts as if all of it came out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_BUILT = 64_000_000  # characters: about 64 MB, what one evaluation may take of a worker's memory
MOST_ITERATIONS = 10_000  # of all macros of an expression: the limit of the library
VALUE = 64  # characters as which a value counts besides its text: about what Python takes to keep one
LOOPS = ("map", "filter", "all", "exists", "exists_one")


@dataclass(frozen=True, slots=True)
class Repeated:
    """A `map`: the places of the scope that its body reads, how often it reads variables of macros around it, and its own; `depth` counts macros around it, and itself."""

    paths: tuple[tuple[str, ...], ...]
    others: int
    own: int
    depth: int


def repeated(tokens: Sequence[str], variables: Collection[str], around: tuple[str, ...] = ()) -> tuple[Repeated, ...]:  # fmt: skip
    """Every `map` of an expression."""
    found: list[Repeated] = []
    place = 1
    while place < len(tokens) - 2:
        if tokens[place] not in LOOPS or tokens[place - 1] != "." or tokens[place + 1] != "(":
            place += 1
            continue
        end, own = _closing(tokens, place + 1), tokens[place + 2]
        body = tokens[place + 3 : end]
        if tokens[place] == "map":
            words = [word for word, before in zip(body[1:], body, strict=False) if before != "."]
            paths = tuple(_paths(body, set(variables) - {*around, own}))
            others = sum(words.count(each) for each in around)
            found.append(Repeated(paths, others, words.count(own), len(around) + 1))
        found += repeated(body, variables, (*around, own))
        place = end
    return tuple(found)


def built(repeats: Sequence[Repeated], data: Mapping[str, Any], *, joins: int) -> int:
    """At most so many characters come of the maps of an expression that joins lists or texts so often."""
    whole = _measured(data)
    longest = min(MOST_ITERATIONS, whole.longest * (1 + joins))
    total = 0
    for each in repeats:
        count = min(MOST_ITERATIONS, longest**each.depth)
        outside = sum(_measured(_at(data, path)).size for path in each.paths) + each.others * whole.element
        within = min(count * whole.element, longest ** (each.depth - 1) * whole.size)
        total += count * (outside + VALUE) + each.own * within
    return total


@dataclass(frozen=True, slots=True)
class _Measure:
    """Of a value: its size, how many values its longest list or map has, the size of the largest element in any."""

    size: int
    longest: int = 0
    element: int = 0


def _measured(value: Any) -> _Measure:
    if isinstance(value, str):
        return _Measure(VALUE + len(value))
    if isinstance(value, Mapping):
        value = [*value.values(), "".join(map(str, value))]
    if not isinstance(value, (list, tuple)):
        return _Measure(VALUE)
    inner = [_measured(each) for each in value]
    return _Measure(
        VALUE + sum(each.size for each in inner),
        max([len(value), *(each.longest for each in inner)]),
        max((max(each.size, each.element) for each in inner), default=0),
    )


def _at(data: Mapping[str, Any], path: Sequence[str]) -> Any:
    """What stands there; where a part of the way is not known, all that it may be."""
    value: Any = data
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return value
        value = value[name]
    return value


def _paths(tokens: Sequence[str], variables: Collection[str]) -> Iterator[tuple[str, ...]]:
    for place, word in enumerate(tokens):
        if word not in variables or (place and tokens[place - 1] == "."):
            continue
        path, rest = [word], place + 1
        while rest + 1 < len(tokens) and tokens[rest] == "." and tokens[rest + 1].isidentifier():
            path.append(tokens[rest + 1])
            rest += 2
        yield tuple(path)


def _closing(tokens: Sequence[str], opened: int) -> int:
    depth = 0
    for place in range(opened, len(tokens)):
        depth += (tokens[place] in ("(", "[", "{")) - (tokens[place] in (")", "]", "}"))
        if depth == 0:
            return place
    return len(tokens)
