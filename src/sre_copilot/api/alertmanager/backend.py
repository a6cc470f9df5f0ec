"""What the API of Alertmanager needs of whoever decides about alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fastapi import Request

from sre_copilot.alerts.state import GroupState, SilenceState
from sre_copilot.api.alertmanager.views import Seen
from sre_copilot.api.problems import Problem
from sre_copilot.domain.alert import AlertEvent


class AlertBackend(Protocol):
    """Keeps alerts, groups and silences; the application has it as `app.state.alerting`.

    What cannot be done is a `sre_copilot.alerts.pipeline.refusal.Refused` with status, field and problem.
    """

    async def accept(self, events: Sequence[AlertEvent], *, source: str) -> None:
        """Keep alerts; return when they cannot be lost any more."""
        ...

    async def alerts(self) -> Sequence[Seen]:
        """Every alert that is remembered, the resolved ones too."""
        ...

    async def groups(self) -> Sequence[GroupState]:
        """Every aggregation group, with the fingerprints of its alerts."""
        ...

    async def silences(self) -> Sequence[SilenceState]:
        """Every silence, those that are over too."""
        ...

    async def silence_put(self, silence: SilenceState, *, by: str) -> str:
        """Add a silence (its id is ''), or change the one of its id; return the id of the one that is now there."""
        ...

    async def silence_expire(self, key: str, *, by: str) -> None:
        """End a silence."""
        ...

    async def receivers(self) -> Sequence[str]:
        """Names of the receivers of the routing tree."""
        ...

    async def configuration(self) -> str:
        """Routing as an Alertmanager configuration in YAML, without any secret."""
        ...

    @property
    def started_at(self) -> float:
        """When it began."""
        ...


def backend_of(request: Request) -> AlertBackend:
    """What stands behind the API.

    Raises
    ------
    Problem : 503 while nothing does
    """
    found: AlertBackend | None = getattr(request.app.state, "alerting", None)
    if found is None:
        raise Problem(503, "alerts are not handled now; ask again", headers={"Retry-After": "5"})
    return found
