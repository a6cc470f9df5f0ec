"""Compiling every numeric kernel once, so that no first tick waits for it: `python -m sre_copilot.app.kernels [NAME]…`.

Numba keeps what it compiled beside the source, or, where that cannot be written, in the user's cache; later starts load it from there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator
from time import monotonic

import numpy as np
import polars as pl

from sre_copilot.cognition.baselines import seasonal
from sre_copilot.cognition.ensemble.learning import learn
from sre_copilot.cognition.ensemble.state import State
from sre_copilot.cognition.ensemble.tick import tick
from sre_copilot.cognition.forecast.seasonal import forecast_values
from sre_copilot.cognition.logs.miner import mine
from sre_copilot.cognition.logs.model import LogModel
from sre_copilot.domain.series import SeriesBlock, SeriesKey
from sre_copilot.errors import UsageError
from sre_copilot.perception.promql.decode import MatrixDecoder

MINUTE, WEEK = 60, 7 * 1440
LINES = pl.Series(["started 1", "started 2"])


def compile_all(say: Callable[[str], None] = lambda text: None, *, only: Collection[str] = ()) -> float:
    """Run every kernel, or only those of the works named, on a little; return the seconds that it took."""
    works = dict(_works())
    if unknown := sorted(set(only) - set(works)):
        raise UsageError(f"no kernels of {', '.join(unknown)}: there are those of {', '.join(works)}.")
    began = monotonic()
    for name, work in works.items():
        if only and name not in only:
            continue
        start = monotonic()
        work()
        say(f"{name} {monotonic() - start:.1f} s")
    return monotonic() - began


def _works() -> Iterator[tuple[str, Callable[[], object]]]:
    generator = np.random.default_rng(0)
    values = generator.normal(100.0, 1.0, (2, WEEK)).astype(np.float32)
    keys = (SeriesKey("a", "x"), SeriesKey("a", "y"))
    yield "baselines", lambda: seasonal.learn(values, start=0, step_seconds=MINUTE)
    yield "ensemble", lambda: _tick(SeriesBlock(keys, 0, MINUTE, values))
    yield "forecasts", lambda: forecast_values(values, start=0, step_seconds=MINUTE, horizon_steps=10)
    yield (
        "log templates",
        lambda: (mine(LINES), LogModel().assign(LINES, at=0.0)),
    )
    yield "answers of Prometheus", _decode


def _decode() -> None:
    decoder = MatrixDecoder(start=0, step_seconds=MINUTE, width=2)
    decoder.feed(
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[0,"1.5"],[60,"2"]]}]}}'
    )
    decoder.finish()


def _tick(block: SeriesBlock) -> None:
    profile = seasonal.learn(block.values, start=block.start, step_seconds=block.step_seconds)
    knowledge, state = learn(block, profile), State.fresh(len(block.keys))
    centre, scale = seasonal.expected(profile, float(block.end))
    scores, parts = np.empty(len(block.keys), np.float32), np.empty(len(block.keys), np.uint8)
    tick(state, knowledge, np.ascontiguousarray(block.values[:, -1]), centre, scale, scores, parts)


if __name__ == "__main__":
    took = compile_all(lambda text: print(text, file=sys.stderr), only=sys.argv[1:])  # noqa: T201 - a command
    sys.exit(0 if took else 1)
