"""What is learned is a draft until a person says otherwise, in words that claim nothing new, and its trust follows outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.knowledge.faults import closed

from sre_copilot.app.experience import learn, query_knowledge_base, update_knowledge
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.incident import Outcome
from sre_copilot.domain.knowledge import Recalled
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.drafting import Wording, reworded
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.knowledge.learning import edit, judged, keep, learn_from, review, waiting
from sre_copilot.knowledge.past import past_from_case
from sre_copilot.knowledge.trust import HALF_LIFE_S, Turned, failed_repeatedly, trust
from sre_copilot.llm.speaking import Question, Reply, Silent
from sre_copilot.store.database import Database, sqlite_url

NOW = 1_760_000_000.0


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Experience]:
    database = Database(sqlite_url(tmp_path))
    yield Experience(database, TurnedClock(NOW))
    database.close()


class Says:
    """A model that answers with given words."""

    available = True

    def __init__(self, **words: str) -> None:
        self.words = words

    def ledger(self) -> Any:
        return Silent().ledger()

    def ask(self, question: Question[Any], *, ledger: Any, call: Any = None) -> Reply[Any]:
        assert question.result is Wording
        return Reply(value=Wording(**self.words))


def test_a_closed_investigation_drafts_a_past_fault_and_a_card_that_wait_for_a_person(
    shelf: Experience,
) -> None:
    made = learn(shelf, closed("payment"))
    assert made is not None
    assert made.card is not None
    assert (made.past.service, made.past.fault_type, made.card.scope.services) == (
        "payment",
        "resource/cpu",
        ("payment",),
    )
    assert made.card.signature[0] == "culprit metric.saturation_cpu resource/cpu strong"
    found = waiting(shelf)
    assert ([each.id for each in found.cards], [each.id for each in found.past]) == (
        [made.card.id],
        [made.past.id],
    )
    assert shelf.known() == ()


def test_the_same_fault_again_drafts_no_second_card(shelf: Experience) -> None:
    made = learn(shelf, closed("payment"))
    assert made is not None
    assert made.card is not None
    review(shelf, made.card.id, "accept", by="ada")
    again = closed("payment")
    again = replace(
        again, diagnosis=replace(again.diagnosis, incident=replace(again.diagnosis.incident, id="other"))
    )
    second = learn(shelf, again)
    assert second is not None
    assert second.card is None


def test_what_a_person_corrects_is_what_is_learned(shelf: Experience) -> None:
    made = learn(shelf, closed("payment"), service="cart", fault_type="code/slow", lang="zh")
    assert made is not None
    assert made.card is not None
    assert made.past.summary == "cart：服务内部处理变慢"
    assert made.card.lang == "zh"


def test_nothing_is_learned_where_no_fault_was_named(shelf: Experience) -> None:
    calm = closed("payment")
    assert learn(shelf, replace(calm, diagnosis=replace(calm.diagnosis, outcome=Outcome.NO_FAULT))) is None


def test_what_was_decided_is_not_drafted_anew(shelf: Experience) -> None:
    made = learn(shelf, closed("payment"))
    assert made is not None
    assert made.card is not None
    review(shelf, made.past.id, "reject", by="ada")
    review(shelf, made.card.id, "reject", by="ada")
    keep(made, shelf)
    assert waiting(shelf).cards == waiting(shelf).past == ()


def test_a_model_may_change_words_and_nothing_else(shelf: Experience) -> None:
    made = learn(shelf, closed("payment"))
    assert made is not None
    assert made.card is not None
    texts = {name: getattr(made.card, name) for name in Wording.model_fields}
    better = reworded(made.card, Says(**{**texts, "root_cause": "The processor was busy."}))
    assert better.root_cause == "The processor was busy."
    for lie in ("See http://evil.example/x", "It took 47 minutes.", "Blame cart-db-7."):
        assert reworded(made.card, Says(**{**texts, "root_cause": lie})) == made.card
    assert reworded(made.card, Silent()) == made.card


def test_a_review_needs_a_name_and_an_edit_a_new_review(shelf: Experience) -> None:
    made = learn(shelf, closed("payment"))
    assert made is not None
    assert made.card is not None
    with pytest.raises(UsageError, match="by: a review needs the name"):
        review(shelf, made.card.id, "accept", by=" ")
    review(shelf, made.card.id, "accept", by="ada")
    assert shelf.card(made.card.id).trust == 0.75
    edit(shelf, replace(shelf.card(made.card.id), measure="Scale out."), by="bob")
    assert shelf.card(made.card.id).standing == "draft"
    with pytest.raises(UsageError, match="there is no past fault"):
        review(shelf, "nothing", "accept", by="ada")


def test_only_a_recall_that_claimed_to_be_it_is_held_against_a_sure_diagnosis(shelf: Experience) -> None:
    one = closed("payment")
    made = learn(shelf, one)
    assert made is not None
    assert made.card is not None
    base = Recalled(match=0.9, margin=0.9, confirmed=True, certain=True, entity="payment", card=made.card)
    assert judged((base,), one.diagnosis) == ((made.card.id, True),)
    assert judged((replace(base, entity="cart"),), one.diagnosis) == ((made.card.id, False),)
    assert judged((replace(base, match=0.6, entity="cart"),), one.diagnosis) == ()
    assert judged((base,), replace(one.diagnosis, probability=0.6)) == ()
    (card,) = learn_from(shelf, (replace(base, entity="cart"),), one.diagnosis)
    assert card.trust < 0.5


def test_trust_is_even_at_first_moves_with_outcomes_and_fades_with_time() -> None:
    right, wrong = Turned(at=NOW, success=True), Turned(at=NOW, success=False)
    assert trust((), now=NOW) == 0.5
    assert trust((right,), now=NOW) == pytest.approx(2 / 3)
    assert trust((wrong,) * 3, now=NOW) == pytest.approx(1 / 5)
    assert trust((right,), now=NOW + HALF_LIFE_S) == pytest.approx(1.5 / 2.5)
    assert trust((wrong,) * 9, now=NOW + 40 * HALF_LIFE_S) == pytest.approx(0.5)
    assert failed_repeatedly((wrong,) * 3, now=NOW)
    assert not failed_repeatedly((wrong,) * 2, now=NOW)
    assert not failed_repeatedly((*(wrong,) * 3, *(right,) * 6), now=NOW)


async def _taken(shelf: Experience) -> str:
    case = {"type": "连接池耗尽", "service": "orders", "solution": "重启", "effectiveness_score": 0.8}
    return (await update_knowledge(shelf, case, by="ada")).id


def test_a_case_that_somebody_tells_is_taken_and_found_by_its_words(shelf: Experience) -> None:
    import asyncio

    key = asyncio.run(_taken(shelf))
    assert query_knowledge_base(shelf, "resource/pool") == ()
    review(shelf, key, "accept", by="ada")
    (found,) = query_knowledge_base(shelf, "resource/pool")
    assert (found.service, found.solution, found.effectiveness) == ("orders", "重启", 0.8)
    with pytest.raises(UsageError, match="service"):
        past_from_case({"type": "resource/cpu"})
    with pytest.raises(UsageError, match="effectiveness_score"):
        past_from_case({"type": "resource/cpu", "service": "a", "effectiveness_score": 7})
    assert (
        past_from_case({"service": "a", "description": "a: disk full since noon"}).fault_type
        == "resource/disk"
    )
