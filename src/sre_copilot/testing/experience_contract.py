"""What experience does on every engine: a test derives from `ExperienceContract` and brings the fixture `database`."""

# ruff: noqa: S101 (a suite of tests, shipped)

from __future__ import annotations

from dataclasses import replace

import pytest

from sre_copilot.clock import TurnedClock
from sre_copilot.domain.evidence import Check, Query
from sre_copilot.domain.knowledge import Card, PastFault, Scope
from sre_copilot.domain.signals import Window
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.knowledge.labels import Labels
from sre_copilot.knowledge.learning import edit, review
from sre_copilot.knowledge.probes import Probe
from sre_copilot.knowledge.proposals import Proposals
from sre_copilot.store.database import Database

NOW = 1_760_000_000.0
CARD = Card(
    id="disk-full",
    title="磁盘写满",
    root_cause="Logs fill the disk.",
    manifestation="Writes fail.",
    measure="Delete rotated logs.",
    owner="platform",
    scope=Scope(services=("shipping",), severity="critical", labels=(("env", "production"),)),
    fault_type="resource/disk",
    signature=("culprit metric.saturation_disk resource/disk strong",),
)
PROBE = Probe(
    sign="culprit metric.saturation_disk resource/disk strong",
    weight=6.0,
    checks=(
        Check(
            query=Query(
                source="metrics", measure="value", where=(("service", "{culprit}"),), window=Window(0.0, 60.0)
            ),
            aggregate="median",
            relation=">=",
            bound=0.9,
        ),
    ),
)
PAST = PastFault(
    id="past-1",
    at=NOW - 100,
    service="shipping",
    fault_type="resource/disk",
    summary="shipping: disk full",
    measure="Deleted logs.",
    effectiveness=0.9,
    signature=CARD.signature,
    duration_s=600.0,
)


class ExperienceContract:
    """Derive a test class from it."""

    @pytest.fixture
    def shelf(self, database: Database) -> Experience:
        """An empty shelf."""
        return Experience(database, TurnedClock(NOW))

    def test_a_card_comes_back_as_it_was_with_its_checks(self, shelf: Experience) -> None:
        """Texts of any language, scope and stored checks."""
        shelf.save(CARD, by="ada", probes=(PROBE,))
        review(shelf, CARD.id, "accept", by="ada")
        kept = shelf.card(CARD.id)
        assert replace(kept, standing="draft", trust=0.5, revision=1) == CARD
        assert [(each.id, each.probes) for each in shelf.known()] == [(CARD.id, (PROBE,))]

    def test_every_change_is_a_revision_that_can_be_brought_back(self, shelf: Experience) -> None:
        """With who changed it, and why."""
        shelf.save(CARD, by="ada")
        review(shelf, CARD.id, "accept", by="ada")
        changed = edit(shelf, replace(shelf.card(CARD.id), measure="Enlarge it."), by="bob", note="better")
        assert (changed.revision, changed.standing) == (3, "draft")
        found = [(row["revision"], row["by"], row["card"].measure) for row in shelf.revisions(CARD.id)]
        assert found[0] == (3, "bob", "Enlarge it.")
        assert found[-1] == (1, "ada", CARD.measure)
        back = shelf.restore(CARD.id, 1, by="eve")
        assert (back.measure, back.revision, back.standing) == (CARD.measure, 4, "draft")
        with pytest.raises(UsageError, match="revision"):
            shelf.restore(CARD.id, 9, by="eve")

    def test_past_faults_are_found_by_service_and_type(self, shelf: Experience) -> None:
        """And only accepted ones are recalled."""
        shelf.save_past(PAST, by="ada", probes=(PROBE,))
        assert shelf.past_faults(service="shipping", fault_type="resource/disk") == (PAST,)
        assert shelf.past_faults(service="cart") == ()
        assert shelf.known() == ()
        review(shelf, PAST.id, "accept", by="ada")
        assert [each.past.effectiveness for each in shelf.known() if each.past] == [0.9]

    def test_a_label_is_one_word_of_one_person_on_one_thing(self, shelf: Experience) -> None:
        """Who changes their mind has one label still."""
        labels = Labels(shelf.database, shelf.clock)
        said = {"investigation_id": "i", "target": "finding", "target_id": "F-1", "role": "responder"}
        labels.add(by="ada", right=False, correction={"fault_type": "resource/cpu"}, **said)  # type: ignore[arg-type]
        labels.add(by="ada", right=True, holds=True, **said)  # type: ignore[arg-type]
        labels.add(by="bob", right=False, score=0.8, **said)  # type: ignore[arg-type]
        assert {(each.by, each.right, each.holds) for each in labels.all(investigation_id="i")} == {
            ("ada", True, True),
            ("bob", False, None),
        }

    def test_an_accepted_proposal_on_a_card_is_its_next_revision(self, shelf: Experience) -> None:
        """And it cannot be decided twice."""
        shelf.save(CARD, by="ada")
        labels, proposals = Labels(shelf.database, shelf.clock), Proposals(shelf.database, shelf.clock)
        for by in ("ada", "bob"):
            labels.add(
                by=by,
                role="responder",
                investigation_id="i",
                target="card",
                target_id=CARD.id,
                right=False,
                subject=CARD.id,
                correction={"measure": "Enlarge the volume."},
            )
        (made,) = proposals.make(labels.all(), threshold=0.7)
        assert shelf.card(CARD.id).measure == CARD.measure
        proposals.decide(made.id, accept=True, by="eve", shelf=shelf)
        assert shelf.card(CARD.id).measure == "Enlarge the volume."
        with pytest.raises(UsageError, match="was accepted by eve"):
            proposals.decide(made.id, accept=False, by="ada", shelf=shelf)
        assert proposals.make(labels.all(), threshold=0.7) == ()

    def test_trust_follows_outcomes_until_a_card_that_fails_is_retired(self, shelf: Experience) -> None:
        """Retired is not recalled."""
        shelf.save(CARD, by="ada")
        review(shelf, CARD.id, "accept", by="ada")
        trusts = []
        for number in range(5):
            card = shelf.turned(CARD.id, success=False, weight=1.0, by="core", investigation_id=str(number))
            trusts.append(card.trust if card else 1.0)
        assert trusts == sorted(trusts, reverse=True)
        assert shelf.card(CARD.id).standing == "retired"
        assert shelf.known() == ()
