"""The bus of one process fulfils the contract of all transports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sre_copilot.bus.memory import MemoryBus, Topics
from sre_copilot.bus.port import Bus
from sre_copilot.domain.event import Event
from sre_copilot.settings.bus import BusSettings
from sre_copilot.testing.bus_contract import BusContract, closing


class Memory:
    """The ground of a test in memory."""

    holds_all = False

    def __init__(self) -> None:
        self.opened: list[Bus] = []
        self._topics: Topics | None = None

    def settings(self, **changed: Any) -> BusSettings:
        return BusSettings(**changed)

    def open(self, settings: BusSettings) -> Bus:
        self._topics = self._topics or Topics(settings)
        bus = MemoryBus(settings, topics=self._topics)
        self.opened.append(bus)
        return bus

    def dying(self, settings: BusSettings, group: str, event_id: str) -> Callable[[], bool]:
        bus = self.open(settings)
        died: list[str] = []

        def handle(event: Event) -> None:
            if event.id == event_id:
                died.append(event.id)
                raise SystemExit

        bus.subscribe(group, handle)
        return lambda: bool(died)

    def kill(self) -> None:
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError


@pytest.fixture
def ground() -> Iterator[Memory]:
    memory = Memory()
    with closing(memory.opened):
        yield memory


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)  # a consumer dies on purpose
class TestMemoryBus(BusContract):
    """Everything that the contract says."""
