"""The recorded cluster as objects, each kind read when it is first asked for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

from sre_copilot.cognition.state import objects, storage
from sre_copilot.cognition.state.documents import Document, read
from sre_copilot.cognition.state.model import Claim, Evidence, Node, Pod, QuotaUse, Service, Volume, Workload
from sre_copilot.cognition.state.text import Event, listed_events, table

CONTROLLERS = ("deployments", "statefulsets", "daemonsets")
Told = TypeVar("Told", Pod, Workload, Claim)
_EVENT = re.compile(r"^ +(?:Normal|Warning) +\w", re.MULTILINE)


class Cluster:
    """What was recorded of one namespace and of the nodes below it.

    Parameters
    ----------
    state : output of each recorded command
    namespace : the namespace of the incident; when empty, the one that most commands name
    """

    def __init__(self, state: Mapping[str, str], namespace: str = "") -> None:
        self.documents = read(state)
        common = Counter(each.namespace for each in self.documents if each.namespace).most_common(1)
        self.namespace = namespace or (common[0][0] if common else "")

    def described(self, kind: str) -> Iterator[Document]:
        """Outputs of `kubectl describe` of one kind in this namespace."""
        for each in self._by_kind.get(("describe", kind), ()):
            if each.name and not each.missing and each.namespace in {"", self.namespace}:
                yield each

    def listings(self, kind: str) -> Iterator[Document]:
        """Outputs of `kubectl get` of one kind in this namespace, those of the whole kind first."""
        found = [
            each for each in self._by_kind.get(("get", kind), ()) if each.namespace in {"", self.namespace}
        ]
        yield from sorted(found, key=lambda each: (bool(each.name), len(each.flags), each.key))

    def refused(self, kind: str) -> tuple[Document, ...]:
        """Descriptions that were asked for and do not exist."""
        found = self._by_kind.get(("describe", kind), ())
        return tuple(each for each in found if each.missing and "NotFound" in each.text)

    @cached_property
    def _by_kind(self) -> dict[tuple[str, str], list[Document]]:
        found: dict[tuple[str, str], list[Document]] = {}
        for each in self.documents:
            found.setdefault((each.verb, each.kind), []).append(each)
        return found

    @cached_property
    def workloads(self) -> dict[str, Workload]:
        """Deployments and StatefulSets by name; one that was not described is read off a pod that it owns."""
        described = [(kind, objects.workload(each)) for kind in CONTROLLERS for each in self.described(kind)]
        found = {
            workload.name: self._heard(workload, f"{kind[:-1]}/{workload.name}")
            for kind, workload in described
        }
        for pod in self.pods:
            if pod.workload and pod.workload not in found:
                found[pod.workload] = objects.owner_of(pod)
        return dict(sorted(found.items()))

    @cached_property
    def replica_sets(self) -> dict[str, tuple[Workload, str]]:
        """Replica sets by name, with the name of the deployment that owns each."""
        found = {}
        for each in self.described("replicasets"):
            owner = objects.controller(each).partition("/")[2]
            known = self._heard(objects.workload(each), f"replicaset/{each.name}")
            found[each.name] = (known, owner or each.name.rpartition("-")[0])
        return found

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        """Described pods of this namespace, with the workload that owns each ('' = none of those that were described)."""
        return tuple(
            self._heard(objects.pod(each, self.owner(each)), f"pod/{each.name}")
            for each in self.described("pods")
        )

    def _heard(self, described: Told, name: str) -> Told:
        """An object with the listed events about it, where its description holds none."""
        if described.events or name not in self._events_of:
            return described
        return replace(described, events=self._events_of[name])

    @cached_property
    def _events_of(self) -> dict[str, tuple[Event, ...]]:
        found: dict[str, list[Event]] = {}
        for event in self.events:
            found.setdefault(event.object, []).append(event)
        return {name: tuple(events) for name, events in found.items()}

    @cached_property
    def describes_events(self) -> bool:
        """Some description holds an event: so an object without any had none, rather than that they were left out or forgotten."""
        kinds = ("pods", "replicasets", "statefulsets", "deployments")
        return any(_EVENT.search(each.text) for kind in kinds for each in self.described(kind))

    def owner(self, document: Document) -> str:
        """The Deployment or StatefulSet of a described pod."""
        kind, _, name = objects.controller(document).partition("/")
        if kind == "ReplicaSet":
            known = self.replica_sets.get(name)
            return known[1] if known else name.rpartition("-")[0]
        return name if kind in {"StatefulSet", "DaemonSet", "Deployment"} else ""

    def pods_of(self, workload: str) -> tuple[Pod, ...]:
        """The described pods of a workload."""
        return self._pods_of.get(workload, ())

    @cached_property
    def _pods_of(self) -> dict[str, tuple[Pod, ...]]:
        found: dict[str, list[Pod]] = {}
        for pod in self.pods:
            found.setdefault(pod.workload, []).append(pod)
        return {workload: tuple(pods) for workload, pods in found.items()}

    @cached_property
    def services(self) -> dict[str, Service]:
        """Services by name."""
        found = (objects.service(each) for each in self.described("services"))
        return {service.name: service for service in found}

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """Nodes by name."""
        found = self._by_kind.get(("describe", "nodes"), ())
        return {each.name: objects.node(each) for each in found if each.name and not each.missing}

    @cached_property
    def claims(self) -> dict[str, Claim]:
        """Volume claims by name."""
        kind = "persistentvolumeclaims"
        return {
            each.name: self._heard(
                storage.claim(each, storage.manifest(self.documents, kind, each.name)),
                f"persistentvolumeclaim/{each.name}",
            )
            for each in self.described(kind)
        }

    @cached_property
    def volumes(self) -> dict[str, Volume]:
        """Volumes by name."""
        found = self._by_kind.get(("describe", "persistentvolumes"), ())
        return {each.name: storage.volume(each) for each in found if each.name and not each.missing}

    @cached_property
    def quotas(self) -> tuple[QuotaUse, ...]:
        """Every resource of every quota of the namespace."""
        return tuple(use for each in self.described("resourcequotas") for use in storage.quota(each))

    @cached_property
    def settings(self) -> dict[str, dict[str, Evidence]]:
        """Keys of each described config map: value, and the line that holds it with its command."""
        return {each.name: storage.settings(each) for each in self.described("configmaps")}

    def names(self, kind: str) -> tuple[frozenset[str], str] | None:
        """Names in a recorded list of `kind` and the command, or None where no list was recorded."""
        for each in self.listings(kind):
            if not each.name and not any(flag.startswith("-l") for flag in each.flags):
                rows = [row.get("NAME", "") for row, _ in table(each.text)]
                if rows:
                    return frozenset(rows), each.key
        return None

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """Listed events of every recorded namespace."""
        return tuple(
            event
            for each in self._by_kind.get(("get", "events"), ())
            for event in listed_events(each.text, each.key)
        )
