"""Nothing is printed whose findings do not hold when they are looked up again."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import sre_copilot
from sre_copilot.agents.answer import Claim, Understood
from sre_copilot.agents.grounding import Draft, Grounds, claims_of, ground, sound_culprit
from sre_copilot.app.core import RegisteredCore
from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Diagnosis, Incident, Observation, Outcome, Suspect
from sre_copilot.testing.cases import build_case

ABOUT = Understood(text="why", lang="en", intent="diagnose")
OBSERVATION = build_case("exception", culprit="vault", seed=2).observation()
INVESTIGATED = RegisteredCore()(OBSERVATION)


class Nowhere:
    """A scene that is not asked: every finding comes with its observation."""

    def incident_observation(self) -> Observation | None:
        return OBSERVATION


def grounds() -> Grounds:
    found = Grounds(Nowhere())  # type: ignore[arg-type]
    found.add(INVESTIGATED.diagnosis.findings, OBSERVATION)
    return found


def false_finding() -> Finding:
    query = Query(source="metrics", measure="value", where=(("service", "basket"),))
    return Finding(
        kind="metric.saturation_cpu",
        entity="basket",
        modality="metrics",
        weight=9.0,
        checks=(Check(query=query, aggregate="mean", relation=">", bound=1e12),),
    )


def draft(*claims: Claim, headline: Claim | None = None, diagnosis: Diagnosis | None = None) -> Draft:
    return Draft(
        kind="diagnosis",
        lang="en",
        understood=ABOUT,
        headline=headline or Claim(text="What was found:", finding_ids=()),
        fallback="The evidence does not suffice.",
        claims=claims,
        diagnosis=diagnosis,
    )


def test_a_claim_with_true_findings_is_printed() -> None:
    finding = INVESTIGATED.diagnosis.findings[0]
    answer = ground(draft(*claims_of([finding], ["it is so"])), grounds())
    assert [claim.text for claim in answer.claims] == ["it is so"]
    assert answer.findings == (finding,)


def test_a_claim_whose_check_does_not_hold_is_left_out_and_shown_as_struck() -> None:
    looked_up = grounds()
    looked_up.add([false_finding()], OBSERVATION)
    answer = ground(draft(*claims_of([false_finding()], ["basket burns"])), looked_up)
    assert answer.claims == ()
    assert [each.finding for each in answer.struck] == [false_finding()]


def test_a_claim_without_findings_is_never_printed() -> None:
    answer = ground(draft(Claim(text="trust me", finding_ids=())), grounds())
    assert answer.claims == ()


def test_a_claim_that_cites_an_unknown_finding_is_never_printed() -> None:
    answer = ground(draft(Claim(text="trust me", finding_ids=("F-00000000",))), grounds())
    assert answer.claims == ()


def test_a_headline_that_does_not_hold_makes_the_answer_inconclusive() -> None:
    looked_up = grounds()
    looked_up.add([false_finding()], OBSERVATION)
    headline = Claim(text="The fault is in basket.", finding_ids=(false_finding().id,))
    answer = ground(draft(headline=headline, diagnosis=INVESTIGATED.diagnosis), looked_up)
    assert answer.headline == "The evidence does not suffice."
    assert answer.diagnosis is not None
    assert answer.diagnosis.outcome is Outcome.INCONCLUSIVE


def change_finding(entity: str, *, read: bool) -> Finding:
    where = (("service", entity), *((("contains", "v2"),) if read else ()))
    query = Query(source="changes", measure="rows", where=where)
    return Finding(
        kind="change.before_onset",
        entity=entity,
        modality="changes",
        weight=1.0,
        checks=(Check(query=query, aggregate="count", relation=">=", bound=1.0),),
    )


def blaming(finding: Finding) -> Diagnosis:
    return Diagnosis(
        incident=Incident(id="i"),
        outcome=Outcome.FAULT,
        probability=0.9,
        suspects=(Suspect(entity="vault", score=3.0, finding_ids=(finding.id,)),),
        findings=(finding,),
    )


def test_a_change_is_blamed_only_when_its_content_was_read_and_it_touches_the_culprit() -> None:
    good = blaming(change_finding("vault", read=True))
    assert sound_culprit(good) == good
    assert sound_culprit(blaming(change_finding("vault", read=False))).outcome is Outcome.INCONCLUSIVE
    assert sound_culprit(blaming(change_finding("basket", read=True))).outcome is Outcome.INCONCLUSIVE


def test_other_support_stays_when_a_change_may_not_be_blamed() -> None:
    change, other = change_finding("basket", read=True), INVESTIGATED.diagnosis.findings[0]
    diagnosis = replace(
        blaming(change),
        suspects=(Suspect(entity="vault", score=3.0, finding_ids=(change.id, other.id)),),
        findings=(change, other),
    )
    assert sound_culprit(diagnosis).suspects[0].finding_ids == (other.id,)


def test_nothing_but_grounding_makes_an_answer() -> None:
    root = Path(sre_copilot.__file__).parent
    sources = {path: path.read_text(encoding="utf-8") for path in root.rglob("*.py")}
    makers = {
        path.relative_to(root).as_posix()
        for path, source in sources.items()
        if "sre_copilot.agents.answer" in source
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Answer"
    }
    assert makers == {"agents/grounding.py"}
