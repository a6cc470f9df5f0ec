from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.cognition.rca.fusion import fuse
from sre_copilot.cognition.rca.localiser import Localisation
from sre_copilot.domain.incident import Suspect


def ranking(method: str, **scores: float) -> Localisation:
    return Localisation(method, tuple(Suspect(entity=name, score=score) for name, score in scores.items()))


def test_evidence_of_two_localisers_adds_up() -> None:
    fused = fuse([ranking("a", cart=2.0, web=1.5), ranking("b", web=1.0)])
    assert [(suspect.entity, suspect.score) for suspect in fused] == [("web", 2.5), ("cart", 2.0)]


def test_a_workload_and_a_service_of_one_name_are_one_entity() -> None:
    path = ("app/cart", "app/web", "app/jobs")
    cart = Suspect(entity="app/cart", score=3.0, fault_type="runtime/no-replicas", path=path)
    state = Localisation("state", (cart, Suspect(entity="app/jobs", score=0.5)))
    fused = fuse([state, ranking("telemetry", cart=1.0, web=0.0)])
    assert (fused[0].entity, fused[0].score, fused[0].fault_type) == ("cart", 4.0, "runtime/no-replicas")
    assert [suspect.entity for suspect in fused] == ["cart", "app/jobs", "web"]
    assert fused[0].path == ("cart", "app/web", "app/jobs")


def test_the_fault_type_comes_from_who_contributes_most() -> None:
    weak = Localisation(
        "a", (Suspect(entity="cart", score=1.0, fault_type="resource/cpu", path=("cart", "web")),)
    )
    strong = Localisation("b", (Suspect(entity="cart", score=2.0, fault_type="network/delay"),))
    fused = fuse([weak, strong])
    assert (fused[0].fault_type, fused[0].path) == ("network/delay", ("cart", "web"))


def test_equal_scores_are_ordered_by_name() -> None:
    assert [suspect.entity for suspect in fuse([ranking("a", web=1.0, cart=1.0)])] == ["cart", "web"]


@given(st.permutations([ranking("a", cart=2.0, web=1.0), ranking("b", web=3.0), ranking("c", cart=0.5)]))
def test_the_order_of_localisers_does_not_matter(localisations: list[Localisation]) -> None:
    assert fuse(localisations) == fuse(sorted(localisations, key=lambda each: each.method))


def test_no_localiser_means_no_suspect() -> None:
    assert fuse([]) == ()
