"""How much evidence is worth telling: about as much as one value in thirty thousand has by chance."""

from __future__ import annotations

import numpy as np

from sre_copilot.cognition.ensemble.knowledge import Floats
from sre_copilot.cognition.ensemble.tick import SHARES
from sre_copilot.cognition.ensemble.tick_kernels import QUIET

RARE = 10**-4.5  # of the values of a calm series: one or two a month of minutes
HALF, TENTH = (
    0.5,
    0.1,
)  # how many of the past have more evidence than the two quantiles that the tail is drawn through
LEAST = (
    4.0  # nats: of a calm series the tail is thinner than drawn, and what is told is to be seen in a graph
)
MOST = 10.0  # nats: a series that was abnormal for more than a tenth of its past is not to be mute
FIRST = 8.0  # nats, before such a tail is known: heavy tails are not rare
FEW = 1000  # values at which half of such a tail is believed


def needed(ratios: Floats, seen: np.ndarray) -> Floats:
    """Return the evidence at which the score is 0.7, shape (series,).

    An exponential tail is drawn through the median and the 90th percentile of the evidence of the past: higher quantiles would be
    those of the incidents in it.

    Parameters
    ----------
    ratios : shape (PARTS, series, times), squares of the components over what is usual, NaN where no value was
    seen : shape (series,), values of the past
    """
    ordered = np.sort(evidence(ratios), axis=-1)  # NaN last
    known = np.isfinite(ordered).sum(axis=-1)
    half, tenth = (_at(ordered, known, 1 - share) for share in (HALF, TENTH))
    decades = np.log(TENTH / RARE) / np.log(HALF / TENTH)
    drawn = np.clip(np.nan_to_num(tenth + decades * (tenth - half)), LEAST, MOST)
    return np.asarray(FIRST + (drawn - FIRST) * seen / (seen + FEW), np.float32)


def evidence(ratios: Floats) -> Floats:
    """Nats beyond the usual of all components together, as a tick adds them up."""
    nats = 0.5 * np.log(np.maximum(ratios, 1)) + QUIET * np.minimum(ratios, 1)
    return np.asarray(np.einsum("p,pst->st", np.asarray(SHARES, np.float32), nats), np.float32)


def _at(ordered: Floats, known: np.ndarray, share: float) -> Floats:
    place = np.maximum(np.rint(share * (known - 1)), 0).astype(np.int64)
    return np.take_along_axis(ordered, place[:, None], axis=-1)[:, 0]
