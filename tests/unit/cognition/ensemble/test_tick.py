from __future__ import annotations

import numpy as np
import pytest

from sre_copilot.cognition.baselines.seasonal import learn as learn_profile
from sre_copilot.cognition.ensemble.detector import FIRST, EnsembleDetector, schedule
from sre_copilot.cognition.ensemble.knowledge import Knowledge, Part
from sre_copilot.cognition.ensemble.learning import BEYOND, USUAL, course, learn
from sre_copilot.cognition.ensemble.state import LANES, State
from sre_copilot.cognition.ensemble.tick import tick
from sre_copilot.domain.series import SeriesBlock, SeriesKey
from sre_copilot.domain.signals import Window
from sre_copilot.testing.synthetic import SyntheticSource

STEP = 300
DAY = 86_400 // STEP
START = 1_700_006_400  # midnight


def load(days: float, *, seed: int = 0) -> np.ndarray:
    """A daily course with noise."""
    times = np.arange(int(days * DAY))
    random = np.random.default_rng(seed)
    return 100 + 20 * np.sin(2 * np.pi * times / DAY) + random.normal(0, 2, len(times))


def scored(values: np.ndarray) -> np.ndarray:
    return EnsembleDetector().score(values, start=START, step_seconds=STEP)


def together(values: np.ndarray, *, learned: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores and parts (times, series) of what follows the first `learned` values of (series, times)."""
    block = SeriesBlock(
        tuple(SeriesKey("shop", f"m{i}") for i in range(len(values))), START, STEP,
        np.ascontiguousarray(values[:, :learned], np.float32),
    )  # fmt: skip
    profile = learn_profile(block.values, start=START, step_seconds=STEP)
    knowledge, state = learn(block, profile), State.fresh(len(values))
    centre, scale = course(profile, start=START, step_seconds=STEP, times=values.shape[1])
    columns = np.ascontiguousarray(values.T, np.float32)
    scores = np.empty(columns.shape, np.float32)
    parts = np.zeros(columns.shape, np.uint8)
    for t in range(len(columns)):
        tick(state, knowledge, columns[t], centre[t], scale[t], scores[t], parts[t])
    return scores[learned:], parts[learned:]


def test_scores_are_finite_and_lie_between_nought_and_one() -> None:
    scores = scored(load(4))
    assert np.isnan(scores[:FIRST]).all()
    assert np.isfinite(scores[FIRST:]).all()
    assert scores[FIRST:].min() >= 0
    assert scores[FIRST:].max() <= 1


def test_no_score_knows_what_comes_later() -> None:
    values = load(3)
    np.testing.assert_array_equal(scored(values)[: 2 * DAY + 7], scored(values[: 2 * DAY + 7]))


def test_the_same_input_has_the_same_scores() -> None:
    np.testing.assert_array_equal(scored(load(2)), scored(load(2)))


def test_a_spike_is_told_and_noise_hardly_ever_is() -> None:
    values = load(6)
    values[-50] += 60
    scores = scored(values)
    assert scores[-50] >= 0.7
    assert scores[-50] > scores[4 * DAY : -50].max()
    assert (scores[2 * DAY : -50] >= 0.7).mean() < 0.002


def test_unit_and_offset_of_a_series_change_nothing() -> None:
    values = load(3)
    values[-40:-30] += 30
    np.testing.assert_allclose(scored(values * 1024 + 4096), scored(values), atol=0.03)


def test_a_missing_value_has_no_score_and_the_next_ones_have() -> None:
    values = load(3)
    values[-30:-20] = np.nan
    scores = scored(values)
    assert np.isnan(scores[-30:-20]).all()
    assert np.isfinite(scores[-20:]).all()


@pytest.mark.parametrize("values", [np.zeros(900), np.full(900, 7e12), np.full(900, np.nan)])
def test_a_constant_or_empty_series_is_never_told(values: np.ndarray) -> None:
    scores = scored(values)
    assert not np.isinf(scores).any()
    assert not (scores >= 0.7).any()


def test_a_change_of_a_constant_series_is_told() -> None:
    values = np.full(3 * DAY, 5.0)
    values[-20:] = 6.0
    assert scored(values)[-20] >= 0.7


def test_small_integers_and_heavy_tails_stay_finite() -> None:
    random = np.random.default_rng(1)
    for values in (random.poisson(0.3, 900).astype(float), random.standard_cauchy(900) * 1e9):
        scores = scored(values)
        assert np.isfinite(scores[FIRST:]).all()
        assert (scores[FIRST:] >= 0.7).mean() < 0.02


def test_many_series_together_are_scored_as_each_alone() -> None:
    values = np.stack([load(3, seed=i) * (i + 1) for i in range(LANES + 3)])
    values[:, -20] += 50
    scores, parts = together(values, learned=2 * DAY)
    for i in (0, LANES - 1, LANES, LANES + 2):
        alone, part = together(values[i : i + 1], learned=2 * DAY)
        np.testing.assert_allclose(scores[:, i], alone[:, 0], atol=2e-4)
        assert (parts[:, i] == part[:, 0]).mean() > 0.99


def test_evaluation_is_ticking() -> None:
    values = load(2.5)
    scores, state = np.full(len(values), np.nan, np.float32), State.fresh(1)
    ticked = 0
    for begin, end in schedule(len(values), step_seconds=STEP):
        past = np.ascontiguousarray(values[None, :begin], np.float32)
        profile = learn_profile(past, start=START, step_seconds=STEP)
        knowledge = learn(SeriesBlock((SeriesKey("shop", "m"),), START, STEP, past), profile)
        centre, scale = course(profile, start=START, step_seconds=STEP, times=end)
        for t in range(ticked, end):
            blind = np.full(1, np.nan, np.float32)
            known = (centre[t], scale[t]) if t >= begin else (blind, blind)
            out = scores[t : t + 1] if t >= begin else blind
            tick(state, knowledge, values[t : t + 1].astype(np.float32), *known, out)
        ticked = end
    np.testing.assert_array_equal(scores.astype(np.float64), scored(values))


def test_what_is_learned_at_once_is_what_ticking_finds() -> None:
    values = load(3)
    block = SeriesBlock(
        (SeriesKey("shop", "m"),), START, STEP, np.ascontiguousarray(values[None], np.float32)
    )
    knowledge = learn(block, learn_profile(block.values, start=START, step_seconds=STEP))
    ticked = components(values, learned=len(values))
    for part in (Part.STEP, Part.HOURS, Part.BASIS, Part.LEVEL):
        share = (ticked[part][DAY:] > knowledge.usual[part, 0] / BEYOND**2).mean()
        assert abs(share - (1 - USUAL)) < 0.12, part


def test_a_selection_of_series_is_scored_as_before() -> None:
    values = np.stack([load(2, seed=i) * (i + 1) for i in range(LANES + 3)])
    values[:, -3] *= 1.5
    rows = [LANES + 1, 5, 5, 0, LANES - 1]
    whole, chosen = (_scores_of(values, rows=each) for each in (list(range(LANES + 3)), rows))
    np.testing.assert_array_equal(chosen, whole[:, rows])


def _scores_of(values: np.ndarray, *, rows: list[int]) -> np.ndarray:
    knowledge, state = knowledge_and_state(values)
    columns = np.ascontiguousarray(values.T[:, rows], np.float32)
    knowledge, state = knowledge.take(rows), state.take(rows)
    unknown = np.full(len(rows), np.nan, np.float32)
    scores = np.empty((DAY, len(rows)), np.float32)
    for t in range(DAY):
        tick(state, knowledge, columns[DAY + t], unknown, unknown, scores[t])
    return scores


def knowledge_and_state(values: np.ndarray) -> tuple[Knowledge, State]:
    """What is learned of a day, and remembered of it."""
    past = np.ascontiguousarray(values[:, :DAY], np.float32)
    keys = tuple(SeriesKey("shop", f"m{i}") for i in range(len(values)))
    profile = learn_profile(past, start=START, step_seconds=STEP)
    knowledge, state = learn(SeriesBlock(keys, START, STEP, past), profile), State.fresh(len(values))
    blind, scores = np.full(len(values), np.nan, np.float32), np.empty(len(values), np.float32)
    for column in np.ascontiguousarray(past.T):
        tick(state, knowledge, column, blind, blind, scores)
    return knowledge, state


def one_tick(knowledge: Knowledge, state: State, value: float) -> np.ndarray:
    """Scores of the same value for all series."""
    values = np.full(state.series, value, np.float32)
    blind, scores = np.full(state.series, np.nan, np.float32), np.empty(state.series, np.float32)
    tick(state, knowledge, values, blind, blind, scores)
    return scores


def test_a_copy_of_the_state_is_judged_without_a_trace() -> None:
    knowledge, state = knowledge_and_state(np.stack([load(2)]))
    before, copy = state.memory.copy(), state.copy()
    judged = one_tick(knowledge, copy, 200.0)
    np.testing.assert_array_equal(state.memory, before)
    assert copy.clock[0] == state.clock[0] + 1
    np.testing.assert_array_equal(one_tick(knowledge, state, 200.0), judged)


def test_a_saved_state_goes_on_as_if_nothing_had_been() -> None:
    knowledge, state = knowledge_and_state(np.stack([load(2)]))
    saved = State.of({name: array.copy() for name, array in state.arrays().items()})
    np.testing.assert_array_equal(one_tick(knowledge, saved, 150.0), one_tick(knowledge, state, 150.0))


def test_a_state_of_another_form_is_refused() -> None:
    arrays = State.fresh(3).arrays()
    with pytest.raises(ValueError, match="begin with a fresh one"):
        State.of({**arrays, "memory": arrays["memory"][:-1]})


def test_new_series_join_without_disturbing_those_that_are_there() -> None:
    knowledge, state = knowledge_and_state(np.stack([load(2), load(2, seed=1)]))
    grown = one_tick(knowledge.take([0, 1, 1]), state.grow(1), 180.0)
    assert np.isfinite(grown).all()
    np.testing.assert_array_equal(grown[:2], one_tick(knowledge, state, 180.0))


def test_calm_series_are_not_told() -> None:
    source = SyntheticSource(services=8, metrics=5)
    block = source.series(Window(START, START + 5 * 86_400), step_seconds=300)
    scores, _ = together(block.values, learned=4 * DAY)
    assert (scores >= 0.7).mean() < 1e-3


def test_a_slow_leak_is_found_and_a_restart_ends_it() -> None:
    random = np.random.default_rng(3)
    values = 100 + random.normal(0, 1, 6 * DAY)
    values[4 * DAY : 5 * DAY] += np.linspace(0, 30, DAY)
    leak = Part.LEAK
    state_scores = components(values, learned=3 * DAY)[leak]
    during, after = state_scores[4 * DAY + DAY // 2 : 5 * DAY], state_scores[5 * DAY + 1 : 5 * DAY + DAY // 4]
    assert np.median(during) > 10 * np.quantile(state_scores[3 * DAY : 4 * DAY], 0.9)
    assert np.median(after) < 0.01 * np.median(during)


def components(values: np.ndarray, *, learned: int) -> dict[Part, np.ndarray]:
    from sre_copilot.cognition.ensemble.tick_kernels import PART0

    block = SeriesBlock(
        (SeriesKey("shop", "m"),), START, STEP, np.ascontiguousarray(values[None, :learned], np.float32)
    )
    profile = learn_profile(block.values, start=START, step_seconds=STEP)
    knowledge, state = learn(block, profile), State.fresh(1)
    score, rows = np.empty(1, np.float32), []
    unknown = np.full(1, np.nan, np.float32)
    for value in values.astype(np.float32):
        tick(state, knowledge, np.array([value]), unknown, unknown, score)
        rows.append(state.scratch[0, PART0 : PART0 + len(Part), 0].copy())
    return {part: np.array(rows)[:, part] for part in Part}


def test_a_level_shift_is_found() -> None:
    values = load(6)
    values[5 * DAY :] += 40
    assert (scored(values)[5 * DAY : 5 * DAY + 12] >= 0.7).any()


def test_a_series_of_which_nothing_is_known_has_no_score() -> None:
    values = np.stack([load(2), np.full(2 * DAY, np.nan)])
    values[1, -5:] = 3.0
    scores, _ = together(values, learned=DAY)
    assert np.isnan(scores[:, 1]).all()


def test_memory_stays_within_what_was_promised() -> None:
    assert State.fresh(10).bytes_per_series <= 256
    assert knowledge_of(LANES).bytes_per_series <= 2048


def knowledge_of(series: int) -> Knowledge:
    values = np.tile(load(1), (series, 1)).astype(np.float32)
    block = SeriesBlock(tuple(SeriesKey("shop", f"m{i}") for i in range(series)), START, STEP, values)
    return learn(block, learn_profile(values, start=START, step_seconds=STEP))
