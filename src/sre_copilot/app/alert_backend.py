"""What the API of Alertmanager and the ways in stand before: the inbox, the records and the commands, without waiting in the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple, TypeVar

import yaml

from sre_copilot.alerts.pipeline.refusal import Refused
from sre_copilot.alerts.state import GroupState, SilenceState
from sre_copilot.app.alerting import Alerting
from sre_copilot.domain.alert import AlertEvent, Status

State = TypeVar("State")
RESOLVED_S = 900.0  # so long resolved alerts are told: Alertmanager forgets them after about as long


class Sight(NamedTuple):
    """What the API of Alertmanager shows of an alert; the fields are those of its record."""

    fingerprint: str
    status: Status
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: float
    ends_at: float | None
    updated_at: float
    silenced_by: list[str]
    inhibited_by: list[str]
    maintained_by: list[str]
    routes: list[str]
    generator_url: str
    anomaly_id: str

    @property
    def muted(self) -> bool:
        """Whether it is kept from people by a silence, an inhibition or a maintenance window."""
        return bool(self.silenced_by or self.inhibited_by or self.maintained_by)


class StoredAlerts:
    """Alerting of a process, as others speak to it."""

    def __init__(self, alerting: Alerting) -> None:
        self._alerting = alerting
        self._started_at = alerting.clock.now()

    @property
    def started_at(self) -> float:
        """When it began."""
        return self._started_at

    async def accept(self, events: Sequence[AlertEvent], *, source: str) -> None:
        """Keep alerts; return when they cannot be lost any more."""
        if events:
            await asyncio.wrap_future(self._alerting.tell(events, source=source))

    async def alerts(self) -> Sequence[Sight]:
        """Every alert that fires, and those that ended lately."""
        return await asyncio.to_thread(self._seen, self._alerting.clock.now() - RESOLVED_S)

    def _seen(self, since: float) -> list[Sight]:
        return [Sight._make(each) for each in self._alerting.records.known(Sight._fields, since=since)]

    async def groups(self) -> Sequence[GroupState]:
        """Every aggregation group, with the fingerprints of its alerts."""
        return await asyncio.to_thread(_made, GroupState, self._alerting.records.groups)

    async def silences(self) -> Sequence[SilenceState]:
        """Every silence, those that are over too."""
        return await asyncio.to_thread(_made, SilenceState, self._alerting.records.silences)

    async def silence_put(self, silence: SilenceState, *, by: str) -> str:
        """Add a silence (its id is ''), or change the one of its id; return the id of the one that is now there."""
        given = asdict(silence)
        del given["updated_at"], given["revision"]
        return str((await self._do("silence.put", given, by))["id"])

    async def silence_expire(self, key: str, *, by: str) -> None:
        """End a silence."""
        await self._do("silence.expire", {"id": key}, by)

    async def receivers(self) -> Sequence[str]:
        """Names of the receivers of the routing tree."""
        return self._alerting.routing.receivers

    async def configuration(self) -> str:
        """Routing as an Alertmanager configuration in YAML, without any secret."""
        routing = self._alerting.settings.alerting.routing
        shown = routing.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        shown["receivers"] = [{"name": name} for name in self._alerting.routing.receivers]
        return yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)

    async def _do(self, verb: str, arguments: Mapping[str, Any], by: str) -> Mapping[str, Any]:
        outcome = await asyncio.to_thread(self._alerting.commands.do, verb, arguments, who=by)
        if not outcome.ok:
            raise Refused(outcome.status, outcome.field, outcome.problem)
        return outcome.result


def _made(
    kind: Callable[..., State], read: Callable[..., Sequence[Mapping[str, Any]]], *given: Any
) -> list[State]:
    """Read rows and make states of them: thousands of them take too long for an event loop."""
    return [kind(**row) for row in read(*given)]
