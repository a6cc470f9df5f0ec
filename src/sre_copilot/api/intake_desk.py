"""The ways in: each with its reader, its limits and what it has taken lately."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fastapi import Request

from sre_copilot.alerts.intake.reader import IntakeConfig, Limits, TooMany, Unreadable
from sre_copilot.alerts.intake.readers import READERS
from sre_copilot.api.guard import service_of
from sre_copilot.api.intake_limits import Bucket, slow_down
from sre_copilot.api.intake_trust import Known
from sre_copilot.api.problems import Problem
from sre_copilot.domain.alert import AlertEvent, Batch
from sre_copilot.settings.alerting.intake import Entry, Intake
from sre_copilot.telemetry import log

ALIASES = {"prometheus": "alertmanager"}
"""What other products call a provider in their addresses."""
_log = log(__name__)


class Accepts(Protocol):
    """What stands behind the ways in."""

    async def accept(self, events: Sequence[AlertEvent], *, source: str) -> None:
        """Keep alerts; return when they cannot be lost any more."""
        ...


@dataclass(slots=True)
class Way:
    """One way in."""

    name: str
    entry: Entry
    config: IntakeConfig
    requests: Bucket
    alerts: Bucket

    def admit_request(self) -> None:
        """Let one more request in, unless there were too many."""
        if wait := self.requests.take(1, now=time.monotonic()):
            raise slow_down(self.name, "requests", wait)

    def admit_alerts(self, count: int) -> None:
        """Let so many alerts in, unless there were too many."""
        if wait := self.alerts.take(count, now=time.monotonic()):
            raise slow_down(self.name, "alerts", wait)

    def read(self, body: Any, *, received_at: float) -> Batch:
        """Read a payload of this way.

        Raises
        ------
        Problem : 413 for too many alerts, 400 when it is no such payload
        """
        try:
            return READERS[self.entry.provider](body, intake=self.config, received_at=received_at)
        except TooMany as error:
            raise Problem(413, str(error), field=error.field) from None
        except Unreadable as error:
            raise Problem(400, f"{error} (a payload of {self.entry.provider})", field=error.field) from None


class Ways:
    """All ways in; those of providers without an entry of their own are made when they are first asked for."""

    def __init__(self, settings: Intake) -> None:
        self.settings = settings
        self.known = Known()
        self._ways: dict[str, Way] = {}

    def way(self, name: str) -> Way:
        """The way in of a name.

        Raises
        ------
        Problem : 404 when there is none, or it is not open
        """
        found = self._ways.get(name)
        if found is None:
            entry = self.settings.entry(name)
            if entry is None or not entry.enabled:
                raise Problem(404, f"name: no way in is called '{name[:64]}'; add it at alerting.intake.entries", field="name")  # fmt: skip
            found = self._ways[name] = self._made(name, entry)
        return found

    def of_provider(self, name: str) -> Way:
        """The way in that another product's address means: of this name, or of the provider."""
        return self.way(name if name in self.settings.entries else ALIASES.get(name, name))

    def all_of(self, provider: str) -> tuple[Way, ...]:
        """The open ways in of a provider, the configured ones first."""
        names = [name for name, entry in self.settings.entries.items() if entry.provider == provider and entry.enabled]  # fmt: skip
        built_in = [provider] if provider not in self.settings.entries else []
        return tuple(map(self.way, [*names, *built_in]))

    def _made(self, name: str, entry: Entry) -> Way:
        config = IntakeConfig(
            name=name,
            provider=entry.provider,
            labels=dict(entry.labels),
            fields=entry.fields,
            resolve_after_s=self.settings.resolve_after_seconds,
            limits=Limits(items=self.settings.largest_batch),
        )
        rate = entry.rate
        return Way(
            name,
            entry,
            config,
            Bucket(rate=rate.requests_per_second, burst=rate.requests_burst),
            Bucket(rate=rate.alerts_per_second, burst=max(rate.alerts_burst, self.settings.largest_batch)),
        )


def ways_of(request: Request) -> Ways:
    """The ways in of the application; made at the first request where the application was put together without them."""
    state = request.app.state
    if not hasattr(state, "ways"):
        state.ways = Ways(service_of(request).settings.alerting.intake)
    ways: Ways = state.ways
    return ways


def behind(request: Request) -> Accepts:
    """What keeps alerts.

    Raises
    ------
    Problem : 503 while there is none
    """
    found: Accepts | None = getattr(request.app.state, "alerting", None)
    if found is None:
        raise Problem(503, "alerts are not taken now; send them again", headers={"Retry-After": "5"})
    return found


async def keep(request: Request, way: Way, batch: Batch) -> None:
    """Keep what a batch holds; return when it is durable."""
    way.admit_alerts(len(batch.events))
    if batch.rejected:
        first = batch.rejected[0]
        _log.warning(
            "alerts could not be read", way=way.name, count=len(batch.rejected), index=first.index, field=first.field, problem=first.problem,
        )  # fmt: skip
    if batch.events:
        await behind(request).accept(batch.events, source=way.name)
