"""Inhibition with Alertmanager's meaning: while one alert fires, others that say the same on a smaller scale are muted.

A rule has targets (what is muted) and sources (what mutes). A target is muted while, for every source of the rule, an alert fires that matches the source and has
the same values of the labels in `equal`; a label that is missing on both sides is equal. Where the target itself matches a source, too, alerts that match both
sides do not count: no alert mutes itself, and two such alerts do not mute each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sre_copilot.alerts.matchers import Matcher, all_match
from sre_copilot.alerts.remembered import Remembered

Values = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InhibitionSource:
    """What mutes: its matchers, and the labels whose values must be the same on both sides."""

    matchers: tuple[Matcher, ...] = ()
    equal: tuple[str, ...] = ()

    def values(self, labels: Mapping[str, str]) -> Values:
        """The values that must be the same; '' for a missing label."""
        return tuple(labels.get(name, "") for name in self.equal)


@dataclass(frozen=True, slots=True, kw_only=True)
class InhibitionRule:
    """What is muted, and by what; with several sources, all of them must fire."""

    targets: tuple[Matcher, ...] = ()
    sources: tuple[InhibitionSource, ...]
    name: str = ""

    @property
    def names(self) -> frozenset[str]:
        """The labels that its matchers look at."""
        return frozenset(each.name for each in self.targets).union(
            *({each.name for each in source.matchers} for source in self.sources)
        )


@dataclass(slots=True)
class _Bucket:
    """The alerts of one source of one rule with the same values: those that match the source alone, those that match the target, too, and all targets."""

    sources: dict[str, None] = field(default_factory=dict)
    two_sided: dict[str, None] = field(default_factory=dict)
    targets: dict[str, None] = field(default_factory=dict)

    def inhibitor(self, *, of: str, without_two_sided: bool) -> str:
        """The alert that has fired longest of those that count, '' when there is none; never the alert itself."""
        first = next((each for each in self.sources if each != of), "")
        return first or (
            "" if without_two_sided else next((each for each in self.two_sided if each != of), "")
        )

    def move(self, fingerprint: str, *, is_source: bool, is_target: bool, firing: bool) -> dict[str, None]:
        """Put an alert in or take it out; return the targets where something began or ended by it."""
        before = bool(self.sources), bool(self.two_sided)
        if is_source:
            _set(self.two_sided if is_target else self.sources, fingerprint, member=firing)
        changed = before != (bool(self.sources), bool(self.two_sided))
        if is_target:
            _set(self.targets, fingerprint, member=firing)
        return dict(self.targets) if changed else {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left in it."""
        return not (self.sources or self.two_sided or self.targets)


@dataclass(frozen=True, slots=True)
class _Side:
    """On which sides of a rule a label set is."""

    rule: int
    is_target: bool
    sources: tuple[int, ...]


Place = tuple[int, int, Values]


class Inhibitor:
    """Knows which alerts fire, by rule and values, so that one look-up a rule tells whether an alert is muted."""

    def __init__(self, rules: Iterable[InhibitionRule]) -> None:
        self.rules = tuple(rules)
        names: frozenset[str] = frozenset().union(*(rule.names for rule in self.rules))
        self._sides = Remembered(self._sides_of, names=names)
        self._buckets: dict[Place, _Bucket] = {}
        self._firing: dict[str, Mapping[str, str]] = {}

    def take(self, fingerprint: str, labels: Mapping[str, str], *, firing: bool) -> tuple[str, ...]:
        """Note that an alert fires or no longer does.

        Returns the other firing alerts whose answer may have changed by it, so that only these are asked for again.
        """
        known = self._firing.get(fingerprint)
        if known == labels if firing else known is None:
            return ()
        changed: dict[str, None] = {}
        if known is not None:  # it ended, or its labels changed
            changed |= self._move(fingerprint, self._firing.pop(fingerprint), firing=False)
        if firing:
            self._firing[fingerprint] = labels
            changed |= self._move(fingerprint, labels, firing=True)
        changed.pop(fingerprint, None)
        return tuple(changed)

    def inhibited_by(self, fingerprint: str, labels: Mapping[str, str]) -> tuple[str, ...]:
        """Fingerprints of the alerts that mute this one: one for each source of each rule that applies; empty when it is not muted."""
        found: dict[str, None] = {}
        for side in self._sides(labels):
            if side.is_target:
                found |= dict.fromkeys(self._inhibitors(fingerprint, labels, side))
        return tuple(found)

    def is_source(self, labels: Mapping[str, str]) -> bool:
        """Whether a label set is on the muting side of any rule."""
        return any(side.sources for side in self._sides(labels))

    def _inhibitors(self, fingerprint: str, labels: Mapping[str, str], side: _Side) -> list[str]:
        """Those of one rule; none unless each of its sources fires."""
        found = []
        for number, source in enumerate(self.rules[side.rule].sources):
            bucket = self._buckets.get((side.rule, number, source.values(labels)))
            inhibitor = (
                bucket.inhibitor(of=fingerprint, without_two_sided=bool(side.sources)) if bucket else ""
            )
            if not inhibitor:
                return []
            found.append(inhibitor)
        return found

    def _move(self, fingerprint: str, labels: Mapping[str, str], *, firing: bool) -> dict[str, None]:
        """Put an alert into its buckets, or take it out; return the targets of those in which something began or ended."""
        changed: dict[str, None] = {}
        for side in self._sides(labels):
            for number, source in enumerate(self.rules[side.rule].sources):
                if side.is_target or number in side.sources:
                    place = (side.rule, number, source.values(labels))
                    bucket = self._buckets.setdefault(place, _Bucket())
                    changed |= bucket.move(
                        fingerprint,
                        is_source=number in side.sources,
                        is_target=side.is_target,
                        firing=firing,
                    )
                    if bucket.is_empty:
                        del self._buckets[place]
        return changed

    def _sides_of(self, labels: Mapping[str, str]) -> tuple[_Side, ...]:
        """The rules that a label set has to do with."""
        found = []
        for number, rule in enumerate(self.rules):
            is_target = all_match(rule.targets, labels)
            sources = tuple(
                each for each, source in enumerate(rule.sources) if all_match(source.matchers, labels)
            )
            if is_target or sources:
                found.append(_Side(number, is_target, sources))
        return tuple(found)


def _set(members: dict[str, None], key: str, *, member: bool) -> None:
    if member:
        members[key] = None
    else:
        members.pop(key, None)
