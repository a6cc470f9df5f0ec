"""A past on any step as whole rows of one day each: what the learner reads."""

from __future__ import annotations

import numpy as np

from sre_copilot.cognition.baselines.profile import DAY_SECONDS, Floats


def rows_of_days(values: Floats, *, start: int, step_seconds: int, slot_seconds: int) -> tuple[Floats, int]:
    """Return values as (n, days * slots) and the number of the first slot since 1970.

    A slot that holds several columns gets their mean; what is missing of the last day is NaN. The array is `values` itself where it is
    already made of whole days.

    Raises
    ------
    ValueError : when there is nothing to learn from, or the slot does not divide a day or is shorter than the step
    """
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(
            f"values have shape {values.shape}; (series, times) with at least one time is needed"
        )
    if DAY_SECONDS % slot_seconds or slot_seconds < step_seconds:
        raise ValueError(
            f"slot_seconds is {slot_seconds}; it must divide {DAY_SECONDS} and hold a step of {step_seconds} s"
        )
    first, slots = start // slot_seconds, DAY_SECONDS // slot_seconds
    if step_seconds == slot_seconds:
        table = np.ascontiguousarray(values, np.float32)
    else:
        table = _means(values, (start + step_seconds * np.arange(values.shape[1])) // slot_seconds - first)
    missing = -table.shape[1] % slots
    if missing:
        table = np.pad(table, ((0, 0), (0, missing)), constant_values=np.nan)
    return table, first


def _means(values: Floats, slot: np.ndarray) -> Floats:
    """Mean of the known values of each slot; NaN where none is known."""
    begins = np.flatnonzero(np.diff(slot, prepend=-1))
    known = np.isfinite(values)
    count = np.add.reduceat(known, begins, axis=1, dtype=np.float32)
    total = np.add.reduceat(np.where(known, values, np.float32(0)), begins, axis=1)
    result = np.full((values.shape[0], int(slot[-1]) + 1), np.nan, np.float32)
    result[:, slot[begins]] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result
