"""The z-vectors that every service had in its past, each seen from a profile that did not know its own day.

A profile fits the days that it was learned from better than any day to come; distances measured on these would be too small, and
every quiet day a surprise. So the past is cut into three, and each part is seen from a profile of the other two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.baselines import seasonal
from sre_copilot.cognition.baselines.profile import Profile
from sre_copilot.cognition.detectors.multivariate.members import Members
from sre_copilot.cognition.detectors.multivariate.running import Running, level_of, samples_every, z_scores
from sre_copilot.domain.series import SeriesBlock, SeriesKey

Floats = NDArray[np.float32]
DAY_SECONDS = 86_400
HOUR_SECONDS = 3_600
FOLDS = 3
APART_SECONDS = 1_200  # between two vectors that are learned: closer ones repeat each other
MOST_VECTORS = 480  # of a past: a fit looks at each some hundred times
MOST_ROWS = 1_000  # series at once: 40 MB of a week of minutes
Learn = Callable[[Floats, int, int], Profile]


def past_vectors(block: SeriesBlock, members: Members, learn: Learn) -> NDArray[np.float32]:
    """Z-vectors of all services at every twenty minutes or so after the first day, shape (services, times, width).

    Parameters
    ----------
    block : the past of all series
    members : which series belong to which service
    learn : values of shape (n, times), start and step in seconds to a profile
    """
    width = block.values.shape[1]
    day = DAY_SECONDS // block.step_seconds
    every = max(1, APART_SECONDS // block.step_seconds, -(-(width - day) // MOST_VECTORS))
    times = len(range(day, width, every))
    found = np.full((len(members.services), max(times, 0), members.width), np.nan, np.float32)
    for part, rows in _parts(block.keys, members):
        piece = SeriesBlock(
            tuple(block.keys[row] for row in rows), block.start, block.step_seconds, block.values[rows]
        )
        places = part.places(piece.keys)
        at = [members.services.index(service) for service in part.services]
        for number, vectors in enumerate(_of_rows(piece, learn, day, every)):
            found[at, number, : part.width] = part.means(vectors, places)
    return found


def _parts(keys: tuple[SeriesKey, ...], members: Members) -> Iterator[tuple[Members, list[int]]]:
    """Whole services, about so many series at once as fit the memory."""
    of: dict[str, list[int]] = {service: [] for service in members.services}
    for row, key in enumerate(keys):
        if key.service in of:
            of[key.service].append(row)
    taken: list[int] = []
    rows: list[int] = []
    for number, service in enumerate(members.services):
        taken.append(number)
        rows += of[service]
        if len(rows) >= MOST_ROWS or number == len(members.services) - 1:
            services, metrics = ([each[i] for i in taken] for each in (members.services, members.metrics))
            yield Members(tuple(services), tuple(metrics)), rows  # type: ignore[arg-type]
            taken, rows = [], []


def _of_rows(block: SeriesBlock, learn: Learn, day: int, every: int) -> Iterator[Floats]:
    """The running vectors of some series after the first day, at every so many steps."""
    step = block.step_seconds
    running = Running.fresh(len(block.keys), step_seconds=step)
    sample, hour = samples_every(step), max(1, HOUR_SECONDS // step)
    ring = np.full((-(-day // sample), len(block.keys)), np.nan, np.float32)
    profiles, width = _profiles(block, learn), block.values.shape[1]
    for column, time in enumerate(block.times.tolist()):
        profile = profiles[min(column * FOLDS // width, FOLDS - 1)]
        scores = z_scores(block.values[:, column], *seasonal.expected(profile, time))
        running.take(scores)
        if column % sample == 0:
            ring[column // sample % len(ring)] = scores
        if column >= day and (column - day) % hour == 0:
            running.level = level_of(ring)
        if column >= day and (column - day) % every == 0:
            yield running.vectors()


def _profiles(block: SeriesBlock, learn: Learn) -> list[Profile]:
    """For each part of the past the profile of the others."""
    width = block.values.shape[1]
    found = []
    for fold in range(FOLDS):
        others = block.values.copy()
        others[:, -(-fold * width // FOLDS) : -(-(fold + 1) * width // FOLDS)] = np.nan
        found.append(learn(others, block.start, block.step_seconds))
    return found
