"""Text that breaks between any two Chinese characters: Rich itself breaks at blanks only."""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, JustifyMethod, OverflowMethod
from rich.containers import Lines
from rich.measure import Measurement
from rich.text import Text

_OPEN = "（“‘《「【"
_CLOSE = "，。；：！？、）”’》」】…"
_WIDE = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_PIECE = re.compile(  # punctuation stays with what it opens or closes, a word in Latin letters in one piece
    rf"[{_OPEN}]*(?:[{_WIDE}]|[^\s{_WIDE}{_OPEN}{_CLOSE}]+)?[{_CLOSE}]*\s*"
)


class Prose(Text):
    """A paragraph that is filled by the width of its characters."""

    def wrap(
        self,
        console: Console,
        width: int,
        *,
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        tab_size: int = 8,
        no_wrap: bool | None = None,
    ) -> Lines:
        """Break into lines of at most `width` columns."""
        lines = Lines()
        for paragraph in self.split(allow_blank=True):
            for line in paragraph.divide(breaks(paragraph.plain, width)):
                line.rstrip()
                lines.append(line)
        return lines

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return the columns of the longest piece and of the longest line."""
        pieces = [cell_len(piece.rstrip()) for piece in _pieces(self.plain)]
        rows = [cell_len(row) for row in self.plain.splitlines()]
        return Measurement(max(pieces, default=0), max(rows, default=0))


def breaks(text: str, width: int) -> list[int]:
    """Return the offsets at which lines of at most `width` columns begin, the first line left out."""
    found: list[int] = []
    at, used = 0, 0
    for piece in _pieces(text):
        if used and used + cell_len(piece.rstrip()) > width:
            found.append(at)
            used = 0
        for letter in piece:  # a piece that is wider than a line is broken anywhere
            size = cell_len(letter)
            if used + size > width and used and not letter.isspace():
                found.append(at)
                used = 0
            at, used = at + 1, used + size
    return found


def _pieces(text: str) -> list[str]:
    return [piece for piece in _PIECE.findall(text) if piece]
