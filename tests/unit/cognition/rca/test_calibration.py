import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.cognition.rca.calibration import CEILING, SHIPPED, fit
from sre_copilot.cognition.rca.features import Features, features
from sre_copilot.cognition.rca.verdict import decide
from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Outcome, Suspect


def described(top: float, margin: float) -> Features:
    return Features(top=top, margin=margin, modalities=1, comparable=1)


def test_probabilities_are_right_as_often_as_they_say() -> None:
    generator = np.random.default_rng(7)
    margins = generator.uniform(0, 6, 4000)
    truth = 1 / (1 + np.exp(-(2.0 * np.log1p(margins) - 1.5)))
    right = generator.uniform(size=4000) < truth
    inputs = [described(margin, margin) for margin in margins]
    calibration = fit(inputs, [bool(each) for each in right])
    said = np.array([calibration.probability(each) for each in inputs])
    for low in (0.2, 0.4, 0.6, 0.8):
        inside = (said >= low) & (said < low + 0.2)
        assert abs(said[inside].mean() - right[inside].mean()) < 0.06


def test_a_perfectly_separable_collection_stays_finite_and_below_certainty() -> None:
    inputs = [described(value, value) for value in (0.1, 0.2, 5.0, 6.0)]
    calibration = fit(inputs, [False, False, True, True])
    assert all(np.isfinite(calibration.slopes))
    assert 0.5 < calibration.probability(inputs[-1]) <= CEILING


def test_fitting_without_cases_is_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="0 features"):
        fit([], [])


@given(st.floats(0, 50), st.floats(0, 50), st.floats(0, 50))
def test_a_larger_margin_never_lowers_the_shipped_probability(top: float, margin: float, more: float) -> None:
    assert SHIPPED.probability(described(top, margin + more)) >= SHIPPED.probability(described(top, margin))


def test_nothing_above_noise_is_no_fault_only_where_something_was_recorded() -> None:
    assert decide(Features(0.4, 0.4, 0, 2), 0.9) is Outcome.NO_FAULT
    assert decide(Features(0.0, 0.0, 0, 0), 0.9) is Outcome.INCONCLUSIVE


def test_a_suspect_more_likely_wrong_than_right_is_not_named() -> None:
    assert decide(described(3.0, 0.1), 0.4) is Outcome.INCONCLUSIVE
    assert decide(described(3.0, 2.0), 0.8) is Outcome.FAULT


def test_features_count_the_kinds_of_telemetry_that_support_the_first_suspect() -> None:
    check = Check(query=Query(source="logs", measure="rows"), aggregate="count", relation=">", bound=0.0)
    found = [
        Finding(kind="a", entity="cart", modality="logs", weight=2.0, checks=(check,)),
        Finding(kind="b", entity="cart", modality="traces", weight=1.0, checks=(check,)),
        Finding(kind="c", entity="web", modality="metrics", weight=1.0, checks=(check,)),
    ]
    suspects = [
        Suspect(entity="cart", score=3.0, finding_ids=(found[0].id, found[1].id)),
        Suspect(entity="web", score=1.0, finding_ids=(found[2].id,)),
    ]
    assert features(suspects, found, 3) == Features(top=3.0, margin=2.0, modalities=2, comparable=3)


def test_without_a_candidate_nothing_counts_as_recorded_and_the_answer_is_inconclusive() -> None:
    nobody = features([], [], 3)
    assert nobody == Features(0.0, 0.0, 0, 0)
    assert decide(nobody, 0.0) is Outcome.INCONCLUSIVE
