"""How new an alert is: its kind at its place, its kind anywhere, the values of its labels, its words. Learned as alerts come, faded, bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sre_copilot.alerts.habits import Habits
from sre_copilot.domain.alert import ALERTNAME
from sre_copilot.settings.alerting.correlation import Correlation

VALUE_WEIGHT = 0.1  # a value that was never seen adds so much: pods and sessions are new all the time
TEXT_WEIGHT = 0.1  # words that were never seen add so much
MOST_VALUES = 8  # labels of one alert that are looked at
LONGEST_VALUE = 80  # a longer one is a text or an id, and new each time
KNOWN_WELL = 20.0  # occasions after which values and words of a kind at its place are no longer looked at: nothing about it is news
_APART = "\x1f"


@dataclass(frozen=True, slots=True)
class Novelty:
    """How new an alert is, 0..1 each.

    `value` is the whole; `pair` the kind at its place, `kind` the kind anywhere, `label` the newest label value (`label_name`), `text` its words. `known` is
    on how many occasions the pair was seen of late; `learning` says that the installation has not yet seen enough for novelty to mean something.
    """

    value: float
    pair: float
    kind: float
    label: float
    label_name: str
    text: float
    known: float
    learning: bool


class Learned:
    """What was seen of kinds, places, values and words."""

    def __init__(self, settings: Correlation) -> None:
        half_life = settings.novelty_half_life_hours * 3600
        self._kind_share = settings.kind_share
        self._learning_s = settings.learning_hours * 3600
        self._learning_pairs = settings.learning_pairs
        most = settings.remembered // 2
        self._pairs = Habits(half_life_s=half_life, spell_s=settings.spell_seconds, most=most)
        self._parts = Habits(half_life_s=half_life, spell_s=settings.spell_seconds, most=most)
        self._since: float | None = None

    def see(
        self, name: str, place: str, labels: Mapping[str, str], text: Sequence[str], now: float
    ) -> Novelty:
        """Judge an alert by what came before it, then learn it."""
        if self._since is None:
            self._since = now
        known = self._pairs.see(f"{name}{_APART}{place}", now)
        pair, kind = 1 / (1 + known), self._parts.newness(f"n{_APART}{name}", now)
        label, label_name, said = 0.0, "", 0.0
        if known < KNOWN_WELL:
            label, label_name = self._label(labels, now)
            said = self._text(text, now)
        value = pair * (self._kind_share + (1 - self._kind_share) * kind)
        value = 1 - (1 - value) * (1 - VALUE_WEIGHT * label * pair) * (1 - TEXT_WEIGHT * said * pair)
        return Novelty(value, pair, kind, label, label_name, said, known, self.learning(now))

    def learning(self, now: float) -> bool:
        """Whether too little was seen for novelty to mean something."""
        young = self._since is None or now - self._since < self._learning_s
        return young and len(self._pairs) > self._learning_pairs

    def _label(self, labels: Mapping[str, str], now: float) -> tuple[float, str]:
        """The newest value and its label; learns all of them."""
        newest, found, looked = 0.0, "", 0
        for name, value in labels.items():
            if name == ALERTNAME or len(value) > LONGEST_VALUE:
                continue
            newness = self._parts.newness(f"v{_APART}{name}{_APART}{value}", now)
            if newness > newest:
                newest, found = newness, name
            looked += 1
            if looked == MOST_VALUES:
                break
        return newest, found

    def _text(self, text: Sequence[str], now: float) -> float:
        """Mean newness of the words; learns all of them."""
        total = sum(self._parts.newness(f"w{_APART}{word}", now) for word in text)
        return total / len(text) if text else 0.0

    def memory(self, *, changed_only: bool = False) -> dict[str, Any]:
        """What was learned, as plain JSON; only the shards that changed since the last time where so asked."""
        return {
            "since": self._since,
            "pairs": self._pairs.shards(changed_only=changed_only),
            "parts": self._parts.shards(changed_only=changed_only),
        }

    def load(self, memory: Mapping[str, Any]) -> None:
        """Go on from what was kept."""
        self._since = memory.get("since")
        self._pairs.load(memory.get("pairs", {}))
        self._parts.load(memory.get("parts", {}))
