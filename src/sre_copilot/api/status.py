"""How the watch is doing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sre_copilot import __version__
from sre_copilot.api.guard import Routes, ServiceHere
from sre_copilot.clock import rfc3339
from sre_copilot.incidents.watch.status import SourceStatus

routes = Routes(tag="status")


def down(sources: Sequence[SourceStatus]) -> list[str]:
    """The sources that cannot be read; one that has not been asked yet is none of them."""
    return [
        f"the source {each.name} cannot be read: {each.problem}"
        for each in sources
        if each.problem and not each.ok
    ]


@routes.get("/status", role="viewer")
def status(service: ServiceHere) -> dict[str, Any]:
    """State of the watch, of learning and of each source."""
    found = service.watch.status()
    document = asdict(found)
    for key in ("started_at", "last_tick_at"):
        document[key] = rfc3339(document[key])
    for key in ("started_at", "finished_at"):
        document["learning"][key] = rfc3339(document["learning"][key])
    for source in document["sources"]:
        for key in ("asked_at", "answered_at"):
            source[key] = rfc3339(source[key])
    now = service.clock.now()
    lag = None if found.last_tick_at is None else max(0.0, now - found.last_tick_at)
    problems = [*service.unready(), *down(found.sources)]
    state = "starting" if found.last_tick_at is None else ("degraded" if problems else "running")
    return {
        "version": __version__,
        "status": state,
        "problems": problems,
        "now": rfc3339(now),
        "lag_seconds": lag,
        **document,
    }
