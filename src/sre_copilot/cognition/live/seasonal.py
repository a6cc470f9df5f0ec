"""How often something happens at each time of day: learned from whole half hours, told as a count with its chance.

References
----------
Farrington et al., A statistical algorithm for the early detection of outbreaks of infectious disease, 1996, section 3 (an overdispersed Poisson count
against the same season of the past); Noufaily et al., An improved algorithm for outbreak detection, 2013, section 3.4 (negative binomial limits).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]

from sre_copilot.domain.signals import Window

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY_S, MINUTE_S = 86_400, 60
BLOCK_MINUTES = 30  # load hardly changes within half an hour, and a rare line comes in it more than once
SLOTS = DAY_S // MINUTE_S // BLOCK_MINUTES
SEASONAL_DAYS = 2.0  # with fewer days a time of day was seen once, and its count is one day's accident
UNSURE = 0.25  # squared relative spread that a rate is granted while times of day are not known: half or twice is usual then
SURE = 0.0025  # 5 %: no two days carry the same load
WEEK_DAYS, SURE_IN_WEEK = 7.0, 0.04  # 20 %: until a week was learned its quiet days are unknown
FALSE_A_DAY = 0.1  # alarms by chance that all counts together may give in a day
TICKS_A_DAY = 1_440  # a judgement a minute


@dataclass(frozen=True, slots=True)
class Expected:
    """What is due in a window, for each key asked for.

    `mean` rows, `spread` the squared relative spread of the rate beyond Poisson, `peak` the most rows that one minute around this time of day has held; `seasonal` says
    whether the time of day counts yet.
    """

    mean: Floats
    spread: Floats
    peak: Floats
    seasonal: bool

    def nats_above(self, seen: Floats) -> Floats:
        """Surprise of so many rows or more, in nats."""
        size = 1.0 / self.spread
        return np.asarray(-stats.nbinom.logsf(seen - 1, size, size / (size + np.maximum(self.mean, 1e-9))))

    def nats_below(self, seen: Floats) -> Floats:
        """Surprise of so few rows or fewer, in nats."""
        size = 1.0 / self.spread
        return np.asarray(-stats.nbinom.logcdf(seen, size, size / (size + np.maximum(self.mean, 1e-9))))


def needed(keys: int) -> float:
    """Nats from which a count is told: so many keys are judged each minute, and together may err `FALSE_A_DAY` times a day."""
    return log(max(keys, 1) * TICKS_A_DAY / FALSE_A_DAY)


class Seasonal:
    """Counts of named things by time of day; mergeable, and kept as arrays.

    A key costs three rows of `SLOTS` float32 and four numbers: 608 bytes.
    """

    def __init__(self) -> None:
        self.places: dict[str, int] = {}
        self.minutes = np.zeros(SLOTS)
        self.blocks = np.zeros(SLOTS)
        self.total, self.square, self.peak = (np.zeros((0, SLOTS), dtype=np.float32) for _ in range(3))
        self.open, self.first, self.last, self.gap = (np.zeros(0) for _ in range(4))
        self.open_block, self.open_minutes = -1, 0.0

    @property
    def days(self) -> float:
        """Days that were learned."""
        return float(self.minutes.sum() + self.open_minutes) * MINUTE_S / DAY_S

    def index(self, names: Iterable[str]) -> Ints:
        """The places of names, new ones made."""
        found = [self.places.setdefault(name, len(self.places)) for name in names]
        more = len(self.places) - len(self.first)
        if more:
            rows = np.zeros((more, SLOTS), dtype=np.float32)
            self.total, self.square, self.peak = (
                np.concatenate([each, rows]) for each in (self.total, self.square, self.peak)
            )
            self.open, self.gap = (np.concatenate([each, np.zeros(more)]) for each in (self.open, self.gap))
            self.first, self.last = (
                np.concatenate([each, np.full(more, np.nan)]) for each in (self.first, self.last)
            )
        return np.asarray(found, dtype=np.int64)

    def learn(self, keys: Ints, minutes: Ints, counts: Floats, window: Window) -> None:
        """Add rows of one stretch of time, stretches in their order.

        Parameters
        ----------
        keys, minutes, counts : shape (rows,), place of the key, epoch minute, number; each pair of key and minute once
        window : what was recorded, which may hold minutes without any row
        """
        order = np.argsort(minutes, kind="stable")
        keys, minutes, counts = keys[order], minutes[order], counts[order]
        slots = (minutes // BLOCK_MINUTES) % SLOTS
        np.maximum.at(self.peak, (keys, slots), counts.astype(np.float32))
        self._seen(keys, minutes)
        first, last = int(window.start // MINUTE_S), int(-(-window.end // MINUTE_S))
        edges = range(first // BLOCK_MINUTES, (last - 1) // BLOCK_MINUTES + 1)
        bounds = np.searchsorted(minutes, [block * BLOCK_MINUTES for block in edges] + [last])
        for place, block in enumerate(edges):
            if block != self.open_block:
                self._close(block)
            rows = slice(bounds[place], bounds[place + 1])
            np.add.at(self.open, keys[rows], counts[rows])
            inside = min(last, (block + 1) * BLOCK_MINUTES) - max(first, block * BLOCK_MINUTES)
            self.open_minutes = min(self.open_minutes + inside, float(BLOCK_MINUTES))

    def _seen(self, keys: Ints, minutes: Ints) -> None:
        """Note when each key came first and last, and its longest silence between."""
        order = np.lexsort((minutes, keys))
        keys, times = keys[order], minutes[order] * float(MINUTE_S)
        begins = np.r_[True, keys[1:] != keys[:-1]] if len(keys) else np.zeros(0, dtype=bool)
        before = np.where(begins, self.last[keys], np.r_[np.nan, times[:-1]][: len(times)])
        np.fmax.at(self.gap, keys, times - before)
        np.fmin.at(self.first, keys, times)
        np.fmax.at(self.last, keys, times)

    def _close(self, block: int) -> None:
        """Book the half hour that is over; one recorded in part counts for the mean alone."""
        if self.open_minutes:
            slot = self.open_block % SLOTS
            self.total[:, slot] += self.open
            self.minutes[slot] += self.open_minutes
            if self.open_minutes >= BLOCK_MINUTES:
                self.square[:, slot] += self.open**2
                self.blocks[slot] += 1
        self.open = np.zeros(len(self.first))
        self.open_block, self.open_minutes = block, 0.0

    def expected(self, keys: Ints, window: Window) -> Expected:
        """What is due in a window."""
        slot = int((window.start + window.end) / 2 // MINUTE_S // BLOCK_MINUTES) % SLOTS
        around, weight = [(slot - 1) % SLOTS, slot, (slot + 1) % SLOTS], np.array([1.0, 2.0, 1.0])
        minutes = float((self.minutes[around] * weight).sum())
        seasonal = self.days >= SEASONAL_DAYS and self.blocks[around].min() >= 1
        if seasonal:
            rate = (self.total[keys][:, around] * weight).sum(axis=1) / minutes
            peak = self.peak[keys][:, around].max(axis=1)
        else:
            whole = max(self.minutes.sum() + self.open_minutes, 1.0)
            rate = (self.total[keys].sum(axis=1) + self.open[keys]) / whole
            peak = self.peak[keys].max(axis=1, initial=0.0)
        mean = np.asarray(rate, dtype=np.float64) * window.seconds / MINUTE_S
        return Expected(mean, self._spread(keys, seasonal), np.asarray(peak, dtype=np.float64), seasonal)

    def _spread(self, keys: Ints, seasonal: bool) -> Floats:
        """Variance of half hours between days beyond Poisson, by the squared mean, all times of day together."""
        known = self.blocks >= 2
        if not seasonal or not known.any():
            return np.full(len(keys), UNSURE)
        blocks = self.blocks[known]
        mean = self.total[keys][:, known] / np.maximum(self.minutes[known] / BLOCK_MINUTES, 1e-9)
        variance = np.maximum(self.square[keys][:, known] / blocks - mean**2, 0.0) * blocks / (blocks - 1)
        beyond = np.maximum(variance - mean, 0.0).sum(axis=1) / np.maximum((mean**2).sum(axis=1), 1e-9)
        least = SURE if self.days >= WEEK_DAYS else SURE_IN_WEEK
        return np.asarray(np.maximum(beyond, least), dtype=np.float64)

    def merge(self, other: Seasonal, *, names: Sequence[str] | None = None) -> None:
        """Add what another learned of other stretches of time; `names` are its keys as they are called here."""
        other = Seasonal.of(*other.state())
        other._close(-1)
        self._close(-1)
        at = self.index(list(other.places) if names is None else names)
        between = np.fmax(
            other.first - self.last[at], self.first[at] - other.last
        )  # NaN of a key that one of both does not know
        np.fmax.at(self.gap, at, np.where(between > 0, between, 0.0))
        np.add.at(self.total, at, other.total)
        np.add.at(self.square, at, other.square)
        np.maximum.at(self.peak, at, other.peak)
        np.fmin.at(self.first, at, other.first)
        np.fmax.at(self.last, at, other.last)
        np.fmax.at(self.gap, at, other.gap)
        self.minutes += other.minutes
        self.blocks += other.blocks

    def keep(self, names: Sequence[str]) -> Ints:
        """Forget all keys but these; return the places they had, in the order of those they have now."""
        kept = np.asarray([self.places[name] for name in names], dtype=np.int64)
        for name in self._OF_KEYS:
            setattr(self, name, getattr(self, name)[kept])
        self.places = {name: place for place, name in enumerate(names)}
        return kept

    def latest(self, most: int) -> Sequence[str]:
        """The keys, but no more than `most`: those that were seen last, in their order."""
        names = list(self.places)
        if len(names) <= most:
            return names
        chosen = np.sort(np.argsort(-self.last, kind="stable")[:most])
        return [names[place] for place in chosen.tolist()]

    _OF_KEYS = ("total", "square", "peak", "open", "first", "last", "gap")
    _ARRAYS = ("minutes", "blocks", *_OF_KEYS)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays by name, and the rest fit for JSON."""
        arrays = {name: getattr(self, name).copy() for name in self._ARRAYS}
        return arrays, {
            "keys": list(self.places),
            "open_block": self.open_block,
            "open_minutes": self.open_minutes,
        }

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], meta: dict[str, Any]) -> Seasonal:
        """The counts that a state was taken of."""
        found = cls()
        found.places = {name: place for place, name in enumerate(meta["keys"])}
        for name in cls._ARRAYS:
            setattr(found, name, arrays[name].copy())
        found.open_block, found.open_minutes = meta["open_block"], meta["open_minutes"]
        return found
