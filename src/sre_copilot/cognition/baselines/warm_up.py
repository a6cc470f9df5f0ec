"""Which series are too young to have a profile, and how that is said."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.baselines.profile import Profile
from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.series import SeriesKey

LEAST_DAYS = 3.0  # the median of two days is their mean, and one incident moves it


def warming_up(profile: Profile, *, least_days: float = LEAST_DAYS) -> NDArray[np.bool_]:
    """Return which series have fewer days of values than a profile needs, shape (n,); they are left out and said, never normal."""
    return np.asarray(~(profile.days >= least_days - 0.02))  # a scrape or two lost on the way is no lost day


def warm_up_gap(key: SeriesKey, *, days: float, least_days: float = LEAST_DAYS) -> Gap:
    """Say that a series cannot be judged yet."""
    params = (("entity", str(key)), ("days", round(float(days), 1)), ("needed", round(least_days, 1)))
    return Gap(modality="metrics", message=Message(key="baseline.warming_up", params=params))
