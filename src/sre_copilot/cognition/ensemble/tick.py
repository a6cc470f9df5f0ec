"""The default live detector: every series judged at every tick, by one configuration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.ensemble import tick_kernels as kernels
from sre_copilot.cognition.ensemble.knowledge import Knowledge
from sre_copilot.cognition.ensemble.spans import POINTS, Spans
from sre_copilot.cognition.ensemble.state import LANES, TOGETHER, Floats, State

SHARES = (0.1, 1.0, 1.5, 1.0, 2.0, 0.5, 0.1)
"""Shares of the parts, in their order: most for the basis and short windows, which led on most kinds of series, little for those that did on
none. Rounded after comparing some forty on labelled public series, so not held out; halves and doubles score within a few percent."""
HELD = 0.5  # of the score is what is remembered, half what is seen: it falls when an incident ends, but not to nought
Parts = NDArray[np.uint8]


def tick(  # noqa: PLR0917 - a call a tick, by every series at once
    state: State,
    knowledge: Knowledge,
    values: Floats,
    centre: Floats,
    scale: Floats,
    out_scores: Floats,
    out_parts: Parts | None = None,
) -> None:
    """Take one value of every series and score it."""
    spans = Spans.of(int(knowledge.step_seconds[0]))
    parts = state.parts if out_parts is None else out_parts
    settings = weights(spans)
    blocks = -(-values.shape[0] // LANES)
    for first in range(0, blocks, TOGETHER):
        last = min(first + TOGETHER, blocks)
        measure(state, knowledge, values, centre, scale, spans, settings, first, last)
        kernels.combine(
            values, state.memory, state.scratch, knowledge.usual, knowledge.needed, knowledge.confidence,
            settings[7:], out_scores, parts, settings, first, last,
        )  # fmt: skip
    state.clock[0] += 1


def measure(  # noqa: PLR0917 - as `tick`
    state: State,
    known: Knowledge,
    values: Floats,
    centre: Floats,
    scale: Floats,
    spans: Spans,
    settings: Floats,
    first: int,
    last: int,
) -> None:
    """Take the values of the blocks `first` … `last` into memory, and leave their components in scratch."""
    clock = int(state.clock[0])
    place, bin_place = clock % POINTS, clock // spans.bin_points % spans.bins
    bin_seen = clock % spans.bin_points + 1
    memory, scratch = state.memory, state.scratch
    kernels.observe(
        values, memory, scratch, centre, scale, known.level, known.spread, place, POINTS + bin_place,
        bin_seen, settings, first, last,
    )  # fmt: skip
    kernels.begin(memory, scratch, first, last)
    kernels.trends(memory, scratch, known.jump, settings, first, last)
    kernels.window(memory, scratch, known.level, known.code_unit, place, POINTS, first, last)
    kernels.nearest(scratch, known.codes, known.code_unit, first, last)
    kernels.whitened(scratch, known.basis, known.basis_unit, first, last)
    kernels.hours(memory, scratch, known.level, bin_place, bin_seen, spans.bin_points, settings, first, last)


def weights(spans: Spans) -> Floats:
    """What the kernels need besides arrays: moving averages, what is kept of a held score and its share, bins, shares of the parts."""
    first = (
        spans.step_weight, spans.level_weight, spans.slow_weight, spans.leak_weight, spans.keep, HELD, spans.bins,
    )  # fmt: skip
    return np.array([*first, *SHARES], np.float32)
