"""From described documents to claims, volumes and quotas."""

from __future__ import annotations

import json
import re
from typing import Any

from sre_copilot.cognition.state.documents import Document
from sre_copilot.cognition.state.model import Claim, Evidence, QuotaUse, Volume
from sre_copilot.cognition.state.text import Entry, described_events, pairs

_DATUM = re.compile(r"^([\w.-]+):\n----\n(.*)$", re.MULTILINE)
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def claim(document: Document, manifest: dict[str, Any]) -> Claim:
    """Read `kubectl describe pvc`; `manifest` is its specification where one was recorded, else empty."""
    root = document.root
    spec = _mapping(manifest.get("spec"))
    requests = _mapping(_mapping(spec.get("resources")).get("requests"))
    return Claim(
        name=root.get("Name").value or document.name,
        key=document.key,
        status=root.get("Status").value,
        storage_class=_known(root.get("StorageClass")),
        volume=root.get("Volume").value,
        used_by=tuple(root.get("Used By").values() + root.get("Mounted By").values()),
        capacity=str(requests.get("storage", "")),
        access_modes=tuple(map(str, spec.get("accessModes") or ())),
        selector={str(name): str(value) for name, value in _labels(spec).items()},
        events=described_events(root, document.key, "persistentvolumeclaim/" + document.name),
        lines=_lines(root, "Status", "StorageClass", "Volume", "Used By"),
    )


def volume(document: Document) -> Volume:
    """Read `kubectl describe pv`."""
    root = document.root
    return Volume(
        name=root.get("Name").value or document.name,
        key=document.key,
        status=root.get("Status").value,
        storage_class=_known(root.get("StorageClass")),
        claim=root.get("Claim").value,
        capacity=root.get("Capacity").value,
        access_modes=tuple(
            mode.strip() for mode in root.get("Access Modes").value.split(",") if mode.strip()
        ),
        labels=pairs(root.get("Labels").values()),
        lines=_lines(root, "Status", "StorageClass", "Claim", "Capacity", "Access Modes", "Labels"),
    )


def quota(document: Document) -> tuple[QuotaUse, ...]:
    """Read `kubectl describe resourcequota`: a table of resource, used, hard."""
    root = document.root
    found = []
    for child in root.children:
        words = child.line.split()
        if len(words) == 3 and not child.key and any(character.isdigit() for character in words[2]):
            found.append(QuotaUse(document.name, words[0], words[1], words[2], document.key, child.line))
    return tuple(found)


def settings(document: Document) -> dict[str, Evidence]:
    """Read the data of `kubectl describe configmap`: the command and the first line of the value, by key."""
    data = document.text.partition("\nData\n====\n")[2].partition("\nBinaryData\n====")[0]
    return {key: (document.key, value.strip()) for key, value in _DATUM.findall(data)}


def manifest(documents: tuple[Document, ...], kind: str, name: str) -> dict[str, Any]:
    """The specification of an object from `-o json` or from the annotation that `kubectl apply` leaves, else empty."""
    for document in documents:
        if document.kind != kind or document.name not in {name, ""}:
            continue
        if any("json" in flag for flag in document.flags):
            found = _loaded(document.text)
            items = found.get("items") if isinstance(found.get("items"), list) else [found]
            for item in items or ():
                if _mapping(_mapping(item).get("metadata")).get("name") == name:
                    return _mapping(item)
        elif document.verb == "describe" and document.name == name and APPLIED in document.text:
            start = document.text.index("{", document.text.index(APPLIED)) if "{" in document.text else -1
            line = document.text[start:].splitlines()[0] if start >= 0 else ""
            if found := _loaded(line):
                return found
    return {}


def _loaded(text: str) -> dict[str, Any]:
    try:
        return _mapping(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _labels(spec: dict[str, Any]) -> dict[str, Any]:
    return _mapping(_mapping(spec.get("selector")).get("matchLabels"))


def _known(entry: Entry) -> str:
    return "" if entry.value in {"<none>", "<unset>", '""'} else entry.value


def _lines(root: Entry, *keys: str) -> dict[str, str]:
    return {key: entry.line for key in keys if (entry := root.get(key)).line}
