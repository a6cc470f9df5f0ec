"""What is known about where an alert fires: its service, owner, dependants, and changes before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.alerts.severity import declared
from sre_copilot.alerts.state import AlertState
from sre_copilot.alerts.words import words
from sre_copilot.domain.topology import Topology
from sre_copilot.settings.alerting.correlation import Correlation

Changes = Callable[[str, float, float], Sequence[str]]
"""Ids of the changes of a service between two times (epoch seconds)."""

SERVICE = (
    "service",
    "service_name",
    "service.name",
    "app",
    "app_kubernetes_io_name",
    "component",
    "deployment",
    "job",
)
ENVIRONMENT = ("environment", "env", "deployment_environment", "cluster", "namespace")
HOST = ("host", "hostname", "node", "instance", "ip")
OWNER = ("owner", "team", "squad")
TEXT = ("summary", "title", "description", "message")
"""Labels that say each of it, in the order in which they are asked, as the common exporters and systems write them."""
MOST_CHANGES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What systems tell of services: who calls whom, their other names, who owns them, and how vital they are (1 to 4)."""

    topology: Topology = field(default_factory=Topology)
    aliases: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    tiers: Mapping[str, int] = field(default_factory=dict)


class Enricher:
    """Makes `AlertState.context` from topology, aliases, owners, tiers and changes.

    `changes` tells of the changes of a service; None: changes are not known, and none are claimed. What is configured counts before what systems tell.
    """

    def __init__(
        self,
        topology: Topology,
        aliases: Mapping[str, str] | None = None,
        owners: Mapping[str, str] | None = None,
        changes: Changes | None = None,
        *,
        tiers: Mapping[str, int] | None = None,
        default_tier: int = 3,
        change_seconds: float = 3600.0,
    ) -> None:
        self._configured = Surroundings(aliases=aliases or {}, owners=owners or {}, tiers=tiers or {})
        self._changes = changes
        self._default_tier = default_tier
        self._change_seconds = change_seconds
        self.renew(Surroundings(topology=topology))

    @classmethod
    def of(
        cls, settings: Correlation, around: Topology | Surroundings, changes: Changes | None = None
    ) -> Enricher:
        """As the configuration says, in what is known of the services."""
        known = around if isinstance(around, Surroundings) else Surroundings(topology=around)
        made = cls(
            known.topology,
            settings.aliases,
            settings.owners,
            changes,
            tiers=settings.tiers,
            default_tier=settings.default_tier,
            change_seconds=settings.change_minutes * 60,
        )
        made.renew(known)
        return made

    @property
    def topology(self) -> Topology:
        """Who calls whom."""
        return self._topology

    def renew(self, known: Surroundings) -> None:
        """Use what is newly known of services from now on."""
        chosen = self._configured
        self._topology = known.topology
        self._aliases = {**known.aliases, **chosen.aliases}
        self._owners = {**known.owners, **chosen.owners}
        self._tiers = {**known.tiers, **chosen.tiers}
        self._entities = frozenset(known.topology.entities)
        self._upstream: dict[str, int] = {}

    def context(self, alert: AlertState, *, now: float) -> dict[str, Any]:
        """Return what is known: `service`, `environment`, `host`, `owner`, `tier`, `upstream`, `changes`, `text`, `declared`; a part that is not known is left out."""
        labels = alert.labels
        service = self._service(labels)
        found: dict[str, Any] = {
            "service": service,
            "environment": _first(labels, ENVIRONMENT),
            "host": _first(labels, HOST).rpartition("@")[2],
            "owner": _first(labels, OWNER) or self._owners.get(service, ""),
            "changes": self._changes_of(service, alert.starts_at, now),
            "text": self._text(alert),
        }
        found = {name: value for name, value in found.items() if value}
        found["tier"] = self._tiers.get(service, self._default_tier)
        found["declared"] = declared(labels, alert.annotations) is not None or alert.severity != "warning"
        if service in self._entities:
            found["upstream"] = self._dependants(service)
        return found

    def _service(self, labels: Mapping[str, str]) -> str:
        """The first label that names a service of the topology, else the first of them that there is."""
        named = [labels[name] for name in SERVICE if labels.get(name)]
        aliased = [self._aliases.get(each, each) for each in named]
        return next((each for each in aliased if each in self._entities), aliased[0] if aliased else "")

    def _dependants(self, service: str) -> int:
        count = self._upstream.get(service)
        if count is None:
            count = self._upstream[service] = len(self._topology.upstream(service)) - 1
        return count

    def _changes_of(self, service: str, starts_at: float, now: float) -> list[str]:
        if self._changes is None or not service:
            return []
        return list(self._changes(service, starts_at - self._change_seconds, now))[:MOST_CHANGES]

    def _text(self, alert: AlertState) -> list[str]:
        said = " ".join(alert.annotations[name] for name in TEXT if name in alert.annotations)
        return list(words(f"{alert.name} {said}"))


def _first(labels: Mapping[str, str], names: Sequence[str]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")
