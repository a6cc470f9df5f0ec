"""A document becomes passages: what stands under one heading and on one page, no longer than is read at a glance.

Tables and code stay whole. Text overlaps only where one paragraph had to be cut: the last sentence is repeated, so that no thought is torn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sre_copilot.knowledge.documents import Block, Document
from sre_copilot.knowledge.language import CJK, sentences, width

PASSAGE_WIDTH = (
    900  # characters, 450 of Chinese: a screenful of a phone; longer ones hide their point from the encoder
)
WHOLE = 4  # times that width a table or a listing may have before it is cut between its rows
OVERLAP = 0.25  # of a passage that may be repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A passage before it has an id."""

    text: str
    headings: tuple[str, ...] = ()
    page: int | None = None


def chunks(document: Document, *, most: int = PASSAGE_WIDTH) -> tuple[Chunk, ...]:
    """Passages in the order of the document."""
    found: list[Chunk] = []
    for headings, page, blocks in _sections(document.blocks):
        found += [Chunk(text=text, headings=headings, page=page) for text in _packed(blocks, most)]
    return tuple(found)


def _sections(blocks: Sequence[Block]) -> Iterator[tuple[tuple[str, ...], int | None, list[Block]]]:
    """Blocks under the same headings on the same page; a heading with nothing under it is a passage of its own."""
    path: list[tuple[int, str]] = []
    current: list[Block] = []
    bare: Block | None = None
    for block in blocks:
        if current and (block.kind == "heading" or block.page != current[0].page):
            yield tuple(text for _, text in path), current[0].page, current
            current = []
        if block.kind == "heading":
            if bare and block.level <= bare.level:
                yield tuple(text for _, text in path[:-1]), bare.page, [bare]
            path = [
                *((level, text) for level, text in path if level < block.level),
                (block.level, block.text),
            ]
            bare = block
        else:
            bare = None
            current.append(block)
    if current:
        yield tuple(text for _, text in path), current[0].page, current
    elif bare:
        yield tuple(text for _, text in path[:-1]), bare.page, [bare]


def _packed(blocks: Sequence[Block], most: int) -> Iterator[str]:
    """Blocks together, as long as they fit."""
    current: list[str] = []
    for block in blocks:
        for piece in _pieces(block, most):
            if current and width("\n\n".join([*current, piece])) > most:
                yield "\n\n".join(current)
                current = []
            current.append(piece)
    if current:
        yield "\n\n".join(current)


def _pieces(block: Block, most: int) -> Iterator[str]:
    if width(block.text) <= (WHOLE * most if block.kind in ("table", "code") else most):
        yield block.text
    elif block.kind == "table":
        yield from _cut_table(block.text.split("\n"), WHOLE * most)
    elif block.kind in ("code", "list"):
        yield from _cut(block.text.split("\n"), most, between="\n", repeated=False)
    else:
        yield from _cut(sentences(block.text), most, between=" ", repeated=True)


def _cut_table(rows: Sequence[str], most: int) -> Iterator[str]:
    """Rows together, each part below the head of the table."""
    ruled = len(rows) > 1 and set(rows[1]) <= set("|-: ")
    head, rest = list(rows[: 1 + ruled]), rows[1 + ruled :]
    for part in _cut(rest, max(most - width("\n".join(head)), 1), between="\n", repeated=False):
        yield "\n".join([*head, part])


def _cut(parts: Sequence[str], most: int, *, between: str, repeated: bool) -> Iterator[str]:
    current: list[str] = []
    for part in (piece for each in parts for piece in _forced(each, most)):
        if current and width(between.join([*current, part])) > most:
            yield _joined(current, between)
            last = current[-1]
            current = [last] if repeated and width(last) <= OVERLAP * most else []
        current.append(part)
    if current:
        yield _joined(current, between)


def _forced(text: str, most: int) -> Iterator[str]:
    """What has neither sentences nor lines is cut where it must be."""
    while width(text) > most:
        at = len(text) * most // width(text)
        at = next((found for found in range(at, at // 2, -1) if text[found].isspace()), at)
        yield text[:at].rstrip()
        text = text[at:].lstrip()
    yield text


def _joined(parts: Sequence[str], between: str) -> str:
    """Sentences as they stood: without a blank between two of Chinese."""
    text = parts[0]
    for part in parts[1:]:
        east = between == " " and (text[-1:] in "。！？；" or "\u4e00" <= part[:1] <= CJK[-1])
        text += ("" if east else between) + part
    return text
