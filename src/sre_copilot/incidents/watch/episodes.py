"""From scores to anomalies that are told: confirmed, kept open while they last, closed when they are over.

A single tick above the threshold is told of nobody; what is told stays the same anomaly until it is over. Pure logic, no I/O.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from sre_copilot.domain.anomaly import Anomaly

Key = tuple[str, str, str, str]
SURE = 0.95  # told at once: twenty times rarer than what the threshold lets pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When an anomaly begins and ends; see `settings.document.AnomalyDetection`."""

    threshold: float = 0.7
    confirm_ticks: int = 2
    clear_ticks: int = 6
    max_open: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """An anomaly as it goes on."""

    anomaly: Anomaly
    first_seen_at: float
    last_seen_at: float
    peak_score: float
    above: int = 1
    below: int = 0
    opened_at: float | None = None
    closed_at: float | None = None

    @property
    def id(self) -> str:
        """A name that depends on what it is about and when it began alone."""
        content = repr((key_of(self.anomaly), self.first_seen_at))
        return "A-" + hashlib.blake2b(content.encode(), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True)
class Turn:
    """What a tick changed: anomalies told for the first time, still going on, and over; and how many found no room."""

    opened: tuple[Episode, ...] = ()
    updated: tuple[Episode, ...] = ()
    closed: tuple[Episode, ...] = ()
    left_out: int = 0


@dataclass
class Episodes:
    """All anomalies that are not over."""

    rules: Rules = field(default_factory=Rules)
    running: dict[Key, Episode] = field(default_factory=dict)

    def tick(
        self, seen: Iterable[Anomaly], *, at: float, unseen: Callable[[Anomaly], bool] | None = None
    ) -> Turn:
        """Take what one tick saw; `unseen` says whether a known anomaly could not be looked at now, so that nothing is known of it."""
        found = {key_of(each): each for each in _strongest_last(seen) if each.score >= self.rules.threshold}
        opened, updated, left_out = self._went_on(found, at)
        closed = self._over(found, at, unseen or (lambda anomaly: False))
        return Turn(tuple(opened), tuple(updated), tuple(closed), left_out)

    def open(self) -> tuple[Episode, ...]:
        """Those that have been told."""
        return tuple(each for each in self.running.values() if each.opened_at is not None)

    def _went_on(self, found: dict[Key, Anomaly], at: float) -> tuple[list[Episode], list[Episode], int]:
        opened: list[Episode] = []
        updated: list[Episode] = []
        left_out = 0
        told = len(self.open())
        for key, anomaly in sorted(found.items(), key=lambda item: -item[1].score):
            episode = _next(self.running.get(key), anomaly, at)
            if episode.opened_at is None and self._confirmed(episode):
                if told >= self.rules.max_open:
                    left_out += 1
                else:
                    told += 1
                    episode = replace(episode, opened_at=at)
                    opened.append(episode)
            elif episode.opened_at is not None:
                updated.append(episode)
            self.running[key] = episode
        return opened, updated, left_out

    def _confirmed(self, episode: Episode) -> bool:
        return episode.above >= self.rules.confirm_ticks or episode.anomaly.score >= SURE

    def _over(self, found: dict[Key, Anomaly], at: float, unseen: Callable[[Anomaly], bool]) -> list[Episode]:
        closed: list[Episode] = []
        for key in [key for key in self.running if key not in found]:
            episode = self.running[key]
            if unseen(episode.anomaly):
                continue
            episode = replace(episode, above=0, below=episode.below + 1)
            if episode.opened_at is None or episode.below >= self.rules.clear_ticks:
                del self.running[key]
                if episode.opened_at is not None:
                    closed.append(replace(episode, closed_at=at))
            else:
                self.running[key] = episode
        return closed


def key_of(anomaly: Anomaly) -> Key:
    """What an anomaly is about."""
    return (anomaly.finding.modality, anomaly.entity, anomaly.instance, anomaly.metric)


def _strongest_last(seen: Iterable[Anomaly]) -> list[Anomaly]:
    return sorted(seen, key=lambda anomaly: anomaly.score)


def _next(before: Episode | None, anomaly: Anomaly, at: float) -> Episode:
    if before is None:
        return Episode(anomaly=anomaly, first_seen_at=at, last_seen_at=at, peak_score=anomaly.score)
    since = replace(anomaly, since=min(anomaly.since, before.anomaly.since))
    return replace(
        before,
        anomaly=since,
        last_seen_at=at,
        peak_score=max(before.peak_score, anomaly.score),
        above=before.above + 1,
        below=0,
    )
