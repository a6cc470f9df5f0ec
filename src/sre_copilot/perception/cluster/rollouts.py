"""What was rolled out in a Kubernetes cluster: new revisions of workloads, and configuration that was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from sre_copilot.domain.signals import Change
from sre_copilot.perception.cluster.text import (
    born,
    epoch,
    mapping,
    mappings,
    metadata,
    name_of,
    namespace_of,
    one_line,
    owner_of,
)  # fmt: skip

Object = Mapping[str, Any]
REVISION = "deployment.kubernetes.io/revision"
_PARTS = (
    "resources",
    "command",
    "args",
    "ports",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "volumeMounts",
    "securityContext",
)
_OF_POD = ("serviceAccountName", "nodeSelector", "tolerations", "affinity", "volumes", "hostNetwork")


def rollouts(replica_sets: Iterable[Object]) -> list[Change]:
    """Return one change for each revision of each Deployment that is still known, told against the revision before it."""
    owned: dict[tuple[str, str], list[Object]] = {}
    for each in replica_sets:
        kind, owner = owner_of(each)
        if kind == "Deployment":
            owned.setdefault((namespace_of(each), owner), []).append(each)
    found = [change for key, sets in owned.items() for change in _revisions(key, sets)]
    return sorted(found, key=lambda change: (change.ts, change.service, change.text))


def _revisions(key: tuple[str, str], sets: list[Object]) -> Iterator[Change]:
    ordered = sorted(sets, key=revision)
    for before, after in pairwise([None, *ordered]):
        if after is None or (ts := _time(after)) is None:
            continue
        said = (
            differences(_template(before), _template(after)) if before else ["first revision that is known"]
        )
        text = f"revision {revision(after)}: {'; '.join(said) or 'the same template'}"
        detail = {
            "namespace": key[0],
            "revision": str(revision(after)),
            "images": ", ".join(images(_template(after))),
        }
        yield Change(ts=ts, service=key[1], kind="deployment", text=text, detail=detail)


def _time(replica_set: Object) -> float | None:
    """When a revision began: its replica set was made, or, when it was brought back, was last written to."""
    brought_back = f"{REVISION}-history" in mapping(metadata(replica_set).get("annotations"))
    return (written(replica_set) if brought_back else None) or born(replica_set)


def revision(replica_set: Object) -> int:
    """Number of the revision that a replica set stands for; 0 when it does not say."""
    text = str(mapping(metadata(replica_set).get("annotations")).get(REVISION, ""))
    return int(text) if text.isdigit() and len(text) < 10 else 0


def _template(replica_set: Object | None) -> Mapping[str, Any]:
    return mapping(mapping((replica_set or {}).get("spec")).get("template"))


def images(template: Object) -> list[str]:
    """Images of a pod template, in its order."""
    return [
        one_line(each.get("image", "")) for each in mappings(mapping(template.get("spec")).get("containers"))
    ]


def differences(before: Object, after: Object) -> list[str]:
    """What differs between two pod templates, in words; of variables the names alone, for values may be secrets."""
    old, new = mapping(before.get("spec")), mapping(after.get("spec"))
    first = {one_line(c.get("name", "")): c for c in mappings(old.get("containers"))}
    second = {one_line(c.get("name", "")): c for c in mappings(new.get("containers"))}
    said = [
        f"container {name} added ({one_line(second[name].get('image', ''))})"
        for name in second.keys() - first.keys()
    ]
    said += [f"container {name} removed" for name in first.keys() - second.keys()]
    for name in first.keys() & second.keys():
        said += [f"container {name}: {each}" for each in _container(first[name], second[name])]
    said += [f"{key} changed" for key in _OF_POD if old.get(key) != new.get(key)]
    if mapping(metadata(before).get("annotations")) != mapping(metadata(after).get("annotations")):
        said.append("annotations of the pods changed")
    return sorted(said)


def _container(before: Object, after: Object) -> Iterator[str]:
    if before.get("image") != after.get("image"):
        yield f"image {one_line(before.get('image', ''))} -> {one_line(after.get('image', ''))}"
    old, new = _environment(before), _environment(after)
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if names:
        yield f"variables changed: {', '.join(names)}"
    for key in _PARTS:
        if before.get(key) != after.get(key):
            yield f"{key} changed"


def _environment(container: Object) -> dict[str, Any]:
    found = {one_line(each.get("name", "")): each for each in mappings(container.get("env"))}
    return found | {f"all of {index}": each for index, each in enumerate(mappings(container.get("envFrom")))}


def written(item: Object) -> float | None:
    """When anything but the status of an object was last written, by its managed fields; None when they do not say."""
    times = [
        epoch(each.get("time"))
        for each in mappings(metadata(item).get("managedFields"))
        if not each.get("subresource")
    ]
    return max(filter(None, times), default=None)


def writings(
    kind: str, items: Iterable[Object], users: Mapping[tuple[str, str], tuple[str, ...]]
) -> list[Change]:
    """Return a change for the last writing of each object, of each workload that uses it; no value is looked at.

    Parameters
    ----------
    kind : what the objects are called in words, such as `config map`
    users : workloads that use an object, by its namespace and name; one that nobody uses stands for itself
    """
    found = []
    for item in items:
        ts = written(item) or born(item)
        if ts is None:
            continue
        verb = "created" if born(item) == ts else "changed"
        version = one_line(metadata(item).get("resourceVersion", ""))
        detail = {"namespace": namespace_of(item), "object": name_of(item), "resource_version": version}
        services = users.get((namespace_of(item), name_of(item))) or (name_of(item),)
        text = f"{kind} {name_of(item)} {verb}"
        found += [Change(ts, service, "config", text, detail) for service in services]
    return sorted(found, key=lambda change: (change.ts, change.service, change.text))


def users_of(workloads: Iterable[Object], kind: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """Workloads by namespace and name of each `configMap` or `secret` that their pods read or mount."""
    found: dict[tuple[str, str], set[str]] = {}
    for each in workloads:
        for name in _used(mapping(_template(each).get("spec")), kind):
            found.setdefault((namespace_of(each), name), set()).add(name_of(each))
    return {key: tuple(sorted(names)) for key, names in found.items()}


def _used(spec: Object, kind: str) -> Iterator[str]:
    for volume in mappings(spec.get("volumes")):
        own = mapping(volume.get(kind))
        if name := own.get("name") or own.get("secretName"):
            yield str(name)
    for container in mappings(spec.get("containers")) + mappings(spec.get("initContainers")):
        for source in mappings(container.get("envFrom")):
            yield from _named(source.get(f"{kind}Ref"))
        for variable in mappings(container.get("env")):
            yield from _named(mapping(variable.get("valueFrom")).get(f"{kind}KeyRef"))


def _named(reference: object) -> Iterator[str]:
    if name := mapping(reference).get("name"):
        yield str(name)
