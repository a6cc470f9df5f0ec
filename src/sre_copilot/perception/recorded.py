"""A recorded case as a source, so that anything runs offline on the same code; `truth.json` is never opened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from sre_copilot.domain.incident import Observation
from sre_copilot.domain.series import SeriesBlock
from sre_copilot.domain.signals import Telemetry, Window
from sre_copilot.domain.topology import Topology
from sre_copilot.errors import SreCopilotError
from sre_copilot.perception.blocks import block_of
from sre_copilot.perception.case_format.reading import read_case
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.source import Asked, Health, Reading, SourceSettings
from sre_copilot.perception.windows import within


class RecordedSettings(SourceSettings):
    """A folder as `docs/reference/case-format.md` describes it."""

    folder: Path
    """The folder of the case."""


class RecordedSource:
    """Reads the folder of one case.

    The observation depends on the content of the files alone: not on the order of rows, columns or JSON lists, nor on
    where the folder lies.
    """

    Settings = RecordedSettings
    modalities = ("metrics", "logs", "traces", "transactions", "state", "alerts", "changes", "topology")

    def __init__(self, folder: str | Path | RecordedSettings) -> None:
        self.settings = (
            folder if isinstance(folder, RecordedSettings) else RecordedSettings(folder=Path(folder))
        )
        self.folder = self.settings.folder
        self._masker = Masker(self.settings)

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.settings.name or "recorded"

    def observe(self) -> Observation:
        """Read everything that the case holds.

        Raises
        ------
        BadCaseError : when it cannot be read; names file, row and field, and the way out
        """
        observation, _ = read_case(self.folder)
        return self._without_masked(observation)

    def read(self, window: Window) -> Reading:
        """Return what was recorded in the window; state and topology, which have no times, whole."""
        seen = self.observe()
        asked = Asked(
            source=self.name, text=f"all tables of {self.folder.name}", target=self.folder.name, window=window
        )
        return Reading(
            telemetry=within(seen.current, window), topology=seen.topology, gaps=seen.gaps, asked=(asked,)
        )

    def series(self, window: Window, *, step_seconds: int) -> SeriesBlock:
        """Return the metrics of the window on a grid."""
        metrics = within(Telemetry(metrics=self.observe().current.metrics), window).metrics
        return block_of(metrics if metrics is not None else pl.DataFrame(), window, step_seconds=step_seconds)

    def health(self) -> Health:
        """Say whether the case can be read."""
        try:
            self.observe()
        except SreCopilotError as error:
            return Health(
                source=self.name, ok=False, problem=str(error), remedy="check folder, and mend what is named"
            )
        return Health(source=self.name, ok=True, permissions=("+read case",))

    def close(self) -> None:
        """Nothing to close."""

    def _without_masked(self, seen: Observation) -> Observation:
        if not self._masker.names:
            return seen
        mask, name = self._masker.telemetry, self._masker.name
        return replace(
            seen,
            current=mask(seen.current),
            reference=None if seen.reference is None else mask(seen.reference),
            topology=Topology.of((name(caller), name(callee)) for caller, callee in seen.topology.edges),
        )
