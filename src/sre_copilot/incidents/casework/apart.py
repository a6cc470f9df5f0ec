"""Several incidents at once: what causes one of them is within its reach; the fault of another is not its cause, however large.

An investigation looks at everything and names the strongest fault. While several incidents go on that may be the fault of another one. Then the incident is
looked into once more with what its own service calls and who calls it alone, and when that cannot be done nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import replace
from typing import Any

import polars as pl

from sre_copilot.agents.answer import Listener
from sre_copilot.agents.tool import Investigated
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.incident import Incident, Observation, Outcome
from sre_copilot.domain.signals import Telemetry
from sre_copilot.domain.topology import Topology
from sre_copilot.incidents.casework.looking import Look
from sre_copilot.telemetry import log

TABLES = ("metrics", "logs", "traces", "transactions")
_log = log(__name__)


def apart(look: Look, narrowed: Look, *, several: Callable[[], bool]) -> Look:
    """Look at everything first; where another incident goes on and the cause is out of reach, look again at what is within it.

    Parameters
    ----------
    narrowed : looks with `within_reach` alone
    several : whether more than one incident goes on
    """

    def looked(incident: Incident, listen: Listener) -> Investigated:
        found = look(incident, listen)
        if unmeasured(found):
            return unsure(
                found, Message(key="casework.unmeasured", params=(("entity", incident.complaint.entity),))
            )
        if concerns(found) or not several():
            return found
        culprit = found.diagnosis.culprit
        cause, at = culprit.entity if culprit else "", incident.complaint.entity
        _log.info("the cause found is that of another incident", cause=cause, at=at)
        if at not in found.observation.topology.entities:
            return unsure(found)
        again = narrowed(incident, listen)
        return again if concerns(again) else unsure(again)

    return looked


def unmeasured(found: Investigated) -> bool:
    """Whether nothing was recorded of the service that the incident is about, and nobody knows whom it calls: then neither health nor somebody else's fault says anything of it."""
    current, entity = found.observation.current, found.diagnosis.incident.complaint.entity
    if not entity or entity in found.observation.topology.entities or current.state:
        return False
    tables = (getattr(current, name) for name in TABLES)
    return not any(table is not None and (table["service"] == entity).any() for table in tables)


def concerns(found: Investigated) -> bool:
    """Whether what was found can be the cause of the incident: it is at its service, is called by it, or calls it; where nothing is known of that it may."""
    culprit, topology = found.diagnosis.culprit, found.observation.topology
    entity = found.diagnosis.incident.complaint.entity
    if culprit is None or not entity or culprit.entity == entity:
        return True
    known = culprit.entity in topology.entities
    return not known or culprit.entity in reach(topology, entity)


def reach(topology: Topology, entity: str) -> Set[str]:
    """A service with all that it calls and all who call it, directly or not."""
    return topology.downstream(entity).keys() | topology.upstream(entity).keys()


def within_reach(observation: Observation) -> Observation:
    """What was observed of the service of the complaint, of what it calls and of who calls it."""
    near = reach(observation.topology, observation.incident.complaint.entity)
    edges = (each for each in observation.topology.edges if set(each) <= near)
    reference = observation.reference
    return replace(
        observation,
        current=_of(observation.current, near),
        reference=_of(reference, near) if reference is not None else None,
        topology=Topology.of(edges),
    )


def unsure(found: Investigated, *reasons: Message) -> Investigated:
    """The same with nothing concluded, and why."""
    said: Any = found
    diagnosis = replace(
        found.diagnosis,
        outcome=Outcome.INCONCLUSIVE,
        probability=0.0,
        suspects=(),
        reasons=(*reasons, *found.diagnosis.reasons),
    )
    return replace(said, diagnosis=diagnosis)  # type: ignore[no-any-return]


def _of(telemetry: Telemetry, near: Set[str]) -> Telemetry:
    tables: dict[str, Any] = {name: _rows(getattr(telemetry, name), near) for name in TABLES}
    alerts, changes = telemetry.alerts, telemetry.changes
    return replace(
        telemetry,
        **tables,
        alerts=tuple(each for each in alerts if each.entity in near) if alerts is not None else None,
        changes=tuple(each for each in changes if each.service in near) if changes is not None else None,
    )


def _rows(table: pl.DataFrame | None, near: Set[str]) -> pl.DataFrame | None:
    return table.filter(pl.col("service").is_in(sorted(near))) if table is not None else None
