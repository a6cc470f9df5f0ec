from __future__ import annotations

import math

import numpy as np
import pytest

from sre_copilot.eval.anomalies.vus import runs, vus_pr


def plainly(labels: np.ndarray, scores: np.ndarray, window: int, thresholds: int) -> float:
    """The definition word by word: every buffer, every threshold, every point."""
    falling = np.sort(scores)[::-1]
    limits = [falling[int(place)] for place in np.linspace(0, len(scores) - 1, thresholds)]
    events = runs(labels)
    areas = []
    for width in range(window + 1):
        half = width // 2
        soft = labels.astype(float)
        for start, end in events:
            for distance in range(1, half + 1):
                for place in (start - distance, end + distance):
                    if 0 <= place < len(labels):
                        soft[place] += math.sqrt(1 - distance / width)
        soft = np.minimum(soft, 1)
        merged = runs(
            np.array([any(s - half <= i <= e + half for s, e in events) for i in range(len(labels))])
        )
        area, before = 0.0, 0.0
        for limit in limits:
            told = scores >= limit
            counted = np.where(labels, 1.0, soft * told)
            hits = (counted * told).sum()
            found = np.mean([told[s : e + 1].any() for s, e in merged])
            recall = min(hits / ((labels.sum() + counted.sum()) / 2), 1) * found
            area += (recall - before) * hits / told.sum()
            before = recall
        areas.append(area)
    return float(np.mean(areas))


@pytest.mark.parametrize(("seed", "window"), [(0, 0), (1, 1), (2, 12), (3, 25)])
def test_the_fast_volume_is_that_of_the_definition(seed: int, window: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.zeros(300, dtype=bool)
    labels[0:4] = labels[120:131] = labels[190:192] = labels[296:300] = True
    scores = np.round(random.normal(size=300) + labels, 1)
    assert vus_pr(labels, scores, window=window, thresholds=40) == pytest.approx(
        plainly(labels, scores, window, 40)
    )


def test_scores_that_are_the_labels_reach_nearly_one_and_noise_the_share_of_events() -> None:
    labels = np.zeros(5_000, dtype=bool)
    labels[1_000:1_100] = labels[3_000:3_100] = True
    noise = np.random.default_rng(0).random(5_000)
    assert vus_pr(labels, labels + 0.01 * noise, window=0) > 0.95
    assert vus_pr(labels, noise, window=20) < 0.08


def test_only_the_order_of_scores_counts() -> None:
    random = np.random.default_rng(1)
    labels = np.zeros(800, dtype=bool)
    labels[300:340] = True
    scores = random.random(800) + labels
    assert vus_pr(labels, scores, window=30) == vus_pr(labels, np.exp(3 * scores) - 7, window=30)


def test_without_an_event_there_is_no_figure() -> None:
    assert math.isnan(vus_pr(np.zeros(50, dtype=bool), np.arange(50.0), window=5))
