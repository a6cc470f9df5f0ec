"""What every analyser looks at, and how it states what it saw."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property

import polars as pl

from sre_copilot.cognition.state.cluster import Cluster
from sre_copilot.cognition.state.dependencies import dependencies, environment
from sre_copilot.cognition.state.model import Container, Evidence, Pod, Service
from sre_copilot.cognition.state.names import Names, selected
from sre_copilot.cognition.state.text import LONGEST, Event, fold
from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Alert, Modality

DECISIVE = 7.0  # nats: the cluster itself states the cause; odds of 1000 to 1 against coincidence
LIKELY = 5.0  # one alternative remains that the recording cannot exclude
SUGGESTIVE = 2.5  # a symptom that usually has this cause
_STAMP = r"^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)"
SYMPTOM = 1.2  # the workload is unwell, the cause is not seen


class Scene:
    """The recorded cluster, logs, alerts and metrics of one incident."""

    def __init__(self, observation: Observation) -> None:
        current = observation.current
        self.cluster = Cluster(current.state or {}, observation.incident.namespace)
        self.names = Names(self.cluster)
        self.raw: pl.DataFrame | None = current.logs
        self.logs = self.names.resolved(current.logs)
        self.metrics = self.names.resolved(current.metrics)
        self.alerts: tuple[Alert, ...] = current.alerts or ()
        self._matches: dict[str, list[tuple[str, str]]] = {}

    @cached_property
    def routes(self) -> dict[str, frozenset[str]]:
        """Which workloads stand behind each service, by its selector; a service without selector has none."""
        return {name: self.backends(service) for name, service in self.cluster.services.items()}

    def backends(self, service: Service) -> frozenset[str]:
        """Workloads whose pods a service selects."""
        return selected(self.cluster, service)

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
    def down(self) -> frozenset[str]:
        """Workloads that lack pods or have one that is not ready; past restarts of a ready pod say nothing of now."""
        short = {each.name for each in self.cluster.workloads.values() if each.available < each.desired}
        return frozenset(
            short | {pod.workload for pod in self.cluster.pods if pod.workload and not pod.ready}
        )

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

    @cached_property
    def ends(self) -> dict[str, str]:
        """When the last tenth of each workload's log begins, as a time in the form that its messages begin with.

        Rows need not be in order, so times are read from the messages themselves; ISO 8601 times order as text.
        """
        if self.logs is None:
            return {}
        table = self.logs.select("service", pl.col("message").str.extract(_STAMP).alias("stamp")).drop_nulls()
        spans = table.group_by("service").agg(
            pl.col("stamp").min().alias("first"), pl.col("stamp").max().alias("last")
        )
        return {str(name): _late(first, last) for name, first, last in spans.iter_rows()}

    def late(self, workload: str, message: str) -> bool:
        """A message stands in the last tenth of its workload's log; False where it does not begin with its time."""
        end = self.ends.get(workload)
        return end is not None and message[:4].isdigit() and message[: len(end)] >= end

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
                (str(service), str(message)[:LONGEST]) for service, message in found.iter_rows()
            )
        return self._matches[pattern]

    def log_check(self, workload: str, fragment: str, count: int = 1) -> Check:
        """A workload wrote a literal fragment at least `count` times, under the name that its log was recorded with."""
        names = self.names.written.get(workload, {workload})
        writer = min(names)
        if len(names) > 1 and self.raw is not None:
            count = 1
            lines = self.raw.filter(pl.col("message").str.contains(fragment, literal=True))["service"]
            writer = min(names & set(lines.to_list()), default=writer)
        query = Query(source="logs", measure="rows", where=(("service", writer), ("contains", fragment)))
        return Check(query=query, aggregate="count", relation=">=", bound=count)


def _late(first: str, last: str) -> str:
    try:
        start, end = datetime.fromisoformat(first), datetime.fromisoformat(last)
    except ValueError:
        return "~"  # later than any time: nothing is known to last
    return (start + 0.9 * (end - start)).isoformat(sep=first[10], timespec="seconds")


_LAST: list[tuple[Observation, Scene]] = []


def scene_of(observation: Observation) -> Scene:
    """The scene of an observation; the last one is kept, since detector and localiser look at the same observation in turn.

    An observation is immutable, so a scene depends on it alone.
    """
    if not (_LAST and _LAST[0][0] is observation):
        _LAST[:] = [(observation, Scene(observation))]
    return _LAST[0][1]


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


def app(workload: str) -> str:
    """The entity of a workload."""
    return f"app/{workload}"
