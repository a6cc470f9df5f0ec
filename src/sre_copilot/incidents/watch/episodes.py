"""From scores to anomalies that are told: confirmed, kept open while they last, closed when they are over.

A single tick above the threshold is told of nobody; what is told stays the same anomaly until it is over. Pure logic, no I/O.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from sre_copilot.domain.anomaly import Anomaly

Key = tuple[str, str, str, str, str]
"""Source, modality, entity, instance, metric."""
LONGEST_NAME = 300  # characters, of the columns that hold names
SURE = 0.95  # told at once: twenty times rarer than what the threshold lets pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When an anomaly begins and ends; see `settings.document.AnomalyDetection`."""

    threshold: float = 0.7
    thresholds: Mapping[str, float] = field(default_factory=dict)
    confirm_ticks: int = 2
    clear_ticks: int = 6
    max_open: int = 1000

    @property
    def least(self) -> float:
        """The lowest score that any metric is told from."""
        return min((self.threshold, *self.thresholds.values()))

    def tells(self, anomaly: Anomaly) -> bool:
        """Whether a score is high enough for its metric."""
        return anomaly.score >= self.thresholds.get(anomaly.metric, self.threshold)


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """An anomaly as it goes on."""

    anomaly: Anomaly
    first_seen_at: float
    last_seen_at: float
    peak_score: float
    above: int = 1
    below: int = 0
    id: str
    source: str = ""
    opened_at: float | None = None
    closed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What one tick saw, and in which source."""

    anomaly: Anomaly
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An anomaly that an earlier process told and did not see end."""

    id: str
    opened_at: float
    since: float
    peak_score: float
    source: str = ""


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
    told: dict[Key, Told] = field(default_factory=dict)

    def tick(
        self, seen: Iterable[Seen], *, at: float, unseen: Callable[[Episode], bool] | None = None
    ) -> Turn:
        """Take what one tick saw; `unseen` says whether a known one could not be looked at now, so that nothing is known of it."""
        strong = (each for each in _strongest_last(seen) if self.rules.tells(each.anomaly))
        found = {key_of(each.anomaly, source=each.source): each for each in strong}
        opened, updated, left_out = self._went_on(found, at)
        closed = self._over(found, at, unseen or (lambda episode: False))
        return Turn(tuple(opened), tuple(updated), tuple(closed), left_out)

    def open(self) -> tuple[Episode, ...]:
        """Those that have been told."""
        return tuple(each for each in self.running.values() if each.opened_at is not None)

    def _went_on(self, found: dict[Key, Seen], at: float) -> tuple[list[Episode], list[Episode], int]:
        opened: list[Episode] = []
        updated: list[Episode] = []
        left_out = 0
        told = len(self.open())
        for key, each in sorted(found.items(), key=lambda item: -item[1].anomaly.score):
            episode = _next(self.running.get(key), each, at, self.told.pop(key, None))
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

    def _over(self, found: dict[Key, Seen], at: float, unseen: Callable[[Episode], bool]) -> list[Episode]:
        closed: list[Episode] = []
        for key in [key for key in self.running if key not in found]:
            episode = self.running[key]
            if unseen(episode):
                continue
            episode = replace(episode, above=0, below=episode.below + 1)
            if episode.opened_at is None or episode.below >= self.rules.clear_ticks:
                del self.running[key]
                if episode.opened_at is not None:
                    closed.append(replace(episode, closed_at=at))
            else:
                self.running[key] = episode
        return closed


def key_of(anomaly: Anomaly, *, source: str) -> Key:
    """What an anomaly is about: two sources may each have a series of the same names."""
    names = (anomaly.entity, anomaly.instance, anomaly.metric)
    entity, instance, metric = (kept_name(name) for name in names)
    return (source, anomaly.finding.modality, entity, instance, metric)


def kept_name(name: str) -> str:
    """A name as the tables hold it: whole, or cut with a digest of the whole at its end, so that two stay two."""
    name = name.replace("\0", "\N{REPLACEMENT CHARACTER}")  # PostgreSQL keeps none
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    return f"{name[: LONGEST_NAME - len(digest) - 1]}~{digest}"


def _strongest_last(seen: Iterable[Seen]) -> list[Seen]:
    return sorted(seen, key=lambda each: each.anomaly.score)


def _next(before: Episode | None, seen: Seen, at: float, told: Told | None) -> Episode:
    anomaly = seen.anomaly
    if before is None:
        return _first(seen, at, told)
    since = replace(anomaly, since=min(anomaly.since, before.anomaly.since))
    return replace(
        before,
        anomaly=since,
        last_seen_at=at,
        peak_score=max(before.peak_score, anomaly.score),
        above=before.above + 1,
        below=0,
    )


def _first(seen: Seen, at: float, told: Told | None) -> Episode:
    """A new episode, or the one that an earlier process told."""
    anomaly, source = seen.anomaly, seen.source
    if told is None:
        content = repr((key_of(anomaly, source=source), at))
        name = "A-" + hashlib.blake2b(content.encode(), digest_size=6).hexdigest()
        return Episode(
            id=name, anomaly=anomaly, source=source, first_seen_at=at, last_seen_at=at, peak_score=anomaly.score
        )  # fmt: skip
    return Episode(
        id=told.id,
        source=source,
        anomaly=replace(anomaly, since=min(anomaly.since, told.since)),
        first_seen_at=told.opened_at,
        last_seen_at=at,
        peak_score=max(told.peak_score, anomaly.score),
        opened_at=told.opened_at,
    )
