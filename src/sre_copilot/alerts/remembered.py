"""What was decided about a label set is remembered: the same labels come again and again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Generic, TypeVar

Answer = TypeVar("Answer")
Asked = frozenset[tuple[str, str]]
KEPT = 65_536
"""Label sets that are remembered: several times the alerts that are active at once, at some hundred bytes each."""


class Remembered(Generic[Answer]):
    """A function of a label set that is asked once for each; of the labels only those count that the function looks at.

    `names` None: it looks at all of them. The oldest answers are forgotten first.
    """

    def __init__(
        self, function: Callable[[Mapping[str, str]], Answer], *, names: Collection[str] | None = None
    ) -> None:
        self._function = function
        self._names = None if names is None else frozenset(names)
        self._answers: dict[Asked, Answer] = {}

    def __call__(self, labels: Mapping[str, str]) -> Answer:
        """The answer for a label set."""
        names = self._names
        key: Asked = frozenset(
            labels.items() if names is None else [pair for pair in labels.items() if pair[0] in names]
        )
        try:
            return self._answers[key]
        except KeyError:
            return self._ask(key, labels)

    def forget(self) -> None:
        """Ask anew from now on: what the function answers by has changed."""
        self._answers.clear()

    def _ask(self, key: Asked, labels: Mapping[str, str]) -> Answer:
        if len(self._answers) >= KEPT:
            del self._answers[next(iter(self._answers))]
        answer = self._answers[key] = self._function(labels)
        return answer
