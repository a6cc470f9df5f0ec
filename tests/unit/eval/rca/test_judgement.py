from sre_copilot.domain.incident import Suspect
from sre_copilot.eval.rca.judgement import strict_ranking


def test_equal_scores_are_ordered_by_name_and_never_share_a_rank() -> None:
    ranked = strict_ranking(
        [Suspect(entity=name, score=score) for name, score in [("c", 2.0), ("b", 1.0), ("a", 1.0)]]
    )
    assert [suspect.entity for suspect in ranked] == ["c", "a", "b"]


def test_pseudo_services_are_no_candidates_and_no_entity_counts_twice() -> None:
    suspects = [
        Suspect(entity="_door", score=9.0),
        Suspect(entity="a", score=2.0),
        Suspect(entity="a", score=1.0),
    ]
    assert strict_ranking(suspects) == (suspects[1],)
