"""How plans and the kill switch stand, as metrics; read from the store at each scrape, so that every process tells the same."""

from __future__ import annotations

from sre_copilot.action.switch import standing
from sre_copilot.app.approving import Approving
from sre_copilot.app.serving import Service
from sre_copilot.store.plans import STATUSES


def tell_acting(service: Service, approving: Approving) -> None:
    """Set the gauges of plans, approvals and the kill switch."""
    own, counts = service.own, approving.plans.counts()
    for status in STATUSES:
        own.plans.labels(status).set(counts.get(status, 0))
    own.approvals_pending.set(len(approving.pending()))
    with service.database.begin() as connection:
        now = standing(connection)
    own.kill_switch.labels("thrown").set(now.thrown)
    own.kill_switch.labels("held").set(now.held)
