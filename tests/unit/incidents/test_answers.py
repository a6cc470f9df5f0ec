"""An answer in its three forms: nothing that came from outside steers who reads it."""

from __future__ import annotations

import json

import pytest

from sre_copilot.agents.answer import Answer, Claim, Understood
from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.knowledge import Card, Passage, Recalled, Retrieved
from sre_copilot.incidents.answers import markdown, terminal
from sre_copilot.incidents.answers.document import document
from sre_copilot.llm.speaking import Usage

HOSTILE = "\x1b[31mred\x1b]0;owned\x07 \u202eback ![pixel](http://evil.example/a.png?s=1) [log in](https://evil.example) <img src=x>"
CHECK = Check(query=Query(source="logs", measure="rows"), aggregate="count", relation=">=", bound=3.0)


def answer(**changed: object) -> Answer:
    finding = Finding(kind="log.errors", entity=HOSTILE, modality="logs", weight=1.0, checks=(CHECK,))
    passage = Passage(
        id="P1",
        document_id="D1",
        kind="document",
        title=f"runbook {HOSTILE}",
        text=HOSTILE,
        headings=("Disk",),
        page=7,
    )
    card = Card(
        id="K1", title="disk full", root_cause=HOSTILE, manifestation="", measure="clean it", fault_type=""
    )
    found: dict[str, object] = {
        "kind": "diagnosis",
        "lang": "en",
        "headline": "The fault is in cart.",
        "understood": Understood(text=HOSTILE, lang="en", intent="diagnose"),
        "claims": (Claim(text=HOSTILE, finding_ids=(finding.id,)), Claim(text="The fault is in cart.", finding_ids=(finding.id,))),
        "findings": (finding,),
        "observed": {finding.id: (5.0,)},
        "quotes": (Retrieved(passage=passage, score=0.8),),
        "recalled": (Recalled(match=0.9, margin=0.2, confirmed=True, certain=False, card=card),),
        "usage": Usage(calls=2, input_tokens=900, output_tokens=100, seconds=1.5, cost=0.002),
        "partial": "the budget of calls is used up",
        "body": HOSTILE,
    }  # fmt: skip
    return Answer(**{**found, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["json", "md", "table"])
def test_control_codes_direction_marks_links_and_pictures_are_gone(form: str) -> None:
    told = document(answer())
    forms = {
        "json": json.dumps(told, ensure_ascii=False),
        "md": markdown.render(told, evidence=True, asked=True),
        "table": terminal.render(told, evidence=True, asked=True),
    }
    text = forms[form]
    assert "red" in text
    for harmful in ("\x1b", "\x07", "\u202e", "http://", "https://", "](", "<img"):
        assert harmful not in text


def test_documents_are_quoted_with_page_and_known_faults_with_what_helped() -> None:
    text = terminal.render(document(answer()))
    assert "Disk · page 7" in text
    assert "match 90 %" in text
    assert "measure then: clean it" in text


def test_what_was_spent_and_what_cut_it_short_is_said() -> None:
    text = terminal.render(document(answer()))
    assert "Incomplete: the budget of calls is used up." in text
    assert "2 calls, 1000 tokens" in text.replace(",000", "000")


def test_the_evidence_says_what_each_check_evaluated_to() -> None:
    told = document(answer())
    assert told["findings"][0]["checks"][0]["observed"] == 5.0
    assert "at least 3" in terminal.render(told, evidence=True)
    assert "at least 3" not in terminal.render(told)


def test_a_claim_that_the_headline_says_already_is_not_said_twice() -> None:
    text = terminal.render(document(answer()))
    assert text.count("The fault is in cart.") == 1


def test_a_script_keeps_its_signs_and_nothing_in_it_closes_its_fence() -> None:
    script = "cat <file | grep 'http://host/x'\n```\n# after"
    text = markdown.render(document(answer(kind="code", body=script)))
    assert "\n````\n" + script + "\n````\n" in text
