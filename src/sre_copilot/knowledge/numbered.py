"""Numbered steps in a text that people wrote: `1.`, `2)`, `3、`, `Step 4:`, `第五步：`; one list, or one below each of several headings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_FENCE = re.compile(r"^\s*(?:```|~~~)")
_DIGITS = "一二三四五六七八九"
_HANZI = f"(?:[{_DIGITS}]?十[{_DIGITS}]?|[{_DIGITS}])"
_STEP = re.compile(
    rf"^(?P<indent>\s*)(?:\*\*)?(?:(?:step|步骤)\s*(?P<named>\d+)|第\s*(?P<ordinal>\d+|{_HANZI})\s*步|(?P<plain>\d+)(?=[.)、．])|(?P<hanzi>{_HANZI})(?=、))"
    r"[.)、．:：,，]*(?:\*\*)?\s*(?P<text>\S.*?)\s*$",
    re.IGNORECASE,
)
_MORE = re.compile(r"^\s+(?P<bullet>[-*+]\s+)?(?P<text>\S.*?)\s*$")
_JUMP = re.compile(r"((?:go (?:back )?to|continue (?:with|at)|转到|跳到|回到)(?:\s*step|\s*第)?\s*)(\d+)", re.IGNORECASE)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Numbered:
    """A step as it is numbered where it stands."""

    number: int
    text: str


def unfenced(text: str) -> Iterator[str]:
    """The lines that are no code."""
    fenced = False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield line


def numbered(text: str) -> tuple[tuple[Numbered, ...], ...]:
    """The lists of numbered steps, in their order; what is indented below a step belongs to it.

    A new one begins at a 1 after another number, for each heading may have its own; where every number is 1, as Markdown allows, it is one list.
    """
    lists: list[list[Numbered]] = []
    fresh, outer = True, 0
    for line in unfenced(text):
        if line.startswith("#"):
            fresh = True
            continue
        step = _STEP.match(line)
        if step and (fresh or not lists or len(step["indent"]) <= outer):
            number, outer = _number(step), len(step["indent"])
            if not lists or (number == 1 and (fresh or lists[-1][-1].number > 1)):
                lists.append([])
            lists[-1].append(Numbered(number, step["text"]))
            fresh = False
        elif (
            lists
            and not fresh
            and (more := _MORE.match(step["text"] and f" {step['text']}" if step else line))
        ):
            last = lists[-1][-1]
            sign = ";" if (more["bullet"] or step) and last.text[-1] not in ";；:：,，" else ""
            lists[-1][-1] = Numbered(last.number, f"{last.text.rstrip('.。') if sign else last.text}{sign} {more['text']}")  # fmt: skip
    return tuple(map(tuple, lists))


def joined(lists: Sequence[Sequence[Numbered]]) -> tuple[str, ...]:
    """The texts of all lists as one list; where a list says `go to 2` its own second step is meant."""
    found: list[str] = []
    for each in lists:
        found += [_led_on(step.text, by=len(found)) for step in each]
    return tuple(found)


def out_of_order(lists: Sequence[Sequence[Numbered]]) -> tuple[int, ...]:
    """The numbers of the first list that does not count 1, 2, 3 …, nor says 1 each time."""
    for each in lists:
        numbers = tuple(step.number for step in each)
        if numbers != tuple(range(1, len(each) + 1)) and set(numbers) != {1}:
            return numbers
    return ()


def _led_on(text: str, *, by: int) -> str:
    return _JUMP.sub(lambda jump: f"{jump[1]}{int(jump[2]) + by}", text)


def _number(match: re.Match[str]) -> int:
    said = match["named"] or match["ordinal"] or match["plain"] or match["hanzi"]
    return int(said) if said.isdecimal() else _hanzi(said)


def _hanzi(said: str) -> int:
    """1 to 99, as they are counted."""
    tens, ten, ones = said.rpartition("十")
    many = (_DIGITS.index(tens) + 1 if tens else 1) if ten else 0
    return many * 10 + (_DIGITS.index(ones) + 1 if ones else 0)
