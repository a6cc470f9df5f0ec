"""What the ensemble learns from the past of each series: common patterns, what follows from what, what is usual."""

from __future__ import annotations

import numpy as np

from sre_copilot.cognition.baselines.profile import Profile
from sre_copilot.cognition.baselines.seasonal import expected
from sre_copilot.cognition.ensemble.components import components
from sre_copilot.cognition.ensemble.knowledge import CODES, Bytes, Floats, Knowledge, Part, blocked
from sre_copilot.cognition.ensemble.learning_kernels import cover, to_codes
from sre_copilot.cognition.ensemble.needed import needed
from sre_copilot.cognition.ensemble.past import Past
from sre_copilot.cognition.ensemble.spans import POINTS, SHORT
from sre_copilot.domain.series import SeriesBlock

GROUP = 512  # series learned together: their windows take some 100 MB
SAMPLES = 4096  # windows a series that patterns are chosen from: all of two weeks of five minutes
RECORDED = (
    1024  # times at which components are recorded to calibrate them: ten lie beyond the 99th percentile
)
PAIRED = 512  # windows that are compared with each other
USUAL = (
    0.7  # quantile of a component that is usual: a past that was abnormal for a quarter does not move it far
)
APART = 0.9  # quantile of the distance of a window from the nearest other one: a code stands for many
BEYOND = 1.5  # times the usual at which a component begins to be evidence
SETTLED = 12  # values, besides the first day's worth of learning, at which half of what is seen is believed
MOVE = 0.3  # of the spread, or of a typical step: an idle series has a usual of nought, and any move would look infinite
UNIT = 0.1  # the same of the components that have no unit: a tenth of the variance they have
RIDGE = 0.1  # of the mean variance, times variables over samples: what so few samples leave open about a covariance


def learn(block: SeriesBlock, profile: Profile) -> Knowledge:
    """Learn all series of a block."""
    parts = [
        _learn(block.values[at : at + GROUP], block, profile, at)
        for at in range(0, block.values.shape[0], GROUP)
    ]
    joined = {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]}
    whole = {name: blocked(array) if name in BLOCKED else array for name, array in joined.items()}
    return Knowledge(np.array([block.step_seconds], np.int64), **whole)


BLOCKED = ("codes", "basis", "basis_unit")


