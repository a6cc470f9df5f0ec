"""The bus as the rest of the product knows it: at least once, in order for each key, to each group of consumers once.

Raw telemetry never goes over it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sre_copilot.domain.event import Event

Handler = Callable[[Event], None]
"""Takes one event; what it raises lets the event come again, and after the last attempt go to the dead letters with the reason."""


class Bus(Protocol):
    """One transport."""

    def publish(self, event: Event) -> None:
        """Return when the broker has it; raises `BusError` when it does not take it."""
        ...

    def subscribe(self, group: str, handler: Handler, *, start: str = "new") -> None:
        """Give every event to one consumer of a group, those of one key in their order.

        `start` is where a group that is not known yet begins: `new`, `earliest`, or an offset that `offsets` told.
        """
        ...

    def close(self) -> None:
        """Finish what is being handled, and leave."""
        ...
