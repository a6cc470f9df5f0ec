"""The components of many past times at once: what ticking through the past would find, without ticking."""

from __future__ import annotations

import numpy as np

from sre_copilot.cognition.ensemble.knowledge import PARTS, Bytes, Floats, Part
from sre_copilot.cognition.ensemble.learning_kernels import average, to_codes
from sre_copilot.cognition.ensemble.past import Past
from sre_copilot.cognition.ensemble.spans import POINTS, SHORT, Spans
from sre_copilot.cognition.ensemble.tick_kernels import CLIP


def components(
    past: Past,
    times: np.ndarray,
    residual: Floats,
    patterns: tuple[Bytes, Floats],
    basis: tuple[Bytes, Floats],
) -> Floats:
    """Squares of all components, shape (PARTS, series, times). Restarts, at which a tick forgets a leak, are passed over."""
    spans = Spans.of(past.step_seconds)
    squares = np.empty((PARTS, len(past.level), len(times)), np.float32)
    squares[Part.SEASONAL] = residual**2
    steps = np.diff(past.filled, axis=1, prepend=past.filled[:, :1])
    squares[Part.STEP] = _average(steps**2, spans.step_weight)[:, times]
    squares[Part.SHAPE] = _to_patterns(past.windows(SHORT, times), *patterns)
    squares[Part.HOURS] = _hours(past.filled, spans.bins * spans.bin_points)[:, times]
    squares[Part.BASIS] = _whitened(past.windows(POINTS, times), *basis)
    level = _average(past.filled, spans.level_weight)
    contrast = level - _average(past.filled, spans.slow_weight)
    squares[Part.LEVEL] = contrast[:, times] ** 2
    rise = np.maximum(contrast, 0) * _steady(level, past.jump, spans)
    squares[Part.LEAK] = rise[:, times] ** 2
    return squares


def _average(values: Floats, weight: float) -> Floats:
    """Exponential moving average along the last axis, begun at the first value."""
    found = np.empty(values.shape, np.float32)
    average(np.ascontiguousarray(values, np.float32), weight, found)
    return found


def _steady(level: Floats, jump: Floats, spans: Spans) -> Floats:
    limit = CLIP * spans.level_weight * jump[:, None]
    step = np.clip(np.diff(level, axis=1, prepend=level[:, :1]), -limit, limit)
    drift = np.maximum(_average(step, spans.leak_weight), 0)
    return np.asarray(drift**2 / (_average(step**2, spans.leak_weight) + np.float32(1e-30)), np.float32)


def _hours(around: Floats, width: int) -> Floats:
    """Mean of the last `width` squares; before the first value is like it."""
    squares = around.astype(np.float64) ** 2
    total = np.cumsum(np.concatenate([np.repeat(squares[:, :1], width, axis=1), squares], axis=1), axis=1)
    return np.asarray(np.maximum(total[:, width:] - total[:, :-width], 0) / width, np.float32)


def _to_patterns(windows: Floats, codes: Bytes, unit: Floats) -> Floats:
    centres = np.ascontiguousarray(codes.transpose(2, 0, 1)[..., ::-1] * unit[:, None, None], np.float32)
    found = np.empty((len(windows), windows.shape[2]), np.float32)
    to_codes(windows, centres, found, False)
    return found


def _whitened(windows: Floats, basis: Bytes, unit: Floats) -> Floats:
    factor = np.zeros((len(windows), POINTS, POINTS), np.float32)
    rows, columns = np.tril_indices(POINTS)
    factor[:, rows, columns] = basis.T
    factor *= unit.T[..., None]
    steps = np.diff(windows, axis=1, prepend=np.float32(0))
    return np.asarray(((factor @ steps) ** 2).sum(axis=1), np.float32)
