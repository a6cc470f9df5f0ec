"""What came of an action before, and what may be concluded from so few cases."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from sre_copilot.domain.plan import Record

CONFIDENCE_Z = 1.6448536269514722
"""Quantile of the normal distribution at 0.95: only the lower bound matters, so all five per cent lie on its side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A record, and how many cases in a row have gone well since the last failure (None: nobody knows, or it never failed)."""

    record: Record = field(default_factory=Record)
    since_failure: int | None = None

    @property
    def certain(self) -> float:
        """Success that is certain to 95 %."""
        return wilson_lower_bound(self.record.good, self.record.total)

    def failed_lately(self, needed: int) -> bool:
        """Whether it has failed, and not gone well often enough since."""
        failed = self.record.good < self.record.total or self.since_failure is not None
        return failed and (self.since_failure or 0) < needed


def standing_of(outcomes: Iterable[bool], *, median_seconds: float | None = None) -> Standing:
    """The standing of an action from its outcomes, the oldest first."""
    known = list(outcomes)
    good = sum(known)
    since = None if good == len(known) else known[::-1].index(False)
    return Standing(
        record=Record(good=good, total=len(known), median_seconds=median_seconds), since_failure=since
    )


def wilson_lower_bound(good: int, total: int, *, z: float = CONFIDENCE_Z) -> float:
    """The lower end of Wilson's interval for a share; 0 without a case.

    It stays honest for few cases, where the normal interval claims certainty: three of three give 0.53, not 1.

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22, 209-212; recommended for small samples
    by Brown, Cai & DasGupta (2001), Interval estimation for a binomial proportion, Statistical Science 16, 101-133, section 3.1.1.
    """
    if total <= 0:
        return 0.0
    share = min(max(good, 0), total) / total
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, (share + z * z / (2 * total) - spread) / (1 + z * z / total))
