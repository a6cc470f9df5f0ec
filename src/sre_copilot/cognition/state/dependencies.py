"""Who calls whom: addresses that a workload's environment names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sre_copilot.cognition.state.cluster import Cluster
from sre_copilot.cognition.state.model import Evidence
from sre_copilot.cognition.state.text import whole

# host[:port] at the start, after a scheme, after credentials, or in a list: `cart:7070`, `jdbc:mysql://db:3306/x`, `http://a.b.svc:80/`
_ADDRESS = re.compile(r"(?:^|//|@|[\s,=\"'(\[])([A-Za-z][\w.-]*[\w])(?::(\d{2,5}))?(?=$|[/\s,;?\"')\]])")
_KEY_OF = re.compile(r"<set to the key '([^']+)' of config map '([^']+)'>")
_HOST_NAME = re.compile(r"_?(HOST|HOSTNAME|ADDR|ADDRESS|SERVER|URL)$", re.IGNORECASE)
_PORT_NAME = re.compile(r"_?PORT$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reference:
    """An address in the environment of a workload; `port` None where none is named."""

    workload: str
    variable: str
    host: str
    port: int | None
    evidence: tuple[Evidence, ...]

    @property
    def service(self) -> str:
        """The service that the host means: the part before the first dot."""
        return self.host.split(".")[0]


def environment(cluster: Cluster, workload: str) -> tuple[tuple[str, str, Evidence], ...]:
    """Variables of a workload (name, value, evidence): of its pods where any was described, else of its template.

    While a rollout is stuck, pods of the old and of the new template stand side by side, so each distinct pair counts once.
    """
    found: dict[tuple[str, str], Evidence] = {}
    known = cluster.workloads.get(workload)
    sources = [(pod.key, pod.containers) for pod in cluster.pods_of(workload)]
    for key, containers in sources or ([(known.key, known.containers)] if known else []):
        for container in containers:
            for name, value, line in container.environment:
                if (taken := _KEY_OF.match(value)) is None:
                    found.setdefault((name, value), (key, line))
                elif (setting := cluster.settings.get(taken[2], {}).get(taken[1])) is not None:
                    found.setdefault((name, setting[1]), setting)
            for kind, source, _ in container.sources:
                for name, setting in cluster.settings.get(source, {}).items() if kind == "ConfigMap" else ():
                    found.setdefault((name, setting[1]), setting)
    return tuple((name, value, evidence) for (name, value), evidence in found.items())


def references(cluster: Cluster, workload: str) -> Iterator[Reference]:
    """Addresses in the environment of a workload that name a service, or that have a port and so must name one."""
    variables = environment(cluster, workload)
    ports: dict[str, list[tuple[str, Evidence]]] = {}
    for name, value, where in variables:
        if _PORT_NAME.search(name):
            ports.setdefault(_PORT_NAME.sub("", name), []).append((value, where))
    known = cluster.services
    for name, value, where in variables:
        named = _HOST_NAME.search(name)
        for host, port in _ADDRESS.findall(value[:2_000]):
            beside = ports.get(_HOST_NAME.sub("", name), []) if named and not port else []
            numbers: list[tuple[str, tuple[Evidence, ...]]] = [(each, (where, at)) for each, at in beside]
            for number, evidence in numbers or [(port, (where,))]:
                if host.split(".")[0] in known or (named and whole(number) is not None):
                    yield Reference(workload, name, host, whole(number), evidence)


def dependencies(cluster: Cluster) -> dict[str, frozenset[str]]:
    """Services that each workload names in its environment."""
    return {
        workload: frozenset(
            each.service for each in references(cluster, workload) if each.service in cluster.services
        )
        for workload in cluster.workloads
    }
