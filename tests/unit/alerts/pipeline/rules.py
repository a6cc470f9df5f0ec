"""What tests of the pipeline share: a critical alert's labels, and rules by which people are called."""

from __future__ import annotations

from sre_copilot.testing.alerting import Rehearsing

CRITICAL = {"service": "checkout", "severity": "critical"}
ON_CALL = {
    "persons": {"ann": {"email": "ann@example.org"}, "ben": {"email": "ben@example.org"}},
    "policies": {
        "urgent": {
            "rounds": 1,
            "steps": [
                {"after_seconds": 0, "call": [{"person": "ann"}]},
                {"after_seconds": 600, "call": [{"person": "ben"}]},
            ],
        }
    },
}


def escalating() -> Rehearsing:
    route = {"receiver": "team", "group_by": ["service"], "escalation": "urgent"}
    return Rehearsing(people=ON_CALL, routing={"route": route})
