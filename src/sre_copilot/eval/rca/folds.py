"""Probabilities out of fold: each case is judged by a calibration that never saw its culprit."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from sre_copilot.cognition.rca.calibration import Calibration, fit
from sre_copilot.cognition.rca.features import Features

FEWEST = 30
"""Below this number of scored cases a fit says more about the sample than about the product: the shipped one is used."""


def out_of_fold(
    features: Sequence[Features],
    right: Sequence[bool],
    folds: Sequence[Hashable],
    shipped: Sequence[float],
    copies: Sequence[Sequence[tuple[Features, bool]]] = (),
) -> tuple[float, ...]:
    """Probability of each case under a calibration fitted on all other folds.

    Parameters
    ----------
    features, right : of all cases
    folds : a case's fold, its culprit; cases of one fold are never fitted on to judge each other
    copies : of each case its thinned copies, fitted on together with it
    shipped : probabilities by the calibration in the repository, used when there are too few cases to fit
    """
    if len(features) < FEWEST or len(set(folds)) < 2:
        return tuple(shipped)
    found: dict[Hashable, Calibration] = {}
    for fold in set(folds):
        others = [index for index, each in enumerate(folds) if each != fold]
        found[fold] = fit_with_copies(features, right, copies, others)
    return tuple(found[fold].probability(each) for fold, each in zip(folds, features, strict=True))


def fit_with_copies(
    features: Sequence[Features],
    right: Sequence[bool],
    copies: Sequence[Sequence[tuple[Features, bool]]],
    chosen: Sequence[int],
) -> Calibration:
    """Fit on the chosen cases and their thinned copies."""
    rows = [(features[index], right[index]) for index in chosen]
    rows += [row for index in chosen if copies for row in copies[index]]
    return fit([described for described, _ in rows], [answer for _, answer in rows])
