"""Scores of rankings and probabilities: pure functions on what was said and what was true."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from sre_copilot.domain.incident import Outcome

CONFIDENT = 0.8
"""Probability from which an accusation counts as confident: one in five may be wrong, which a person would still act on."""
BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One case with a known fault: what was said, and what of it was right.

    `rank` is the true entity's place among the suspects, counted from 1; None when it is not among them, or when the
    answer was `no fault`. `type_right` and `full_match` are None where the recording has no such label.
    """

    case: str
    rank: int | None
    candidates: int
    outcome: Outcome
    probability: float
    type_right: bool | None = None
    full_match: bool | None = None

    @property
    def right(self) -> bool:
        """Whether the first suspect is the true entity."""
        return self.rank == 1

    @property
    def confident(self) -> bool:
        """Whether a person would take the answer for settled."""
        return self.outcome is Outcome.NO_FAULT or self.probability >= CONFIDENT


@dataclass(frozen=True, slots=True, kw_only=True)
class SetScores:
    """The figures of one data set; None where its parts were not recorded."""

    n: int
    ac1: float | None
    ac3: float | None
    ac5: float | None
    avg5: float | None
    mrr: float | None
    chance_ac1: float | None
    type_accuracy: float | None
    full_match: float | None
    confident_wrong: float | None
    confident_right: float | None
    inconclusive: float | None
    ece: float | None
    seconds_median: float | None
    seconds_p95: float | None

    def as_dict(self) -> dict[str, float | int | None]:
        """Plain data for JSON."""
        return asdict(self)


def score_set(cases: Sequence[Scored], seconds: Sequence[float] = ()) -> SetScores:
    """Score the cases of one set; `seconds` are those of all its cases, with a known fault or not."""
    ranks = [case.rank for case in cases]
    return SetScores(
        n=len(cases),
        ac1=accuracy_at(ranks, 1),
        ac3=accuracy_at(ranks, 3),
        ac5=accuracy_at(ranks, 5),
        avg5=mean([accuracy_at(ranks, k) for k in range(1, 6)]),
        mrr=mean([1 / rank if rank else 0.0 for rank in ranks]),
        chance_ac1=mean([1 / case.candidates if case.candidates else None for case in cases]),
        type_accuracy=mean([case.type_right for case in cases]),
        full_match=mean([case.full_match for case in cases]),
        confident_wrong=mean([case.confident and not case.right for case in cases]),
        confident_right=mean([case.confident and case.right for case in cases]),
        inconclusive=mean([case.outcome is Outcome.INCONCLUSIVE for case in cases]),
        ece=calibration_error([case.probability for case in cases], [case.right for case in cases]),
        seconds_median=quantile(seconds, 0.5),
        seconds_p95=quantile(seconds, 0.95),
    )


def rank_of(entity: str, ranking: Sequence[str]) -> int | None:
    """Place of an entity in a ranking, counted from 1; None when it is not in it."""
    return ranking.index(entity) + 1 if entity in ranking else None


def accuracy_at(ranks: Sequence[int | None], k: int) -> float | None:
    """AC@k: share of cases whose true entity is among the first `k`."""
    return mean([rank is not None and rank <= k for rank in ranks])


def mean(values: Iterable[float | bool | None]) -> float | None:
    """Mean of what is known; None when nothing is."""
    known = [float(value) for value in values if value is not None]
    return sum(known) / len(known) if known else None


def quantile(values: Sequence[float], share: float) -> float | None:
    """Quantile, interpolated linearly; None of nothing."""
    return float(np.quantile(values, share)) if values else None


def calibration_error(probabilities: Sequence[float], right: Sequence[bool]) -> float | None:
    """Expected calibration error: the gap between mean probability and accuracy in ten equal bins, weighed by cases.

    References
    ----------
    Naeini, Cooper, Hauskrecht: Obtaining well calibrated probabilities using Bayesian binning (AAAI 2015), equation 3.
    """
    if not probabilities:
        return None
    said, was = np.asarray(probabilities, dtype=float), np.asarray(right, dtype=float)
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    gaps = (abs(said[bins == each].sum() - was[bins == each].sum()) for each in np.unique(bins))
    return float(sum(gaps) / len(said))
