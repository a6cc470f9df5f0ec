"""Template mining: from raw messages to the statements that wrote them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sre_copilot.cognition.logs.masking import VARIABLE, fold, number_lines, split, unwrapped
from sre_copilot.cognition.logs.matching import Matcher, Tokens, tokens_of
from sre_copilot.cognition.logs.refinement import Tokens as Words
from sre_copilot.cognition.logs.refinement import location_of, refine
from sre_copilot.cognition.logs.shapes import Shapes
from sre_copilot.cognition.logs.skeletons import skeletons
from sre_copilot.cognition.logs.templates import Templates, text_of

AT_ONCE = 1 << 17
"""Messages that are unwrapped at once: enough for full speed, few enough that the copies of a million lines never stand side by side."""

REFINED_AT_ONCE = 1 << 13
"""Masked lines that are compared with each other at once, the most frequent first. What a program can say is among its commonest few thousand
lines; whatever differs from those in values alone then finds its template without being compared."""


class Miner:
    """Finds templates, and remembers them from one batch of messages to the next.

    A shape takes the first of three ways that knows it: the table of shapes, the known templates, the refinement of
    shapes that are new, all of a batch together, so that the order of lines does not matter.
    """

    def __init__(self) -> None:
        self._shapes = Shapes()
        self._of_shape = np.empty(0, dtype=np.int32)
        self._ids: dict[Words, int] = {}
        self._texts: list[str] = []

    @property
    def templates(self) -> tuple[str, ...]:
        """All templates known so far; a template's index is its id for good."""
        return tuple(self._texts)

    @property
    def known(self) -> tuple[Words, ...]:
        """The tokens of all templates known so far."""
        return tuple(self._ids)

    @property
    def shapes(self) -> int:
        """How many masked lines are remembered."""
        return self._shapes.count

    def know(self, templates: Iterable[Words]) -> None:
        """Take in templates that were found elsewhere."""
        for template in templates:
            self._add(template)

    def mine(self, messages: pl.Series) -> Templates:
        """Assign a template to each message, learning new ones."""
        ids = self._mine([number_lines(self._shapes, part) for part in _slices(messages)])
        return Templates(pl.Series("template_id", ids, dtype=pl.Int32), self.templates)

    def mine_buffer(self, buffer: bytes) -> NDArray[np.int32]:
        """Assign a template to each line of a buffer of UTF-8, learning new ones; the template's text is in `templates`.

        Lines end with a newline each; those that wrap a message in JSON or logfmt are unwrapped.
        """
        return self._mine([self._shapes.add(buffer, unwrap=unwrapped)])

    def _mine(self, parts: list[NDArray[np.int32]]) -> NDArray[np.int32]:
        first, last = len(self._of_shape), self._shapes.count
        if last > first:
            counts = sum(np.bincount(part, minlength=last)[first:] for part in parts)
            self._learn(first, last, np.asarray(counts))
        return np.concatenate([self._of_shape[part] for part in parts])

    def _learn(self, first: int, last: int, counts: NDArray[np.int64]) -> None:
        """Give a template to each new shape, the most frequent first."""
        lines = fold(self._shapes.texts(first, last)).str.strip_chars(" ")
        tokens = tokens_of(lines.str.join("\n").item())
        found = np.full(len(lines), -1, dtype=np.int64)
        waiting = np.arange(len(lines))
        while len(waiting):
            found[waiting] = self._matched(tokens, waiting)
            waiting = waiting[found[waiting] < 0]
            if len(waiting) > REFINED_AT_ONCE:
                found[waiting] = self._in_bulk(lines, tokens, waiting)
                waiting = waiting[found[waiting] < 0]
            chosen = _most_frequent(waiting, counts, lines)
            found[chosen] = self._refine(lines.gather(chosen).to_list())
            waiting = waiting[found[waiting] < 0]
        self._of_shape = np.concatenate([self._of_shape, found.astype(np.int32)])

    def _matched(self, lines: Tokens, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The known template of each line, -1 for none."""
        if not self._ids:
            return np.full(len(rows), -1, dtype=np.int64)
        known = list(self._ids)
        return Matcher([" ".join(each) for each in known], [is_open(each) for each in known]).match(
            lines, rows
        )

    def _in_bulk(self, lines: pl.Series, tokens: Tokens, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Make templates of what many lines have in common; -1 for the others."""
        groups, examples = skeletons(tokens, rows)
        templates = [
            tuple(VARIABLE if value else word for word, value in zip(split(lines[row]), values, strict=True))
            for row, values in examples
        ]
        for template in sorted(set(templates)):
            self._add(template)
        ids = np.asarray([self._ids[template] for template in templates] + [-1], dtype=np.int64)
        return ids[groups]  # a group of -1 is the last place

    def _refine(self, lines: list[str]) -> list[int]:
        """Make templates of lines that none is known for; a place that has shown a value in known templates is one for them, too."""
        unknown = [split(line) for line in lines]
        refined = refine({*unknown, *self._ids} if len(self._ids) < REFINED_AT_ONCE else set(unknown))
        for template in sorted({refined[tokens] for tokens in unknown}):
            self._add(template)
        return [self._ids[refined[tokens]] for tokens in unknown]

    def _add(self, template: Words) -> None:
        if template not in self._ids:
            self._ids[template] = len(self._texts)
            self._texts.append(text_of(template))


def is_open(template: Words) -> bool:
    """Whether any tokens may follow: one place in the code writes it, with data at its end."""
    return len(template) > 1 and template[-1] == VARIABLE and location_of(template) is not None


def _most_frequent(rows: NDArray[np.int64], counts: NDArray[np.int64], lines: pl.Series) -> NDArray[np.int64]:
    """As many as are refined at once."""
    if len(rows) <= REFINED_AT_ONCE:
        return rows
    table = pl.DataFrame({"row": rows, "n": counts[rows], "line": lines.gather(rows)})
    return table.sort("n", "line", descending=[True, False])["row"].head(REFINED_AT_ONCE).to_numpy()


def _slices(messages: pl.Series) -> Iterator[pl.Series]:
    """The column in parts, at least one."""
    for start in range(0, max(messages.len(), 1), AT_ONCE):
        yield messages.slice(start, AT_ONCE)


def mine(messages: pl.Series) -> Templates:
    """Find the templates of a column of messages.

    Parameters
    ----------
    messages : String; null counts as empty

    Returns
    -------
    template of each row and the list of templates; independent of the order of rows, ids too
    """
    return Miner().mine(messages)
