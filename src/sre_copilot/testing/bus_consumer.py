"""A consumer of the bus as a process of its own, to be killed: `python -m sre_copilot.testing.bus_consumer SETTINGS GROUP START WHAT EVENT`.

It writes the id of each event that it handles to standard output. On the event `EVENT` it does `WHAT`: `die` ends it at once, as a power cut does; `stick` handles
it without end; `go` is nothing of the kind.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from sre_copilot.bus.opening import open_bus
from sre_copilot.domain.event import Event
from sre_copilot.settings.bus import BusSettings


def main(settings: str, group: str, start: str, what: str, trigger: str) -> None:
    """Consume until killed."""
    bus = open_bus(BusSettings.model_validate_json(settings))

    def handle(event: Event) -> None:
        sys.stdout.write(f"{event.id}\n")
        sys.stdout.flush()
        if event.id == trigger and what == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if event.id == trigger and what == "stick":
            threading.Event().wait()

    bus.subscribe(group, handle, start=start)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
