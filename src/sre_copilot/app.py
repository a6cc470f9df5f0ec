"""The composition root: plug-ins in, a working investigation out; an argument replaces any part."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from sre_copilot.cognition.rca.calibration import SHIPPED, Calibration
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Modality
from sre_copilot.incidents.investigation import Investigation, Methods, Progress, without
from sre_copilot.incidents.investigation import investigate as investigate_with
from sre_copilot.perception.recorded import RecordedSource
from sre_copilot.plugins import load


@cache
def registered_methods() -> Methods:
    """All registered detectors and localisers."""
    return Methods(detectors=load("sre_copilot.detectors"), localisers=load("sre_copilot.localisers"))


def investigate(
    observation: Observation,
    *,
    methods: Methods | None = None,
    calibration: Calibration = SHIPPED,
    ablate: Iterable[Modality] = (),
    progress: Progress = lambda stage: None,
) -> Investigation:
    """Investigate what was observed; `ablate` pretends that some modalities were not recorded."""
    return investigate_with(
        without(observation, ablate),
        methods or registered_methods(),
        calibration=calibration,
        progress=progress,
    )


def investigate_case(folder: Path, *, progress: Progress = lambda stage: None) -> Investigation:
    """Read a recorded case and investigate it."""
    progress("collect")
    return investigate(RecordedSource(folder).observe(), progress=progress)
