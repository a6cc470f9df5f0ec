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

    `slot_seconds` divides a day. Arrays are float32 and slot-major, so that one tick reads one contiguous row: `centre` and
    `scale` of shape (slots, n): median of the slot and its robust standard deviation (1.4826 MAD, smoothed over neighbours, never below the resolution of the series); NaN: never seen.
    `weekday` of shape (7, n), Monday first, is added to `centre`; row 7 of `holiday`, shape (n,), replaces it on holidays. `return_rate` of
    shape (n,) is the AR(1) coefficient of a step of `step_seconds` with which a deviation from the profile returns to it; `level`, `noise` of shape (n,) are the robust
    level of the whole past and the standard deviation of one-step innovations. `days` of shape (n,) is how many days of values each series has been
    learned from.
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

    @property
    def series(self) -> int:
        """Number of series."""
        width: int = self.centre.shape[1]
        return width
