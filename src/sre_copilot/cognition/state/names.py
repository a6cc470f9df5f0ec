"""Which workload a log, an alert or a metric means: by its own name, its pod's, its service's or its label's."""

from __future__ import annotations

import re
from functools import cached_property

import polars as pl

from sre_copilot.cognition.state.cluster import Cluster
from sre_copilot.cognition.state.model import Service

# how controllers name pods: a hash of the template (deployments) and five characters, or a number (stateful sets)
_POD = re.compile(r"(-[a-z0-9]{6,10})?-(?:[a-z0-9]{5}|\d{1,3})$")


def selected(cluster: Cluster, service: Service) -> frozenset[str]:
    """Workloads whose pods a service selects, by their template or by labels that a pod was given later (such as its role)."""
    wanted = service.selector.items()
    if not wanted:
        return frozenset()
    named = {each.name for each in cluster.workloads.values() if wanted <= each.labels.items()}
    return frozenset(
        named | {pod.workload for pod in cluster.pods if pod.workload and wanted <= pod.labels.items()}
    )


class Names:
    """Names of workloads as other tools write them; `written` collects which of them were met."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.written: dict[str, set[str]] = {}

    def workload(self, name: str) -> str:
        """The workload that a name means, else the name itself."""
        if name in self.cluster.workloads or name in self.cluster.nodes:
            return name
        short = name.partition(".")[0].rpartition("/")[2]
        known = self._known.get(short) or self._known.get(_POD.sub("", short))
        return known or name

    @cached_property
    def _known(self) -> dict[str, str]:
        """What means one workload only; a pod's name goes before a service's, and that before a label's value."""
        meant: list[dict[str, set[str]]] = [{}, {}, {}]
        for each in self.cluster.workloads.values():
            meant[0].setdefault(each.name, set()).add(each.name)
            for value in each.labels.values():
                meant[2].setdefault(value, set()).add(each.name)
        for pod in self.cluster.pods:
            meant[0].setdefault(pod.name, set()).add(pod.workload)
        for service in self.cluster.services.values():
            meant[1].setdefault(service.name, set()).update(selected(self.cluster, service))
        found: dict[str, str] = {}
        for names in reversed(meant):
            found |= {name: next(iter(own)) for name, own in names.items() if len(own) == 1}
        return {name: workload for name, workload in found.items() if workload}

    def resolved(self, table: pl.DataFrame | None) -> pl.DataFrame | None:
        """A table whose `service` names workloads."""
        if table is None or table.is_empty():
            return table
        names = {str(name): self.workload(str(name)) for name in table["service"].unique().to_list()}
        for name, workload in names.items():
            self.written.setdefault(workload, set()).add(name)
        if all(name == workload for name, workload in names.items()):
            return table
        return table.with_columns(pl.col("service").replace(names))
