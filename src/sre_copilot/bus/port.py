"""The bus as the rest of the product knows it: at least once, in order for each key, to each group of consumers once.

Raw telemetry never goes over it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from sre_copilot.domain.event import Event
from sre_copilot.errors import BusError

Handler = Callable[[Event], None]
"""Takes one event; what it raises lets the event come again, and after the last attempt go to the dead letters with the reason."""


class EventRefused(BusError):  # noqa: N818 - a kind of BusError, and it reads better so
    """An event that no broker will ever take as it is: its data do not fit its schema, or it is too large. `event_id` names it."""

    def __init__(self, event_id: str, problem: str) -> None:
        self.event_id = event_id
        super().__init__(f"event {event_id!r}: {problem}")


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies on a topic: where it lies, and its body (a CloudEvent in JSON, unless a stranger put something else there)."""

    offset: str
    body: bytes


class Bus(Protocol):
    """One transport."""

    def publish(self, *events: Event) -> None:
        """Return when the broker has all of them.

        Raises
        ------
        EventRefused : for an event that can never be sent; then none of them was
        BusError : when the broker does not take them in time; some of them may have arrived, and all may be sent again
        """
        ...

    def subscribe(self, group: str, handler: Handler, *, start: str = "new") -> None:
        """Give every event to one consumer of a group, those of one key in their order.

        `start` is where a group that is not known yet begins: `new`, `earliest`, or an offset that `read` told. A broker that
        cannot be reached is no error: the consumer begins when it can be.
        """
        ...

    def read(
        self, start: str = "earliest", *, follow: bool = False, dead_letters: bool = False
    ) -> Iterator[Stored]:
        """What lies on the topic from `start` on (an offset is included), for no group; up to now, or with `follow` for ever.

        Raises
        ------
        BusError : when the broker cannot be read
        """
        ...

    def close(self) -> None:
        """Finish what is being handled, and leave."""
        ...
