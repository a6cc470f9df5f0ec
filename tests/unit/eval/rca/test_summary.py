from collections.abc import Sequence

from sre_copilot.cognition.rca.features import Features
from sre_copilot.domain.incident import Outcome
from sre_copilot.eval.rca.judgement import Judgement, Planted
from sre_copilot.eval.rca.summary import choose_planted, score_cases, summarise
from sre_copilot.eval.rca.truth import Truth

STRONG = Features(top=9.0, margin=8.0, modalities=2, comparable=3)
WEAK = Features(top=0.2, margin=0.1, modalities=0, comparable=3)


def judged(
    case: str, *ranking: str, outcome: Outcome = Outcome.FAULT, features: Features = STRONG
) -> Judgement:
    return Judgement(
        case=case,
        set="s",
        outcome=outcome,
        probability=0.9 if features is STRONG else 0.2,
        ranking=ranking,
        fault_type="network/delay",
        features=features,
    )


def truths(cases: Sequence[Judgement], entity: str = "a") -> dict[str, Truth]:
    return {each.case: Truth(entity, "network_delay") for each in cases}


def test_no_fault_on_a_fault_is_a_miss_though_the_first_suspect_is_the_true_one() -> None:
    case = judged("x", "a", "b", outcome=Outcome.NO_FAULT, features=WEAK)
    scored = score_cases([case], truths([case]))["x"]
    assert (scored.rank, scored.type_right, scored.confident, scored.right) == (None, False, True, False)


def test_answers_that_accuse_nobody_are_not_fitted_on() -> None:
    right = [judged(f"r{n}", *((f"c{n % 4}",))) for n in range(40)]
    known = {each.case: Truth(each.ranking[0], "network_delay") for each in right}
    silent = [judged(f"n{n}", f"c{n % 4}", outcome=Outcome.NO_FAULT, features=WEAK) for n in range(40)]
    both = known | {each.case: Truth(each.ranking[0], "network_delay") for each in silent}
    alone, together = score_cases(right, known), score_cases([*right, *silent], both)
    assert [together[each.case].probability for each in right] == [
        alone[each.case].probability for each in right
    ]
    assert {together[each.case].probability for each in silent} == {0.2}


def test_an_inconclusive_answer_keeps_its_rank() -> None:
    case = judged("x", "b", "a", outcome=Outcome.INCONCLUSIVE)
    evaluation = summarise([case], truths([case]))
    assert evaluation.sets["s"].ac3 == 1.0
    assert evaluation.sets["s"].ac1 == 0.0


def test_without_any_truth_the_figures_are_null() -> None:
    document = summarise([judged("x", "a")], {}).as_dict()
    assert document["no_fault"] == {"n": 0, "accuracy": None, "by_set": {}}
    assert document["planted_survivors"] is None


def test_no_fault_accuracy_is_the_mean_of_the_sets_not_of_the_cases() -> None:
    def window(set_name: str, outcome: Outcome) -> Judgement:
        return Judgement(case="w", set=set_name, outcome=outcome)

    windows = [window("one", Outcome.NO_FAULT)] * 3 + [window("two", Outcome.FAULT)]
    assert summarise([], {}, windows=windows).no_fault_accuracy == 0.5


def test_planted_findings_are_taken_from_all_sets_in_turn() -> None:
    many = Judgement(case="m", set="big", planted=(Planted("sign", "k", struck=True),) * 9)
    few = Judgement(case="f", set="small", planted=(Planted("sign", "k", struck=False),))
    assert [each.struck for each in choose_planted([many, few], wanted=3)] == [True, False, True]
    assert summarise([many, few], {}).survivors == 1
