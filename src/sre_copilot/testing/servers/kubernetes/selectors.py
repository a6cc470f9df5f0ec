"""Label and field selectors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sre_copilot.testing.servers.kubernetes.answers import bad_request
from sre_copilot.testing.servers.kubernetes.resources import Object, Resource

Matches = Callable[[Object], bool]

_SET = re.compile(r"^(\S+)\s+(in|notin)\s+\(([^)]*)\)$")
_PARTS = re.compile(r",(?![^(]*\))")
_FIELDS = {
    "pods": ("spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase", "status.podIP"),
    "events": ("involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
               "reason", "type", "source", "reportingComponent"),
    "nodes": ("spec.unschedulable",),
    "namespaces": ("status.phase",),
    "secrets": ("type",),
    "replicasets": ("status.replicas",),
}  # fmt: skip


def selection(resource: Resource, labels: str, fields: str) -> Matches:
    """Whether an object is selected; raises the 400 of a selector that cannot be read or names an unknown field."""
    wanted = [_label(part) for part in _split(labels)] + [_field(resource, part) for part in _split(fields)]
    return lambda item: all(each(item) for each in wanted)


def _split(text: str) -> list[str]:
    return [part.strip() for part in _PARTS.split(text) if part.strip()]


def _labels(item: Object) -> Mapping[str, str]:
    return item.get("metadata", {}).get("labels") or {}


def _label(part: str) -> Matches:
    if found := _SET.match(part):
        name, relation, values = found[1], found[2], {each.strip() for each in found[3].split(",")}
        if relation == "in":
            return lambda item: _labels(item).get(name) in values
        return lambda item: _labels(item).get(name) not in values
    for sign in ("!=", "==", "="):
        name, found_sign, value = (each.strip() for each in part.partition(sign))
        if found_sign:
            if sign == "!=":
                return lambda item: _labels(item).get(name) != value
            return lambda item: _labels(item).get(name) == value
    if part.startswith("!"):
        return lambda item: part[1:] not in _labels(item)
    if " " in part:
        raise bad_request(f"unable to parse requirement: found '{part}'")
    return lambda item: part in _labels(item)


def _field(resource: Resource, part: str) -> Matches:
    for sign in ("!=", "==", "="):
        path, found, value = (each.strip() for each in part.partition(sign))
        if found:
            known = ("metadata.name", "metadata.namespace", *_FIELDS.get(resource.plural, ()))
            if path not in known:
                raise bad_request(f'field label not supported: "{path}"')
            return lambda item: (_value(item, path) == value) is (sign != "!=")
    raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")


def _value(item: Object, path: str) -> str:
    found: Any = item
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if isinstance(found, bool):
        return str(found).lower()
    return "" if found is None else str(found)
