"""Counts by time of day."""

from __future__ import annotations

import numpy as np
import pytest

from sre_copilot.cognition.live.seasonal import MINUTE_S, Seasonal
from sre_copilot.domain.signals import Window

HOUR = 3_600
START = 1_728_000_000 // 86_400 * 86_400


def learned(*times: tuple[str, list[int]], window: Window) -> Seasonal:
    """Each name once at each of its minutes."""
    found = Seasonal()
    teach(found, *times, window=window)
    return found


def teach(counts: Seasonal, *times: tuple[str, list[int]], window: Window) -> None:
    names = [name for name, minutes in times for _ in minutes]
    at = np.array([minute for _, minutes in times for minute in minutes], dtype=np.int64)
    minutes = START // MINUTE_S + at
    counts.learn(counts.index(names), minutes, np.ones(len(minutes)), window)


def test_the_silence_between_two_merged_stretches_is_that_of_one_learned_whole() -> None:
    first, second = Window(START, START + HOUR), Window(START + HOUR, START + 2 * HOUR)
    one = learned(("seldom", [5]), ("often", [5, 30, 55]), window=first)
    other = learned(("often", [65, 90]), ("seldom", [115]), window=second)
    whole = learned(("seldom", [5]), ("often", [5, 30, 55]), window=first)
    teach(whole, ("seldom", [115]), ("often", [65, 90]), window=second)
    later, earlier = Seasonal.of(*other.state()), Seasonal.of(*one.state())
    later.merge(earlier)
    one.merge(other)
    for merged in (one, later):
        gaps = {name: merged.gap[place] for name, place in merged.places.items()}
        assert gaps == {name: whole.gap[place] for name, place in whole.places.items()}
        assert gaps == {"seldom": 110 * MINUTE_S, "often": 25 * MINUTE_S}


def test_merging_leaves_the_other_as_it_was() -> None:
    window = Window(START, START + HOUR / 4)
    one, other = learned(("a", [1]), window=window), learned(("b", [2]), window=window)
    arrays, meta = other.state()
    one.merge(other)
    after, meta_after = other.state()
    assert meta == meta_after
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, after[name])


def test_what_is_kept_keeps_its_counts_and_the_rest_is_gone() -> None:
    window = Window(START, START + HOUR)
    counts = learned(("a", [1, 2]), ("b", [10, 20, 50]), ("c", [40]), window=window)
    due = counts.expected(counts.index(["b"]), window).mean[0]
    assert counts.latest(5) == ["a", "b", "c"]
    assert counts.latest(2) == ["b", "c"]
    np.testing.assert_array_equal(counts.keep(["c", "b"]), [2, 1])
    assert counts.places == {"c": 0, "b": 1}
    assert counts.expected(counts.index(["b"]), window).mean[0] == pytest.approx(due)
    teach(counts, ("a", [70]), window=Window(START + HOUR, START + 2 * HOUR))
    assert counts.gap[counts.places["a"]] == 0  # begun anew
