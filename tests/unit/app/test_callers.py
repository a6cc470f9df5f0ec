"""Whoever asks is one person, however they came."""

from __future__ import annotations

import pytest

from sre_copilot.app.callers import at_the_command_line, person_in
from sre_copilot.store.alerting.audit import actor
from sre_copilot.store.tokens import Token


@pytest.mark.parametrize(
    "who",
    [
        "ann",
        at_the_command_line("ann"),
        actor(
            Token(id="0a1b2c3d", name="ann", role="approver", created_at=0.0, revoked_at=None, used_at=None)
        ),
        "ann by slack",
    ],
)
def test_the_person_is_told_from_the_way_they_came(who: str) -> None:
    assert person_in(who) == "ann"


def test_a_name_is_left_as_it_is() -> None:
    assert person_in("workflow stand-by") == "workflow stand-by"
    assert person_in("by slack") == "by slack"
