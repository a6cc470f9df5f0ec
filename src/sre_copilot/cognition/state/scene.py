"""What every analyser looks at, and how it states what it saw."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

import polars as pl

from sre_copilot.cognition.state.cluster import Cluster
from sre_copilot.cognition.state.dependencies import dependencies, environment
from sre_copilot.cognition.state.documents import Document
from sre_copilot.cognition.state.model import Container, Evidence, Pod, Service
from sre_copilot.cognition.state.text import Event, fold
from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Alert, Modality

DECISIVE = 7.0  # nats: the cluster itself states the cause; odds of 1000 to 1 against coincidence
LIKELY = 5.0  # one alternative remains that the recording cannot exclude
SUGGESTIVE = 2.5  # a symptom that usually has this cause
SYMPTOM = 1.2  # the workload is unwell, the cause is not seen


class Scene:
    """The recorded cluster, logs, alerts and metrics of one incident."""

    def __init__(self, observation: Observation) -> None:
        current = observation.current
        self.cluster = Cluster(current.state or {}, observation.incident.namespace)
        self.logs: pl.DataFrame | None = current.logs
        self.metrics: pl.DataFrame | None = current.metrics
        self.alerts: tuple[Alert, ...] = current.alerts or ()
        self._matches: dict[str, list[tuple[str, str]]] = {}

    @cached_property
    def routes(self) -> dict[str, frozenset[str]]:
        """Which workloads stand behind each service, by its selector; a service without selector has none."""
        return {name: self.backends(service) for name, service in self.cluster.services.items()}

    def backends(self, service: Service) -> frozenset[str]:
        """Workloads whose pods a service selects."""
        wanted = service.selector.items()
        if not wanted:
            return frozenset()
        return frozenset(
            each.name for each in self.cluster.workloads.values() if wanted <= each.labels.items()
        )

    @cached_property
    def depends(self) -> dict[str, frozenset[str]]:
        """Services that each workload names in its environment."""
        return dependencies(self.cluster)

    @cached_property
    def calls(self) -> dict[str, frozenset[str]]:
        """Workloads that each workload calls, through the services that it names; a service without pods stands for its namesake."""
        found = {}
        for caller, services in self.depends.items():
            callees: set[str] = set()
            for service in services:
                callees |= self.routes.get(service) or ({service} & set(self.cluster.workloads))
            found[caller] = frozenset(callees - {caller})
        return found

    @cached_property
    def callers(self) -> dict[str, frozenset[str]]:
        """Workloads that call each workload."""
        found: dict[str, set[str]] = {}
        for caller, callees in self.calls.items():
            for callee in callees:
                found.setdefault(callee, set()).add(caller)
        return {callee: frozenset(callers) for callee, callers in found.items()}

    @cached_property
    def addresses(self) -> dict[str, str]:
        """Workload or service by each address that is its own."""
        found = {pod.ip: pod.workload for pod in self.cluster.pods if pod.ip and pod.workload}
        for service in self.cluster.services.values():
            found |= dict.fromkeys(service.addresses, service.name)
        return found

    @cached_property
    def sick_nodes(self) -> frozenset[str]:
        """Nodes that are not ready: what is recorded of their pods is stale."""
        return frozenset(node.name for node in self.cluster.nodes.values() if node.ready != "True")

    @cached_property
    def troubled(self) -> frozenset[str]:
        """Workloads that lack pods, or have one that is not ready or restarted while it was recorded."""
        short = {each.name for each in self.cluster.workloads.values() if each.available < each.desired}
        return frozenset(short | {pod.workload for pod in self.cluster.pods if self.unwell(pod)})

    def unwell(self, pod: Pod) -> bool:
        """The pod is not ready, or restarted at least twice (one restart is common while a system starts)."""
        return bool(pod.workload) and (
            not pod.ready or pod.restarts >= 2 or pod.phase in {"Pending", "Failed"}
        )

    @cached_property
    def unwell_pods(self) -> tuple[Pod, ...]:
        """Unwell pods on nodes that are ready, of workloads that were described."""
        return tuple(pod for pod in self.cluster.pods if self.unwell(pod) and pod.node not in self.sick_nodes)

    def environment(self, workload: str) -> tuple[tuple[str, str, Evidence], ...]:
        """Variables of a workload: name, value and where each stands."""
        return environment(self.cluster, workload)

    def containers(self, workload: str) -> tuple[Container, ...]:
        """Containers of the newest recorded pod of a workload, else of its template."""
        pods = self.cluster.pods_of(workload)
        known = self.cluster.workloads.get(workload)
        return pods[0].containers if pods else known.containers if known else ()

    def log_lines(self, workload: str, pattern: str) -> list[str]:
        """Messages of a workload that match a regular expression, in the order of their texts."""
        return [message for name, message in self.log_matches(pattern) if name == workload]

    def log_matches(self, pattern: str) -> list[tuple[str, str]]:
        """(service, message) of every log line that matches a regular expression, in the order of their texts."""
        if self.logs is None or self.logs.is_empty():
            return []
        if pattern not in self._matches:
            found = self.logs.filter(pl.col("message").str.contains(pattern)).select("service", "message")
            self._matches[pattern] = sorted(
                (str(service), str(message)) for service, message in found.iter_rows()
            )
        return self._matches[pattern]


def finding(
    kind: str,
    entity: str,
    weight: float,
    evidence: Iterable[Evidence],
    *,
    fault_type: str | None = None,
    params: Iterable[tuple[str, str | float | int]] = (),
    related: Iterable[str] = (),
    checks: Iterable[Check] = (),
    modality: Modality = "state",
    lines: Iterable[str] = (),
) -> Finding:
    """A finding whose checks are that each line of its evidence is in the output that it came from, and `checks`."""
    shown = [(key, fold(line)) for key, line in dict.fromkeys(evidence) if line.strip()]
    return Finding(
        kind="state." + kind,
        entity=entity,
        modality=modality,
        weight=weight,
        checks=(*(state_check(key, line) for key, line in shown), *checks),
        params=tuple(params),
        fault_type=fault_type,
        lines=(*(line for _, line in shown), *lines),
        related=tuple(dict.fromkeys(related)),
    )


def state_check(key: str, line: str, *, present: bool = True) -> Check:
    """A line is (or is not) part of the output of a command."""
    query = Query(source="state", measure="rows", where=(("key", key), ("line", fold(line))))
    return Check(
        query=query, aggregate="count", relation=">=" if present else "==", bound=1 if present else 0
    )


def log_check(service: str, fragment: str, count: int = 1) -> Check:
    """A service wrote a literal fragment at least `count` times."""
    query = Query(source="logs", measure="rows", where=(("service", service), ("contains", fragment)))
    return Check(query=query, aggregate="count", relation=">=", bound=count)


def alert_check(alert: Alert, fragment: str) -> Check:
    """An alert on an entity holds a literal fragment."""
    query = Query(source="alerts", measure="rows", where=(("entity", alert.entity), ("contains", fragment)))
    return Check(query=query, aggregate="count", relation=">=", bound=1)


def matching(events: Iterable[Event], pattern: str, *reasons: str) -> list[Event]:
    """Events of one of `reasons` (any when none is given) whose message matches, latest first."""
    expression = re.compile(pattern, re.IGNORECASE)
    found = [
        event
        for event in events
        if (not reasons or event.reason in reasons) and expression.search(event.message)
    ]
    return sorted(found, key=lambda event: event.age_s if event.age_s is not None else 0.0)


def where(event: Event) -> Evidence:
    """An event as evidence."""
    return event.key, event.line


def status(pod: Pod, container: Container | None = None) -> list[Evidence]:
    """The lines that say how a pod, or one container of it, is doing."""
    lines = [container.lines.get("Waiting") or container.lines.get("State", "")] if container else []
    return [(pod.key, line) for line in [*lines, pod.lines.get("Status", "")] if line]


def key_of(documents: Iterable[Document]) -> str:
    """The command of the first document, or an empty string."""
    return next((each.key for each in documents), "")


def app(workload: str) -> str:
    """The entity of a workload."""
    return f"app/{workload}"
