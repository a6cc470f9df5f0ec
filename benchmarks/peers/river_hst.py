"""River's half-space trees, a point at a time: how many points of one series a second."""

from __future__ import annotations

import json
import random
import time
from typing import Any

from river import anomaly, compose, preprocessing

POINTS = 5_000  # its rate does not depend on how many


def main() -> dict[str, Any]:
    """Score and learn each point, as its documentation shows."""
    model = compose.Pipeline(preprocessing.MinMaxScaler(), anomaly.HalfSpaceTrees(seed=0))
    source = random.Random(0)  # noqa: S311 - test data
    points = [{"value": source.gauss(100, 2)} for _ in range(POINTS)]
    began = time.perf_counter()
    for point in points:
        model.score_one(point)
        model.learn_one(point)
    return {"points_per_s": POINTS / (time.perf_counter() - began)}


if __name__ == "__main__":
    print(json.dumps(main()))
