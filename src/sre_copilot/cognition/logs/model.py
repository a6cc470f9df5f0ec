"""A memory of templates for a stream of batches: ids that never change, and a bound on how many are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sre_copilot.cognition.logs.miner import Miner
from sre_copilot.cognition.logs.templates import text_of

MOST_TEMPLATES = 20_000
"""Templates that are remembered: a large estate writes a few thousand; more means that free text goes through the logs."""

MOST_SHAPES = 1 << 18
"""Masked lines that are remembered for speed alone, 30 MB of them; when there are more the table is begun anew and no id changes."""

KEPT = 0.9
"""Share of the templates that stays when there are too many: the least recently seen go, some at once so that it is seldom done."""


class LogModel:
    """Assigns a template to each message of a stream.

    An id is given once and for good: a template that was forgotten and comes again is a new one. `evicted` counts those forgotten.
    """

    def __init__(self, *, most_templates: int = MOST_TEMPLATES) -> None:
        self.evicted = 0
        self._most = most_templates
        self._miner = Miner()
        self._ids: list[int] = []  # of the miner's templates
        self._seen: dict[int, float] = {}
        self._texts: dict[int, str] = {}
        self._next = 0

    @property
    def templates(self) -> dict[int, str]:
        """The texts of the templates that are remembered, by id."""
        return dict(self._texts)

    def assign(self, messages: pl.Series, *, at: float) -> NDArray[np.int64]:
        """The template id of each message; `at` is the time of the batch, epoch seconds."""
        mined = self._miner.mine(messages).template_id.to_numpy()
        self._name_new()
        ids: NDArray[np.int64] = np.asarray(self._ids, dtype=np.int64)[mined]
        for each in np.unique(ids).tolist():
            self._seen[each] = max(at, self._seen.get(each, at))
        self._forget()
        return ids

    def merge(self, other: LogModel) -> dict[int, int]:
        """Learn another model's templates; return which id each of its ids has here."""
        self._miner.know(other._miner.known)
        self._name_new()
        here = {tokens: self._ids[place] for place, tokens in enumerate(self._miner.known)}
        ids = {other._ids[place]: here[tokens] for place, tokens in enumerate(other._miner.known)}
        for theirs, ours in ids.items():
            self._seen[ours] = max(self._seen.get(ours, 0.0), other._seen.get(theirs, 0.0))
        return ids

    def state(self) -> dict[str, Any]:
        """All that is remembered, fit for JSON."""
        known = [" ".join(tokens) for tokens in self._miner.known]
        seen = [self._seen.get(each, 0.0) for each in self._ids]
        return {
            "templates": known,
            "ids": self._ids,
            "seen": seen,
            "next": self._next,
            "evicted": self.evicted,
        }

    @classmethod
    def of(cls, state: dict[str, Any], *, most_templates: int = MOST_TEMPLATES) -> LogModel:
        """The model that a state was taken of."""
        model = cls(most_templates=most_templates)
        model._remember([tuple(text.split(" ")) for text in state["templates"]], list(state["ids"]))
        model._seen = dict(zip(model._ids, state["seen"], strict=True))
        model._next, model.evicted = state["next"], state["evicted"]
        return model

    def _remember(self, known: Sequence[tuple[str, ...]], ids: list[int]) -> None:
        self._miner = Miner()
        self._miner.know(known)
        self._ids = ids
        self._texts = {each: text_of(tokens) for each, tokens in zip(ids, known, strict=True)}

    def _name_new(self) -> None:
        for text in self._miner.templates[len(self._ids) :]:
            self._ids.append(self._next)
            self._texts[self._next] = text
            self._next += 1

    def _forget(self) -> None:
        """Drop the least recently seen templates when there are too many, and the table of shapes when it is too large."""
        many = len(self._ids) > self._most
        if not many and self._miner.shapes <= MOST_SHAPES:
            return
        places = list(range(len(self._ids)))
        if many:
            latest = sorted(places, key=lambda place: (-self._seen.get(self._ids[place], 0.0), place))
            places = sorted(latest[: int(KEPT * self._most)])
        known = self._miner.known
        self.evicted += len(self._ids) - len(places)
        self._remember([known[place] for place in places], [self._ids[place] for place in places])
        self._seen = {each: self._seen.get(each, 0.0) for each in self._ids}
