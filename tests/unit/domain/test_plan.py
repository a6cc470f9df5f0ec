"""What a plan is recognised by."""

from __future__ import annotations

import json
from dataclasses import replace

from sre_copilot.domain.plan import Option
from sre_copilot.store.plans import plan_of, text_of
from sre_copilot.testing.plans import a_plan, a_step

BEFORE = "bedac8e3278ad5eb239b9e1f74b6f5745a19512939cd3dc532e9a7c2d5b0ba2d"
"""Fingerprint of `a_plan()` when steps did not name their service."""


def test_a_plan_that_was_kept_before_steps_named_their_service_is_the_same_plan() -> None:
    title, steps = a_plan().title, (a_step(), a_step(2))
    option = Option(strategy="restart", title=title, score=0.5, success=None, reason=title, steps=steps)
    plan = a_plan(*steps, options=(option,))
    document = json.loads(text_of(plan))
    for step in (*document["steps"], *document["options"][0]["steps"]):
        del step["service"]
    assert plan_of(json.dumps(document)) == plan
    assert a_plan().fingerprint == BEFORE


def test_the_service_of_a_step_is_part_of_what_is_approved() -> None:
    assert a_plan(replace(a_step(), service="cart")).fingerprint != a_plan().fingerprint
