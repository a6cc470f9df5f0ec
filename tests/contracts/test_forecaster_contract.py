"""Every registered forecaster keeps to the contract."""

from __future__ import annotations

import pytest

from sre_copilot import plugins
from sre_copilot.cognition.forecast.forecaster import Forecaster
from sre_copilot.testing.forecaster_contract import ForecasterContract

FORECASTERS = plugins.load("sre_copilot.forecasters")


@pytest.mark.parametrize("name", sorted(FORECASTERS), scope="class")
class TestForecasters(ForecasterContract):
    @pytest.fixture(autouse=True)
    def _chosen(self, name: str) -> None:
        self.name = name

    def forecaster(self) -> Forecaster:
        return FORECASTERS[self.name]
