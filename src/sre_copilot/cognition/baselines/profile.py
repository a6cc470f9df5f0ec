"""What is normal for each series at each time of day and week: the learned profile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Profile:
    """Learned normal of `n` series on `slots` slots of a day; immutable, written by `seasonal.learn`.

    `slot_seconds` divides a day; slot 0 begins at midnight UTC. Arrays are float32 and slot-major, so that one tick reads one contiguous
    row: `centre` of shape (slots, n), the median of each slot; `scale` of shape (bins, n), where bins divides slots (half hours, of
    minutes), its robust standard deviation (1.4826 MAD, smoothed over neighbours, never below the resolution of the series). NaN: never
    seen. `seasonal.expected` reads both at a time.
    `weekday` of shape (7, n), Monday first, is added to
    `centre`; `holiday`, shape (n,), is added instead on holidays (NaN: no holiday seen yet, Sunday stands in). `return_rate` of
    shape (n,) is the AR(1) coefficient of a step of `step_seconds` with which a deviation from the profile returns to it; `level`,
    `noise` of shape (n,) are the robust level of the whole past and the standard deviation of one-step innovations. `days` of shape (n,) is how
    many days of values each series has been learned from. `holidays` are days since 1970-01-01, past and coming; days of the week and
    holidays begin at local midnight, `utc_offset_seconds` before midnight UTC.
    """

    slot_seconds: int
    step_seconds: int
    centre: Floats
    scale: Floats
    weekday: Floats
    holiday: Floats
    level: Floats
    noise: Floats
    return_rate: Floats
    days: Floats
    holidays: frozenset[int] = frozenset()
    utc_offset_seconds: int = 0

    @property
    def series(self) -> int:
        """Number of series."""
        width: int = self.centre.shape[1]
        return width
