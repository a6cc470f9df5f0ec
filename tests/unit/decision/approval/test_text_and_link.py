"""Decisions written in chat, and signed links."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies

from sre_copilot.decision.approval.link import Link, checked, form_proof, signed
from sre_copilot.decision.approval.model import Refused, Rules
from sre_copilot.decision.approval.text import Command, parse
from sre_copilot.decision.approval.unanswered import Due, Step, due
from sre_copilot.testing.plans import NOW, a_plan

ID = "PLAN-20260206143022"
KEY = b"k" * 32
LINK = Link(plan_id=ID, fingerprint="f" * 64, group="payments", until=int(NOW) + 600)


@pytest.mark.parametrize(
    ("text", "verdict", "reason"),
    [
        (f"APPROVE {ID}", "approve", ""),
        (f"approve {ID}.", "approve", ""),
        (f"  <@U0123> `APPROVE {ID}` ", "approve", ""),
        (f"@copilot approve {ID.lower()}", "approve", ""),
        (f"批准 {ID}", "approve", ""),
        (f"REJECT {ID} the sale is on", "reject", "the sale is on"),
        (f"Reject {ID}: because\nof the sale", "reject", "because\nof the sale"),
        (f"拒绝{ID}，大促期间", "reject", "大促期间"),
    ],
)
def test_a_message_that_is_a_decision_is_read(text: str, verdict: str, reason: str) -> None:
    found = parse(text)
    assert found is not None
    assert (found.verdict, found.plan_id, found.reason) == (verdict, ID, reason)


@pytest.mark.parametrize(
    "text",
    [
        f"APPROVE {ID} but not yet",
        f"APPROVE {ID}\nREJECT {ID}",
        f"do not APPROVE {ID}",
        f"> APPROVE {ID}\nI would not",
        f"APPROVE {ID}9",
        f"disapprove {ID}",
        f"APPROVE {ID} PLAN-20260206143023",
        "APPROVE PLAN-2026",
        "approved",
        "",
    ],
)
def test_a_message_that_says_more_or_something_else_approves_nothing(text: str) -> None:
    found = parse(text)
    assert found is None or found.verdict != "approve"


def test_a_decision_without_a_plan_names_none() -> None:
    assert parse("REJECT") == Command(verdict="reject", plan_id="")


@given(strategies.text(max_size=200))
def test_no_text_breaks_the_reading(text: str) -> None:
    parse(text)
    parse(f"REJECT {ID} {text}")


def test_a_link_says_what_was_signed() -> None:
    assert checked(signed(LINK, KEY), KEY, plan_id=ID, fingerprint="f" * 64, now=NOW) == LINK


@pytest.mark.parametrize(
    ("key", "plan", "fingerprint", "now", "code"),
    [
        (b"x" * 32, ID, "f" * 64, NOW, "link"),
        (KEY, "PLAN-20260206143023", "f" * 64, NOW, "link"),
        (KEY, ID, "e" * 64, NOW, "link"),
        (KEY, ID, "f" * 64, NOW + 600, "expired"),
    ],
    ids=["another key", "another plan", "an altered plan", "too late"],
)
def test_a_link_for_something_else_is_refused(
    key: bytes, plan: str, fingerprint: str, now: float, code: str
) -> None:
    found = checked(signed(LINK, KEY), key, plan_id=plan, fingerprint=fingerprint, now=now)
    assert isinstance(found, Refused)
    assert found.code == code


@given(strategies.integers(0, 200), strategies.characters())
def test_a_changed_character_of_a_link_is_noticed(place: int, letter: str) -> None:
    text = signed(LINK, KEY)
    place %= len(text)
    changed = text[:place] + letter + text[place + 1 :]
    found = checked(changed, KEY, plan_id=ID, fingerprint="f" * 64, now=NOW)
    assert found == LINK if changed == text else isinstance(found, Refused)


def test_a_form_is_bound_to_its_session_its_plan_and_the_plan_as_it_was_shown() -> None:
    proofs = {
        form_proof(KEY, session=session, plan_id=plan, fingerprint=fingerprint)
        for session in ("a", "b")
        for plan in (ID, "PLAN-20260206143023")
        for fingerprint in ("e", "f")
    }
    assert len(proofs) == 8
    assert form_proof(KEY, session="ab", plan_id="c", fingerprint="") != form_proof(
        KEY, session="a", plan_id="bc", fingerprint=""
    )


def test_an_unanswered_request_goes_to_further_people_once_each_and_ends() -> None:
    plan = a_plan()
    steps = (Step(after_s=600, receivers=("lead",)), Step(after_s=1200, receivers=("head",)))
    rules = Rules()
    assert due(plan, told=0, steps=steps, rules=rules, now=NOW + 599) == Due()
    assert due(plan, told=0, steps=steps, rules=rules, now=NOW + 600) == Due(steps=(1,))
    assert due(plan, told=1, steps=steps, rules=rules, now=NOW + 700) == Due()
    assert due(plan, told=0, steps=steps, rules=rules, now=NOW + 1300) == Due(steps=(1, 2))
    assert due(plan, told=2, steps=steps, rules=rules, now=NOW + 3600) == Due(expired=True)
