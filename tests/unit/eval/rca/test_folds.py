from sre_copilot.cognition.rca.features import Features
from sre_copilot.eval.rca.folds import FEWEST, out_of_fold


def described(margin: float) -> Features:
    return Features(top=margin, margin=margin, modalities=1, comparable=1)


def test_a_case_is_judged_by_the_others_culprits_alone() -> None:
    # Strong evidence is always wrong for culprit `odd` and always right for the rest: its own fold must not tell.
    features = [described(8.0)] * 20 + [described(0.1)] * 20 + [described(8.0)] * 20
    right = [True] * 20 + [False] * 20 + [False] * 20
    folds = ["a"] * 10 + ["b"] * 10 + ["a"] * 10 + ["b"] * 10 + ["odd"] * 20
    found = out_of_fold(features, right, folds, [0.5] * 60)
    assert min(found[40:]) > 0.85
    assert max(found[:20]) < 0.75


def test_too_few_cases_keep_the_calibration_that_is_shipped() -> None:
    few = FEWEST - 1
    shipped = [0.25] * few
    assert out_of_fold([described(1.0)] * few, [True] * few, list(range(few)), shipped) == tuple(shipped)
