"""Who votes with the authority of another."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.app.approving.world import (
    ManualClock,
    decide,
    last_entry,
    refused,
)

from sre_copilot.app.approving import Approving
from sre_copilot.app.approving_made import make_delegating
from sre_copilot.app.delegating import NotYours
from sre_copilot.app.serving import Service
from sre_copilot.decision.approval.model import Scope
from sre_copilot.errors import UsageError
from sre_copilot.testing.plans import NOW, a_plan


def test_who_is_away_lets_another_vote_and_ends_it_at_once(
    door: Approving, service: Service, clock: ManualClock
) -> None:
    delegating = make_delegating(service)
    service.tokens.create("ann", role="approver", now=NOW)
    ann = door.people.now()["ann"]
    given: Any = {
        "who": "ann",
        "giver": "",
        "scope": Scope(),
        "starts_at": NOW,
        "ends_at": NOW + 900,
        "reason": "away",
    }
    made = delegating.add(by=ann, taker="carl", **given)
    plan = door.plans.propose(a_plan())
    found = decide(door, service, plan, name="carl", role="viewer")
    assert (found.status, found.vote.on_behalf_of) == ("approved", "ann")
    assert delegating.revoke(made["id"], by=ann, who="ann")
    assert refused(door.admission(plan.id, step_id="s1")) == "authority"
    assert delegating.living() == ()
    with pytest.raises(NotYours):
        delegating.add(by=door.people.now()["carl"], taker="bob", **{**given, "giver": "ann"})
    with pytest.raises(UsageError, match="taker: 'nobody' is nobody"):
        delegating.add(by=ann, taker="nobody", **given)
    with pytest.raises(UsageError, match="ends_at"):
        delegating.add(by=ann, taker="bob", **{**given, "ends_at": NOW - 1})
    assert last_entry(service)["outcome"] == "refused"
