"""The invented shop as a live source: an hour of it, with one fault, that can be read window by window.

    source = LiveShop("cpu", culprit="billing", seed=7)
    source.read(Window(ONSET - 900, ONSET + 120))      # as from a system that is watched
    now = ONSET + 120                                  # let a `TurnedClock` begin here

It answers any window of what was simulated, from `START` to `END`; what is later was not recorded yet when the clock stood at its end. Making one
takes about a second.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from sre_copilot.domain.signals import Change, Modality, Telemetry, Window
from sre_copilot.domain.topology import Topology
from sre_copilot.errors import SourceUnreachable
from sre_copilot.perception.source import Asked, Health, Reading, SourceSettings
from sre_copilot.perception.windows import within
from sre_copilot.testing.cases import ONSET, Fault
from sre_copilot.testing.shop import CALLS, Traffic, simulate, tables

START, END = (
    ONSET - 2760,
    ONSET + 420,
)  # epoch seconds: a window before the onset, and a calm time before that


@dataclass
class LiveShop:
    """Reads the shop; `down` makes it unreachable, `asked` counts its reads."""

    fault: Fault = "none"
    culprit: str = "order"
    seed: int = 0
    requests_per_second: float = 0.6
    name: str = "shop"
    down: bool = False
    asked: int = 0
    telemetry: Telemetry = field(init=False)

    Settings: ClassVar[type[SourceSettings]] = SourceSettings
    modalities: ClassVar[tuple[Modality, ...]] = (
        "metrics",
        "logs",
        "traces",
        "transactions",
        "topology",
        "changes",
    )

    def __post_init__(self) -> None:
        traffic = Traffic(
            start=START,
            end=END,
            rate=self.requests_per_second,
            fault=self.fault,
            culprit=self.culprit,
            onset=ONSET,
        )
        found = tables(traffic, simulate(traffic, seed=self.seed), seed=self.seed)
        self.telemetry = Telemetry(**found, changes=self._changes())  # type: ignore[arg-type]

    def read(self, window: Window) -> Reading:
        """What was recorded in a window."""
        self.asked += 1
        if self.down:
            raise SourceUnreachable(
                self.name, "no connection to an invented shop", remedy="set down to False"
            )
        edges = ((caller, callee) for caller, callees in CALLS.items() for callee in callees)
        asked = Asked(source=self.name, text="all of an invented shop", window=window)
        return Reading(telemetry=within(self.telemetry, window), topology=Topology.of(edges), asked=(asked,))

    def health(self) -> Health:
        """It is as well as it is told to be."""
        problem = "it is told to be down" if self.down else ""
        return Health(source=self.name, ok=not self.down, version="1", problem=problem)

    def close(self) -> None:
        """Nothing to close."""

    def _changes(self) -> tuple[Change, ...]:
        """A harmless change, and a release just before a fault of the code."""
        harmless = Change(ONSET - 480, "prices", "config", "raise the cache's size")
        if self.fault not in ("missing_step", "exception"):
            return (harmless,)
        detail = {"from": "1.4.0", "to": "1.4.1"}
        return (harmless, Change(ONSET - 10, self.culprit, "deploy", "release 1.4.1", detail))
