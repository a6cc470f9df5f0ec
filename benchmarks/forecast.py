"""How fast six hours of minutes are forecast with three quantiles, on one core.

The limit is the time to write the same array once, measured in the same run; the peer is Prophet.
"""

from __future__ import annotations

import numpy as np

from benchmarks.baseline import START, best, week
from benchmarks.figure import Figure, PeerMissing, Peers
from sre_copilot.cognition.baselines.seasonal import learn
from sre_copilot.cognition.forecast.deviation import deviation_now
from sre_copilot.cognition.forecast.errors import learn_errors
from sre_copilot.cognition.forecast.seasonal import forecast

NAME = "forecast"
ABOUT = "forecasting 360 steps with 3 quantiles, series a second on one core"
SERIES = 10_000
LEARNED = 250  # series that are learned; the others repeat them, which costs the same to forecast
STEPS = 360


def measure(peers: Peers) -> Figure:
    """Series a second: ours and Prophet's; `of_limit` is the share of the write rate."""
    values = week(LEARNED)
    times = SERIES // LEARNED
    errors = learn_errors(learn(values, start=START, step_seconds=60), values, start=START)
    many = np.tile(values, (times, 1))
    profile = learn(many, start=START, step_seconds=60)
    errors = type(errors)(
        np.tile(errors.quantiles, times), np.tile(errors.usual_hour, times), np.tile(errors.hold, times)
    )
    end = START + 60 * many.shape[1]
    now = deviation_now(profile, many[:, -1_440:], start=end - 86_400, usual_hour=errors.usual_hour)
    memory = np.zeros((SERIES, 3, STEPS), np.float32)
    ours, floor = best(
        lambda: forecast(profile, now, errors, start=end, horizon_steps=STEPS, into=memory),
        lambda: memory.fill(1.0),
    )
    detail: dict[str, float | str] = {"write_floor_series_per_s": SERIES / floor}
    peer = None
    try:
        peer = peers.run("prophet_forecast.py", "2")["series_per_s"]
    except PeerMissing as missing:
        detail["prophet"] = str(missing)
    return Figure(unit="series/s", ours=SERIES / ours, peer=peer, of_limit=floor / ours, detail=detail)
