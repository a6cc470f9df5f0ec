"""An open incident as correlation sees it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sre_copilot.alerts.correlation.rules import Needs


@dataclass(slots=True)
class Member:
    """An alert of a matter: its kind, place and worth, and whether place, calls or a change tie it to the others."""

    name: str
    place: str
    worth: float
    tied: bool = True
    weighty: bool = False
    """Whether somebody gave it a high severity."""


@dataclass(slots=True, eq=False)
class Matter:
    """Its members, what they have in common, and whether people were told.

    `id` is '' while a storm has not yet decided whether it is an incident of its own. `roots` are its deepest failing services as far as the topology
    knows them, each with its worth.
    """

    key: int
    id: str
    needs: Needs
    opened_at: float
    last_at: float
    reach_s: float
    """How long after the last alert another may join."""
    members: dict[str, Member] = field(default_factory=dict)
    firing: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    pairs: dict[tuple[str, str], float] = field(default_factory=dict)
    roots: dict[str, float] = field(default_factory=dict)
    tied: int = 0
    changes: set[str] = field(default_factory=set)
    labels: frozenset[tuple[str, str]] = frozenset()
    words: frozenset[str] = frozenset()
    woken: bool = False
    storm: bool = False
    due_at: float | None = None
    doubt: float = 1.0
    """Product of what the pairs leave open: 1 - worth before purity."""
    weighty: bool = False
    """Whether somebody gave one of its alerts a high severity."""
    best: float = 0.0
    """Worth of its weightiest alert."""
    largest: int = 0
    """Alerts that have one subject."""

    def add(self, fingerprint: str, member: Member) -> None:
        """Take an alert on, or let it fire again."""
        self.firing.add(fingerprint)
        if fingerprint not in self.members:
            self.members[fingerprint] = member
            self.tied += member.tied
            self.kinds[member.name] += 1
            self.places[member.place] += 1
            self.largest = max(self.largest, self.kinds[member.name], self.places[member.place], self.tied)
        self._weigh(member)

    def counts(self, fingerprint: str, worth: float) -> None:
        """An alert that said nothing, because it was muted, says something now."""
        member = self.members.get(fingerprint)
        if member is not None and worth > member.worth:
            member.worth = worth
            self._weigh(member)

    def drop(self, fingerprint: str) -> Member | None:
        """Let an alert go."""
        member = self.members.pop(fingerprint, None)
        if member is None:
            return None
        self.firing.discard(fingerprint)
        self.tied -= member.tied
        for counts, key in ((self.kinds, member.name), (self.places, member.place)):
            counts[key] -= 1
            if counts[key] <= 0:
                del counts[key]
        self.largest = max(self.tied, *self.kinds.values(), *self.places.values()) if self.members else 0
        if self.pairs.get((member.name, member.place), 0.0) <= member.worth or member.weighty:
            self.weigh_anew()
        return member

    def weigh_anew(self) -> None:
        """Weigh all alerts again: one that spoke for others is gone, or says something else now."""
        self.pairs, self.doubt, self.best, self.weighty = {}, 1.0, 0.0, False
        for each in self.members.values():
            self._weigh(each)

    def _weigh(self, member: Member) -> None:
        """The weightiest alert of a kind at a place speaks for all of them."""
        self.weighty |= member.weighty and member.worth > 0
        pair = (member.name, member.place)
        before = self.pairs.get(pair)
        if before is None or member.worth > before:
            self.pairs[pair] = member.worth
            self.doubt *= (1 - member.worth) / (1 - (before or 0.0))
            self.best = max(self.best, member.worth)

    @property
    def brief(self) -> bool:
        """Whether it is made of mere events, which come with their own end."""
        return self.reach_s < self.needs.window_s

    @property
    def purity(self) -> float:
        """Share of its alerts that are at one place, of one kind, or tied by calls or a change: 1 for what has one subject."""
        return self.largest / len(self.members) if self.members else 1.0

    @property
    def worth(self) -> float:
        """Its weightiest alert, or independent witnesses together, which say less where they have no subject in common."""
        return max((1 - self.doubt) * (0.5 + 0.5 * self.purity), self.best)

    @property
    def enough(self) -> bool:
        """Whether its rule lets it wake."""
        needs = self.needs
        return (
            len(self.members) >= needs.alerts
            and len(self.kinds) >= needs.kinds
            and self.purity >= needs.purity
            and self.worth >= needs.worth
        )

    def lives(self, now: float, *, longest_s: float) -> bool:
        """Whether what is near it may still join: before the reach of its alerts is over (what begins when an event ends is another), and as long as one of them lasts that is no mere event."""
        within = now - self.last_at < self.reach_s or now <= self.last_at
        return now - self.opened_at <= longest_s and (within or (bool(self.firing) and not self.brief))
