"""What a team may look at: telemetry of a recorded case or of live sources, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sre_copilot.domain.cmdb import Inventory
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Modality, Window
from sre_copilot.perception.source import Asked

ALL: tuple[Modality, ...] = (
    "metrics",
    "logs",
    "traces",
    "transactions",
    "state",
    "alerts",
    "changes",
    "topology",
)


class Scene(Protocol):
    """Reads telemetry; a recorded case and a live estate look alike. Safe to be used by several threads.

    Reading the same window twice asks the sources once. What could not be read is a gap of the observation.
    """

    @property
    def name(self) -> str:
        """What is looked at: the id of a case, or `live`."""
        ...

    def now(self) -> float:
        """Epoch seconds UTC: the clock, or the end of the recording."""
        ...

    def bounds(self) -> Window:
        """From when to when anything can be read."""
        ...

    def incident_observation(self) -> Observation | None:
        """The incident that the scene is about, with its reference; None where there is none (a live scene without a question)."""
        ...

    def observe(
        self, window: Window, *, modalities: Sequence[Modality] = ALL, complaint: str = "", entity: str = ""
    ) -> Observation:
        """Read a window, with a calm one before it as the reference where there is one."""
        ...

    def inventory(self) -> Inventory:
        """Entities and how they are linked; empty where nothing says so."""
        ...

    def services(self) -> tuple[str, ...]:
        """Names of all services that are known, sorted."""
        ...

    def asked(self) -> tuple[Asked, ...]:
        """Every query that was sent so far."""
        ...
