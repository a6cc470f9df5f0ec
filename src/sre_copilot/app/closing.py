"""What the watch does with an incident: investigate it, reflect, and keep what it teaches as a draft for a person to review."""

from __future__ import annotations

from collections.abc import Callable

from sre_copilot.app import investigate
from sre_copilot.clock import Clock
from sre_copilot.domain.incident import Observation, Outcome
from sre_copilot.errors import SreCopilotError
from sre_copilot.incidents.investigation import Investigation, Methods
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.knowledge.learning import learn_from
from sre_copilot.store.database import Database
from sre_copilot.telemetry import log

Investigates = Callable[[Observation, Methods], Investigation]
_log = log(__name__)


def investigating(database: Database, clock: Clock) -> Investigates:
    """Return what investigates; a fault that was named becomes a draft, and no failure of that harms the answer."""

    def investigated(observation: Observation, methods: Methods) -> Investigation:
        found = investigate(observation, methods=methods)
        taught(found, database, clock)
        return found

    return investigated


def taught(found: Investigation, database: Database, clock: Clock) -> None:
    """Keep what an investigation teaches, where it named a fault."""
    if found.diagnosis.outcome is Outcome.FAULT:
        _learn(found, Experience(database, clock))


def _learn(found: Investigation, shelf: Experience) -> None:
    """Let the trust of experience that fitted follow what was found, and keep the fault as a draft."""
    from sre_copilot.app.experience import Memory, learn  # noqa: PLC0415 - a second of imports, at the first fault and not at the start

    try:
        if shelf.known():
            recalled = Memory(shelf).recall(found.considered, observation=found.observation)
            learn_from(shelf, recalled, found.diagnosis)
        learn(shelf, found)
    except SreCopilotError as error:
        _log.warning("what an investigation teaches was not kept", problem=str(error))
