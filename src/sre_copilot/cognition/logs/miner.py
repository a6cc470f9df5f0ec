"""Template mining: from raw messages to the statements that wrote them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from sre_copilot.cognition.logs.masking import VARIABLE, mask, split
from sre_copilot.cognition.logs.refinement import Tokens, refine
from sre_copilot.cognition.logs.templates import Templates, text_of

AT_ONCE = 1 << 17
"""Messages that are masked at once: enough for full speed, few enough that the copies of a million lines never stand side by side."""


class Miner:
    """Finds templates, and remembers them from one batch of messages to the next.

    A line takes the first of three ways that knows it: the cache of masked lines, the tree of known templates, the
    refinement of shapes that are new, all of a batch together, so that the order of lines does not matter.
    """

    def __init__(self) -> None:
        self._cache: dict[str, int] = {}
        self._tree: dict[tuple[int, str], list[tuple[Tokens, int]]] = {}
        self._ids: dict[Tokens, int] = {}
        self._texts: list[str] = []

    @property
    def templates(self) -> tuple[str, ...]:
        """All templates known so far; a template's index is its id for good."""
        return tuple(self._texts)

    def mine(self, messages: pl.Series) -> Templates:
        """Assign a template to each message, learning new ones."""
        parts = [_coded(mask(part)) for part in _slices(messages)]
        distinct = sorted({line for lines, _ in parts for line in lines})
        self._learn(line for line in distinct if line not in self._cache)
        ids = [
            pl.Series([self._cache[line] for line in lines], dtype=pl.Int32).gather(codes)
            for lines, codes in parts
        ]
        return Templates(pl.concat(ids).alias("template_id"), self.templates)

    def _learn(self, lines: Iterable[str]) -> None:
        unknown: dict[str, Tokens] = {}
        for line in lines:
            tokens = split(line)
            known = self._known(tokens)
            if known is None:
                unknown[line] = tokens
            else:
                self._cache[line] = known
        refined = refine(set(unknown.values()))
        for template in sorted(set(refined.values())):
            self._add(template)
        self._cache.update({line: self._ids[refined[tokens]] for line, tokens in unknown.items()})

    def _known(self, tokens: Tokens) -> int | None:
        """Walk the tree: number of tokens, first token (or a variable in its place), then the few templates there."""
        for first in (tokens[0], VARIABLE):
            for template, identifier in self._tree.get((len(tokens), first), ()):
                if all(known in (token, VARIABLE) for known, token in zip(template, tokens, strict=True)):
                    return identifier
        return None

    def _add(self, template: Tokens) -> None:
        if template in self._ids:
            return
        self._ids[template] = len(self._texts)
        self._tree.setdefault((len(template), template[0]), []).append((template, self._ids[template]))
        self._texts.append(text_of(template))


def _slices(messages: pl.Series) -> Iterator[pl.Series]:
    """The column in parts, at least one."""
    for start in range(0, max(messages.len(), 1), AT_ONCE):
        yield messages.slice(start, AT_ONCE)


def _coded(masked: pl.Series) -> tuple[list[str], pl.Series]:
    """The distinct lines, sorted, and for each row the place of its line among them."""
    distinct = masked.unique().sort()
    lines: list[str] = distinct.to_list()
    if not lines:
        return [], pl.Series(dtype=pl.UInt32)
    codes = masked.replace_strict(distinct, pl.int_range(len(lines), eager=True), return_dtype=pl.UInt32)
    return lines, codes


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
