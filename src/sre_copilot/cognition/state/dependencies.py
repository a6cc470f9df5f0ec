"""Who calls whom: addresses that a workload's environment names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sre_copilot.cognition.state.cluster import Cluster
from sre_copilot.cognition.state.model import Evidence

# host[:port] at the start, after a scheme, after credentials, or in a list: `cart:7070`, `jdbc:mysql://db:3306/x`, `http://a.b.svc:80/`
_ADDRESS = re.compile(r"(?:^|//|@|[\s,=\"'(\[])([A-Za-z][\w.-]*[\w])(?::(\d{2,5}))?(?=$|[/\s,;?\"')\]])")
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
    """Variables of a workload (name, value, evidence): of its pod where one was described, else of its template."""
    pods = cluster.pods_of(workload)
    if pods:
        return tuple(
            (name, value, (pods[0].key, line))
            for container in pods[0].containers
            for name, value, line in container.environment
        )
    known = cluster.workloads.get(workload)
    if known is None:
        return ()
    return tuple(
        (name, value, (known.key, line))
        for container in known.containers
        for name, value, line in container.environment
    )


def references(cluster: Cluster, workload: str) -> Iterator[Reference]:
    """Addresses in the environment of a workload that name a service, or that have a port and so must name one."""
    variables = environment(cluster, workload)
    ports = {
        _PORT_NAME.sub("", name): (value, where)
        for name, value, where in variables
        if _PORT_NAME.search(name)
    }
    known = cluster.services
    for name, value, where in variables:
        for host, port in _ADDRESS.findall(value[:2_000]):
            beside = ports.get(_HOST_NAME.sub("", name)) if _HOST_NAME.search(name) and not port else None
            number = port or (beside[0] if beside else "")
            evidence = (where, beside[1]) if beside else (where,)
            if host.split(".")[0] in known or (number.isdigit() and _HOST_NAME.search(name)):
                yield Reference(workload, name, host, int(number) if number.isdigit() else None, evidence)


def dependencies(cluster: Cluster) -> dict[str, frozenset[str]]:
    """Services that each workload names in its environment."""
    return {
        workload: frozenset(
            each.service for each in references(cluster, workload) if each.service in cluster.services
        )
        for workload in cluster.workloads
    }
