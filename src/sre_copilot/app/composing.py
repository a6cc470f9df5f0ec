"""Plug-ins in, a working investigation out; an argument replaces any part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sre_copilot.agents.functions.root_cause import decided
from sre_copilot.agents.hypotheses.reflection import reflect
from sre_copilot.app.core import RegisteredCore
from sre_copilot.app.methods import registered_methods
from sre_copilot.app.sentences import register_sentences
from sre_copilot.cognition.rca.calibration import SHIPPED, Calibration
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Modality
from sre_copilot.errors import SettingsError
from sre_copilot.incidents.investigation import Investigation, Methods, Progress, without
from sre_copilot.incidents.investigation import investigate as investigate_with
from sre_copilot.perception.registry import open_sources
from sre_copilot.perception.source import Source
from sre_copilot.plugins import load
from sre_copilot.settings.document import Settings


def investigate(
    observation: Observation,
    *,
    methods: Methods | None = None,
    calibration: Calibration = SHIPPED,
    ablate: Iterable[Modality] = (),
    progress: Progress = lambda stage: None,
    reflecting: bool = True,
) -> Investigation:
    """Investigate what was observed; `ablate` pretends that some modalities were not recorded.

    `reflecting` lets a second pass try to refute the conclusion; without it the bare core answers.
    """
    core = RegisteredCore(lambda: methods or registered_methods(), calibration)
    found = investigate_with(
        without(observation, ablate), core.methods(), calibration=calibration, progress=progress
    )
    if not reflecting:
        return found
    progress("reflect")
    reflected = reflect(found, core)
    return replace(reflected.investigated, diagnosis=decided(reflected))


def investigate_case(folder: Path, *, progress: Progress = lambda stage: None) -> Investigation:
    """Read a recorded case and investigate it; what plug-ins found can be said afterwards."""
    register_sentences()
    progress("collect")
    recorded = load("sre_copilot.sources")["recorded"]
    return investigate(recorded(folder).observe(), progress=progress)


FINE_STEP_S = (
    15  # of metrics that are investigated: four samples a minute, so that a fault of some minutes has enough
)


def open_for_investigation(settings: Settings) -> tuple[Source, ...]:
    """All configured sources, those of metrics at a finer step than the watch needs."""
    return open_configured(
        settings.model_copy(update={"sources": [_finer(entry) for entry in settings.sources]})
    )


def _finer(entry: Mapping[str, Any]) -> dict[str, Any]:
    kind = load("sre_copilot.sources").get(str(entry.get("type")))
    stepped = (
        kind is not None and "step_seconds" in kind.Settings.model_fields and "metrics" in kind.modalities
    )
    return {**entry, "step_seconds": FINE_STEP_S} if stepped and "step_seconds" not in entry else dict(entry)


def open_configured(settings: Settings) -> tuple[Source, ...]:
    """All configured sources.

    Raises
    ------
    SettingsError : when none is configured, or one cannot be made
    """
    if not settings.sources:
        raise SettingsError(
            "sources: none is configured. Write at least prometheus: {url: http://HOST:9090} into the configuration"
            " (the page “The first hour with a Prometheus of your own”; `sre-copilot check-config --help`)."
        )
    return open_sources(settings.sources)
