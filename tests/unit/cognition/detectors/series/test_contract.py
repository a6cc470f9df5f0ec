"""Every registered detector of series keeps the contract; those of an extra do so where it is installed (integration)."""

from __future__ import annotations

import importlib.util

import pytest

from sre_copilot.cognition.detectors.series.detector import SeriesDetector
from sre_copilot.plugins import load_one, registered
from sre_copilot.testing.series_detector_contract import SeriesDetectorContract

GROUP = "sre_copilot.series_detectors"
EXTRAS = {"prophet": ("prophet",), "lstm": ("keras", "jax")}


def marked(name: str) -> object:
    missing = [module for module in EXTRAS.get(name, ()) if importlib.util.find_spec(module) is None]
    marks = [pytest.mark.integration] if name in EXTRAS else []
    if missing:
        marks.append(pytest.mark.skip(reason=f"{', '.join(missing)} not installed: sre-copilot[{name}]"))
    return pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", [marked(plugin.name) for plugin in registered(GROUP)], scope="class")
class TestRegisteredDetectors(SeriesDetectorContract):
    @pytest.fixture(autouse=True)
    def chosen(self, name: str) -> None:
        self.name = name

    def detector(self) -> SeriesDetector:
        detector: SeriesDetector = load_one(GROUP, self.name)()
        return detector
