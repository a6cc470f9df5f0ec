"""What several sources hold becomes one observation."""

from __future__ import annotations

from sre_copilot.domain.signals import Change, Telemetry
from sre_copilot.perception.collection import merged


def test_a_change_that_two_sources_tell_stands_once() -> None:
    change = Change(1.0, "orders", "deploy", "release 1.2", {"from": "1.1"})
    other = Change(2.0, "orders", "deploy", "release 1.3")
    both = merged([Telemetry(changes=(change, other)), Telemetry(changes=(change,)), Telemetry()])
    assert both.changes == (change, other)
    assert merged([Telemetry()]).changes is None
