"""Which of many sets of matchers a label set fulfils, without asking each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sre_copilot.alerts.matchers import Matcher, all_match
from sre_copilot.alerts.remembered import Remembered

Pair = tuple[str, str]


class MatcherIndex:
    """Sets of matchers by id.

    A set that asks for a label's exact value lies under that pair of name and value, so that only those are tried whose pair the labels have; the rest
    (patterns and differences alone) is tried always.
    """

    def __init__(self) -> None:
        self._sets: dict[str, tuple[Matcher, ...]] = {}
        self._place: dict[str, Pair | None] = {}
        self._by_pair: dict[Pair, dict[str, None]] = {}
        self._others: dict[str, None] = {}
        self.matching = Remembered(self._matching)
        """Ids of the sets that a label set fulfils, sorted."""

    def put(self, key: str, matchers: Iterable[Matcher]) -> None:
        """Add a set, or replace it."""
        self.remove(key)
        self._sets[key] = tuple(matchers)
        place = self._place[key] = self._rarest(self._sets[key])
        (self._others if place is None else self._by_pair.setdefault(place, {}))[key] = None
        self.matching.forget()

    def remove(self, key: str) -> None:
        """Take a set away; nothing happens where there is none."""
        if self._sets.pop(key, None) is None:
            return
        place = self._place.pop(key)
        if place is None:
            del self._others[key]
        else:
            self._by_pair[place].pop(key)
            if not self._by_pair[place]:
                del self._by_pair[place]
        self.matching.forget()

    def _rarest(self, matchers: tuple[Matcher, ...]) -> Pair | None:
        """Of the pairs that a set asks for, the one under which the fewest lie."""
        pairs = [(each.name, each.value) for each in matchers if each.operator == "=" and each.value]
        return min(pairs, key=lambda pair: len(self._by_pair.get(pair, ())), default=None)

    def _matching(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(sorted(key for key in self._candidates(labels) if all_match(self._sets[key], labels)))

    def _candidates(self, labels: Mapping[str, str]) -> Iterator[str]:
        for pair in labels.items():
            yield from self._by_pair.get(pair, ())
        yield from self._others
