"""A step of a procedure, taken apart: what is done, what is asked, and where it leads to. English and Chinese, by their punctuation and a few words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

END = 0  # where a procedure ends; its steps count from 1
_SENTENCES = re.compile(r"[;；。]|\.(?=\s|$)")
_IF = re.compile(r"^\s*(?:if|when|in case|unless|如果|若|假如|当)\s*(.+)$", re.IGNORECASE | re.DOTALL)
_UNLESS = re.compile(r"^\s*unless\b", re.IGNORECASE)
_ELSE = re.compile(r"[,，;；]?\s*(?:\botherwise\b|\belse\b|否则|不然)[,，:：]?\s*", re.IGNORECASE)
_JUMP = re.compile(
    r"[,，、]?\s*(?:and\s+|then\s+|然后)*(?:go (?:back )?to|continue (?:with|at)|转到|跳到|回到)\s*(?:step|第)?\s*(\d+)(?:\s*步)?(?:\s+for\s+[^,，.;]+)?",
    re.IGNORECASE,
)
_END = re.compile(
    r"[,，、]?\s*(?:and\s+|then\s+|后|即可|则|并)?\s*(?:\bend\b|结束)(?:\s+here)?\s*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Way:
    """What follows: a deed ('' for none), and where it leads to (None: to the next; `END`)."""

    deed: str = ""
    goto: int | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of a step: a deed, or with `asked` a question whose answer decides between two ways."""

    then: Way
    asked: str = ""
    otherwise: Way = field(default=Way())


def clauses(text: str) -> tuple[Clause, ...]:
    """The pieces of a step in their order; an `otherwise` belongs to the question before it."""
    found: list[Clause] = []
    for sign, own in _parts(text):
        alone, last = _ELSE.match(own), found[-1] if found else None
        leads = way(own)
        if alone and last and last.asked:
            found[-1] = replace(last, otherwise=way(own[alone.end() :]))
        elif last and not leads.deed and last.then.goto is None and (sign != "." or not last.asked):
            found[-1] = replace(last, then=replace(last.then, goto=leads.goto))
        else:
            found += _clauses(own)
    return tuple(found)


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """Sentences and halves of them, each with what stands before it: `;` goes on with what was said, `.` begins anew."""
    sign, place = ".", 0
    for match in _SENTENCES.finditer(text):
        if text[place : match.start()].strip():
            yield sign, text[place : match.start()].strip()
        sign, place = (";" if match[0] in ";；" else "."), match.end()
    if text[place:].strip():
        yield sign, text[place:].strip()


def way(text: str) -> Way:
    """What follows, by its words."""
    jump = _JUMP.search(text)
    rest = _JUMP.sub("", text) if jump else text
    ended = _END.search(rest)
    deed = _END.sub("", rest).strip(" ,，、:：.")
    return Way(deed, int(jump[1]) if jump else END if ended else None)


def _clauses(sentence: str) -> Iterator[Clause]:
    asked = _IF.match(sentence)
    if asked is None:
        if (inner := _within(sentence)) is not None:
            yield Clause(way(inner[0]))
            yield from _clauses(inner[1])
            return
        yield Clause(way(sentence))
        return
    question, follows = _question(asked[1])
    then, *other = _ELSE.split(follows, maxsplit=1)
    ways = way(then), way(other[0]) if other else Way()
    if _UNLESS.match(sentence):
        ways = ways[1], ways[0]
    yield Clause(ways[0], question, ways[1])


def _within(sentence: str) -> tuple[str, str] | None:
    """A deed and a question that a comma joins."""
    match = re.search(r"[,，]\s*(?=(?:(?:and\s+)?if\b|如果|若)\s*[^,，]+[:：,，])", sentence, re.IGNORECASE)
    if match is None:
        return None
    return sentence[: match.start()], re.sub(r"^and\s+", "", sentence[match.end() :], flags=re.IGNORECASE)


def _question(text: str) -> tuple[str, str]:
    """The condition and what follows it: parted by a colon, else by the first comma."""
    for sign in (r"[:：]", r"[,，]\s*(?:then\s+|则|就)?"):
        parts = re.split(sign, text, maxsplit=1)
        if len(parts) == 2:
            return parts[0].strip(), parts[1].strip()
    return text.strip(), ""
