"""What the bus does, counted: Prometheus metrics that are added to a registry."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter


class BusMetrics:
    """Events sent, handled and given up, by group."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        name = "sre_copilot_bus_"
        into = registry or CollectorRegistry()
        self.published = Counter(f"{name}published", "Events given to the broker", ["outcome"], registry=into)
        self.handled = Counter(
            f"{name}handled", "Events that a consumer was done with", ["group", "outcome"], registry=into
        )
        self.retries = Counter(f"{name}retries", "Attempts that failed", ["group"], registry=into)
