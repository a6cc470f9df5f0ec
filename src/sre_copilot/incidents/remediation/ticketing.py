"""The tickets of plans, wired: hands of their own, with their own admission, and none of the limits and places of repairs."""

from __future__ import annotations

from collections.abc import Callable

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.action.hands import Hands
from sre_copilot.action.limits import Locks
from sre_copilot.action.order import Audit
from sre_copilot.clock import Clock
from sre_copilot.incidents.remediation.ports import Plans
from sre_copilot.incidents.remediation.ticket_admission import TicketAdmission
from sre_copilot.incidents.remediation.tickets import Tickets
from sre_copilot.incidents.report.model import Language
from sre_copilot.settings.acting.actions import ActionLimits
from sre_copilot.store.effects import Effects
from sre_copilot.store.leadership import elapsed as elapsed_here
from sre_copilot.store.leases import Leases
from sre_copilot.store.remediation import Remediations

LIMITS = ActionLimits(at_once=8, per_target_per_hour=1000, per_hour=10_000, cooldown_seconds=0)
"""One ticket a plan and two things told to it: plans are limited themselves."""


def make_tickets(
    catalogue: Catalogue,
    effects: Effects,
    leases: Leases,
    plans: Plans,
    rows: Remediations,
    *,
    audit: Audit,
    clock: Clock,
    worker: str,
    language: Language = "en",
    address: str = "",
    stops: bool = True,
    elapsed: Callable[[], float] = elapsed_here,
) -> Tickets:
    """What opens the tickets of plans and tells them; `address` is that of the server, as people reach it; `stops`: the kill switch stops begun plans."""
    hands = Hands(
        catalogue,
        effects,
        Locks(leases, LIMITS, worker=worker, elapsed=elapsed, places="ticketing"),
        admission=TicketAdmission(plans, rows, language=language, address=address, stops=stops),
        audit=audit,
        clock=clock,
        limits=LIMITS,
    )
    return Tickets(hands=hands, plans=plans, rows=rows, clock=clock)
