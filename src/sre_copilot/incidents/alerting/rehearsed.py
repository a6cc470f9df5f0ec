"""What a rehearsal of rules found, as data."""

from __future__ import annotations

from typing import Any

from sre_copilot.alerts.rehearsal import Difference, Rehearsed


def noticed(found: Difference) -> bool:
    """Whether people would notice a difference."""
    return found.before.told != found.after.told or bool(found.other_receivers)


def document(found: Difference) -> dict[str, Any]:
    """The difference, for programs."""
    return {
        "noticed": noticed(found),
        "before": _rehearsed(found.before),
        "after": _rehearsed(found.after),
        "other_receivers": {
            key: {"before": list(old), "after": list(new)}
            for key, (old, new) in found.other_receivers.items()
        },
        "other_incidents": {
            key: {"before": old, "after": new} for key, (old, new) in found.other_incidents.items()
        },
    }


def _rehearsed(found: Rehearsed) -> dict[str, Any]:
    return {
        "alerts": found.alerts,
        "incidents": found.incidents,
        "woken": found.woken,
        "messages": found.notifications,
        "by_receiver": dict(found.told),
        "by_state": dict(found.states),
    }
