"""Lines on a page become headings and paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sre_copilot.knowledge.language import CJK

LARGER = 1.12  # a heading's letters against those of the text: the smallest step that styles use is 11 to 12.5 points
FAR = 0.75  # of the height of a line: lines of one paragraph are closer (single to 1.5 spacing)
LONGEST_HEADING = 120
_ITEM = re.compile(r"^\s*(?:[-*•·▪◦–]\s|\(?\d{1,3}[.)、）]\s?|[a-z][.)]\s|[一二三四五六七八九十]{1,3}[、.])")
_EAST = re.compile(f"[{CJK}\u3000-\u303f\uff00-\uffef]")

Placed = tuple[float, str, str, int]
"""Where it begins, what it is (`heading`, `text`), its text, and the level of a heading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: its text, where it stands (points from the top and the left), and how it looks."""

    text: str
    top: float
    bottom: float
    left: float
    right: float
    size: float
    bold: bool = False
    edge: bool = False


def paragraphs(lines: Sequence[Line], body: float) -> Iterator[Placed]:
    """Join the lines of each paragraph; `body` is the size of ordinary letters."""
    sizes = sorted({round(line.size, 1) for line in lines if line.size >= LARGER * body}, reverse=True)
    current: list[Line] = []
    for line in lines:
        if current and not _continues(current[-1], line, body):
            yield _placed(current, body, sizes)
            current = []
        current.append(line)
    if current:
        yield _placed(current, body, sizes)


def joined(lines: Sequence[str]) -> str:
    """The text of lines that were broken to fit: with a blank between, except beside Chinese."""
    text = lines[0] if lines else ""
    for line in lines[1:]:
        bare = text and line and (_EAST.match(text[-1]) or _EAST.match(line[0]))
        text += ("" if bare else " ") + line
    return text


def _continues(before: Line, line: Line, body: float) -> bool:
    gap = line.top - before.bottom
    alike = abs(line.size - before.size) < 0.06 * body and line.bold == before.bold
    return alike and -0.5 * body < gap < FAR * (line.bottom - line.top) and not _ITEM.match(line.text)


def _placed(lines: Sequence[Line], body: float, sizes: Sequence[float]) -> Placed:
    text = joined([line.text for line in lines])
    size = max(line.size for line in lines)
    short = len(text) <= LONGEST_HEADING and text[-1:] not in ".。;；,，"
    if size >= LARGER * body and short:
        return (
            lines[0].top,
            "heading",
            text,
            min(1 + sizes.index(round(size, 1)) if round(size, 1) in sizes else 1, 6),
        )
    if short and len(lines) == 1 and lines[0].bold:
        return lines[0].top, "heading", text, min(len(sizes) + 1, 6)
    return lines[0].top, "text", text, 0