def _learn(values: Floats, block: SeriesBlock, profile: Profile, at: int) -> dict[str, np.ndarray]:
    past = Past.of(values, step_seconds=block.step_seconds)
    chosen = past.windows(SHORT, past.times(SAMPLES))
    codes, code_unit = _patterns(chosen)
    times = past.times(RECORDED)
    basis, basis_unit = _basis(past.windows(POINTS, past.times(SAMPLES // 2)), past.spread)
    residual = _residual(past, times, block.start, profile, at)
    squares = components(past, times, residual, (codes, code_unit), (basis, basis_unit))
    squares[:, np.isnan(values[:, times])] = np.nan
    usual = _usual(squares, past)
    seen = np.isfinite(values).sum(axis=1)
    confidence = np.where(seen >= 2, seen / (seen + SETTLED), 0).astype(np.float32)
    return {
        "level": past.level,
        "spread": past.spread,
        "jump": past.jump,
        "codes": codes,
        "code_unit": code_unit,
        "basis": basis,
        "basis_unit": basis_unit,
        "usual": usual,
        "needed": needed(squares / usual[..., None], seen),
        "confidence": confidence,
    }


def _patterns(windows: Floats) -> tuple[Bytes, Floats]:
    """Patterns that cover the windows, newest value first, rounded to 1/127 of the largest: (CODES, SHORT, series)."""
    codes = np.empty((len(windows), CODES, SHORT), np.float32)
    cover(windows, np.argmin(np.square(windows).sum(axis=1), axis=1), codes)  # from the most ordinary one on
    unit = np.maximum(np.abs(codes).max(axis=(1, 2)) / 127, 1e-12).astype(np.float32)
    rounded = np.rint(codes / unit[:, None, None]).astype(np.int8)
    return np.ascontiguousarray(rounded[..., ::-1].transpose(1, 2, 0)), unit


def _basis(windows: Floats, spread: Floats) -> tuple[Bytes, Floats]:
    """Whitening of a window's oldest value and the steps from it on: the inverse of the Cholesky factor of their covariance.

    Of steps, because what follows from a smooth course differs by less than eight bits of its values can tell. Returns the lower triangle,
    row by row, (rows, series), and the units of the rows, (POINTS, series).
    """
    count = windows.shape[2]
    scaled = windows.astype(np.float64) / spread[:, None, None]
    covariance = scaled @ scaled.transpose(0, 2, 1) / count
    mean = np.trace(covariance, axis1=1, axis2=2)[:, None, None] / POINTS
    covariance += (mean * (1e-9 + RIDGE * POINTS / count) + 1e-9) * np.eye(POINTS)
    steps = np.eye(POINTS) - np.eye(POINTS, k=-1)
    factor = np.linalg.inv(np.linalg.cholesky(steps @ covariance @ steps.T)) / spread[:, None, None]
    unit = np.abs(factor).max(axis=2) / 127
    rounded = np.rint(factor / unit[..., None]).astype(np.int8)
    rows, columns = np.tril_indices(POINTS)
    return np.ascontiguousarray(rounded[:, rows, columns].T), unit.T.astype(np.float32)


def _residual(past: Past, times: np.ndarray, start: int, profile: Profile, at: int) -> Floats:
    """Distance of the values at these times from what the profile expects, in its scales (series, times)."""
    count = len(past.level)
    both = [expected(profile, float(start + past.step_seconds * t)) for t in times.tolist()]
    centre = np.array([each[0][at : at + count] for each in both]).T
    scale = np.array([each[1][at : at + count] for each in both]).T
    fits = np.isfinite(centre) & (scale > 0)
    around = np.where(fits, centre - past.level[:, None], 0)
    wide = np.where(fits, scale, past.spread[:, None])
    return np.asarray((past.filled[:, times] - around) / wide, np.float32)


def course(profile: Profile, *, start: int, step_seconds: int, times: int) -> tuple[Floats, Floats]:
    """Expected centre and scale at each of `times` times, each of shape (times, series)."""
    both = [expected(profile, start + step_seconds * t) for t in range(times)]
    return np.array([each[0] for each in both], np.float32), np.array([each[1] for each in both], np.float32)


def quantile(values: Floats, share: float) -> Floats:
    """The quantile of what is known along the last axis, 0 where nothing is."""
    ordered = np.sort(values, axis=-1)  # NaN last
    known = np.isfinite(ordered).sum(axis=-1)
    place = np.maximum(np.rint(share * (known - 1)), 0).astype(np.int64)
    found = np.take_along_axis(ordered, place[..., None], axis=-1)[..., 0]
    return np.where(known > 0, found, np.float32(0))


def _usual(squares: Floats, past: Past) -> Floats:
    """The square of each component (PARTS, series, times) beyond which it is evidence."""
    usual = quantile(squares, USUAL)
    usual[Part.SHAPE] = quantile(_between(past), APART)
    least = np.empty_like(usual)
    least[[Part.STEP, Part.SHAPE]] = (MOVE * past.jump) ** 2
    least[[Part.HOURS, Part.LEVEL, Part.LEAK]] = (MOVE * past.spread) ** 2
    least[[Part.SEASONAL, Part.BASIS]] = UNIT
    floored = np.maximum(usual, np.maximum(least, 1e-24))
    return np.asarray(BEYOND**2 * floored, np.float32)


def _between(past: Past) -> Floats:
    """Squared distances of short windows to the nearest other one: what is usual between windows that no code was made of."""
    times = past.times(PAIRED)
    found = np.empty((len(past.level), len(times)), np.float32)
    windows = past.windows(SHORT, times)
    to_codes(windows, np.ascontiguousarray(windows.transpose(0, 2, 1)), found, True)
    found[np.isnan(past.values[:, times])] = np.nan
    return found
