"""The mergeable state of learning: for each day and slot the sum and the number of values, fed point by point.

The profile of a state is that of its days: learned once from history or point by point, in any order, in one state or in several that are
merged, it is the same to float32 rounding of the sums (one part in a million of the largest value; none at all where a slot holds one point).
"""

from __future__ import annotations

import datetime
from collections.abc import Collection

import numpy as np

from sre_copilot.cognition.baselines.profile import DAY_SECONDS, Floats, Profile
from sre_copilot.cognition.baselines.seasonal import default_slot, learn

MOST_DAYS = 30  # more tells of a system that no longer is


class History:
    """Sums and counts of `n` series by day and slot, at most `most_days` days, the oldest forgotten first.

    `days` is days since 1970-01-01, rising; `total` and `count` have shape (days, slots, n), so that a tick writes one row.
    """

    def __init__(
        self, series: int, *, step_seconds: int, slot_seconds: int | None = None, most_days: int = MOST_DAYS
    ) -> None:
        self.step_seconds = step_seconds
        self.slot_seconds = slot_seconds or default_slot(step_seconds)
        self.slots = DAY_SECONDS // self.slot_seconds
        self.series, self.most_days = series, most_days
        self.days: list[int] = []
        self.total: list[Floats] = []
        self.count: list[Floats] = []

    def feed(self, values: Floats, *, at: float) -> None:
        """Add one value of each series, shape (n,), at a time (epoch s); NaN adds nothing, late points are welcome."""
        day, second = divmod(int(at), DAY_SECONDS)
        place = self._place(day)
        if place is None:
            return
        known = np.isfinite(values)
        slot = second // self.slot_seconds
        self.total[place][slot] += np.where(known, values, 0)
        self.count[place][slot] += known

    def feed_block(self, values: Floats, *, start: int) -> None:
        """Add a past: values (n, times), column i at `start + i * step_seconds`."""
        times = start + self.step_seconds * np.arange(values.shape[1])
        for day in np.unique(times // DAY_SECONDS):
            columns = np.flatnonzero(times // DAY_SECONDS == day)
            place = self._place(int(day))
            if place is not None:
                part = values[:, columns]
                slots = times[columns] % DAY_SECONDS // self.slot_seconds
                np.add.at(self.total[place], slots, np.where(np.isfinite(part), part, 0).T)
                np.add.at(self.count[place], slots, np.isfinite(part).T.astype(np.float32))

    def merge(self, other: History) -> None:
        """Add what another state of the same series has seen.

        Raises
        ------
        ValueError : when the two differ in series, step or slot
        """
        mine, theirs = ((each.series, each.step_seconds, each.slot_seconds) for each in (self, other))
        if mine != theirs:
            raise ValueError(
                f"(series, step_seconds, slot_seconds) differ: {mine} and {theirs}; both must be equal"
            )
        for day, total, count in zip(other.days, other.total, other.count, strict=True):
            place = self._place(day)
            if place is not None:
                self.total[place] += total
                self.count[place] += count

    def profile(self, *, holidays: Collection[datetime.date] = (), utc_offset_seconds: int = 0) -> Profile:
        """Learn the profile of what was seen.

        Raises
        ------
        ValueError : when nothing was seen
        """
        if not self.days:
            raise ValueError("the history holds no day; feed it first")
        first, last = self.days[0], self.days[-1]
        rows = np.full((self.series, (last - first + 1) * self.slots), np.nan, np.float32)
        for day, total, count in zip(self.days, self.total, self.count, strict=True):
            with np.errstate(invalid="ignore"):
                mean = np.where(count > 0, total / count, np.float32(np.nan))
            rows[:, (day - first) * self.slots : (day - first + 1) * self.slots] = mean.T
        return learn(
            rows,
            start=first * DAY_SECONDS,
            step_seconds=self.slot_seconds,
            slot_seconds=self.slot_seconds,
            holidays=holidays,
            utc_offset_seconds=utc_offset_seconds,
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the state as arrays that can be kept."""
        shape = (0, self.slots, self.series)
        return {
            "days": np.array(self.days, np.int64),
            "total": np.stack(self.total) if self.days else np.empty(shape, np.float32),
            "count": np.stack(self.count) if self.days else np.empty(shape, np.float32),
        }

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Take up what `arrays` returned."""
        self.days = [int(day) for day in arrays["days"]]
        self.total = [np.array(each, np.float32) for each in arrays["total"]]
        self.count = [np.array(each, np.float32) for each in arrays["count"]]

    def _place(self, day: int) -> int | None:
        """Place of a day among the days, made when it is new; None for a day older than those kept."""
        if day in self.days:
            return self.days.index(day)
        if len(self.days) >= self.most_days and day < self.days[0]:
            return None
        place = int(np.searchsorted(self.days, day))
        self.days.insert(place, day)
        for rows in (self.total, self.count):
            rows.insert(place, np.zeros((self.slots, self.series), np.float32))
        if len(self.days) > self.most_days:
            for each in (self.days, self.total, self.count):
                del each[0]
            place -= 1
        return place
