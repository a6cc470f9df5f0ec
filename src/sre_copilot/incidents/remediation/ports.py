"""What remediation asks of others; the composition root gives it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection

from sre_copilot.action.order import Direction
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.notification import Notification
from sre_copilot.domain.plan import Plan, PlanStatus, SignalCheck


class Signals(Protocol):
    """Reads live telemetry."""

    def measure(self, check: SignalCheck, since: float, until: float) -> float | None:
        """The left side of a check over a time; None when it cannot be told."""
        ...


class Kept(Protocol):
    """A plan and how it stands."""

    @property
    def plan(self) -> Plan:
        """The plan as it was proposed."""
        ...

    @property
    def status(self) -> PlanStatus:
        """How it stands."""
        ...

    @property
    def fingerprint(self) -> str:
        """What was approved."""
        ...


class Plans(Protocol):
    """Where plans are kept."""

    def get(self, plan_id: str) -> Kept | None:
        """A plan by its id."""
        ...

    def all_of(self, statuses: Collection[str]) -> tuple[Mapping[str, Any], ...]:
        """Rows of all plans of some statuses, the earliest first."""
        ...

    def set_status(
        self,
        plan_id: str,
        status: PlanStatus,
        *,
        expected: PlanStatus | Collection[PlanStatus],
        who: str,
        at: float,
        reason: str = "",
        connection: Connection | None = None,
    ) -> bool:
        """Change how a plan stands, if it stands as expected, as the last of the caller's transaction."""
        ...


Again = Callable[[Plan, Mapping[str, Any]], str]
"""Diagnoses an incident again after a plan did not help, and proposes a further plan; its id, or '' where there is none. Called at least once for each plan that failed."""

HandOver = Callable[[Mapping[str, Any]], None]
"""Hands all that is known to people, the plan by its id. Called at least once for each plan that people must take over."""

Standing = Callable[[str, str, Direction], Message | None]
"""Why a step of a plan may not be done (or undone) now: approval, authority, freeze, policy; None when it may."""

Agree = Callable[[str], bool]
"""Approves a plan that needs nobody, where that is allowed now; whether it was. Asked again and again: it audits each reason once."""

Alone = Callable[[str], bool]
"""Whether a plan was approved without a person."""

AskForStep = Callable[[Plan, str], Sequence[Notification]]
"""What people are told when a plan waits for their go-ahead of a step."""

Alive = Callable[[], frozenset[str]]
"""Names of the workers that live."""
