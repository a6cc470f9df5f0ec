"""What the pipeline is made of: each part is replaceable, and knows nothing of the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sre_copilot.alerts.correlation.correlator import Correlator
from sre_copilot.alerts.enrichment import Enricher
from sre_copilot.alerts.flapping import Flapping
from sre_copilot.alerts.inhibition import Inhibitor
from sre_copilot.alerts.maintenance import Maintenance
from sre_copilot.alerts.oncall.roster import Roster
from sre_copilot.alerts.routing.time_intervals import TimeIntervals
from sre_copilot.alerts.routing.tree import RouteTree
from sre_copilot.alerts.severity import Rating
from sre_copilot.alerts.silences import Silences


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long what waits and lasts, in seconds."""

    resolve_after: float = 30.0
    reopen_within: float = 3600.0
    remember: float = 24 * 3600.0


@dataclass(slots=True, kw_only=True)
class Parts:
    """All parts of one pipeline."""

    routes: RouteTree
    intervals: TimeIntervals
    inhibitor: Inhibitor
    silences: Silences
    maintenance: Maintenance
    enricher: Enricher
    flapping: Flapping
    rating: Rating
    correlator: Correlator
    roster: Callable[[float], Roster]
    """Who can be called at a time, and the policies of escalation."""
    times: Times
