"""Recorded command outputs by verb, kind, name and namespace."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from sre_copilot.cognition.state.text import Entry, tree

_OBJECT = re.compile(r"\n(?=Name:\s)")  # `describe` begins each object at the margin
_NAME = re.compile(r"Name:\s+(\S+)")
_SWITCHES = frozenset(
    {"-A", "--all-namespaces", "--show-labels", "--no-headers", "--show-events", "-R", "--watch", "-w"}
)

_KINDS = {
    "po": "pods", "pod": "pods", "svc": "services", "service": "services", "deploy": "deployments",
    "deployment": "deployments", "rs": "replicasets", "replicaset": "replicasets", "sts": "statefulsets",
    "statefulset": "statefulsets", "ds": "daemonsets", "daemonset": "daemonsets", "ep": "endpoints", "endpoint": "endpoints",
    "no": "nodes", "node": "nodes", "pvc": "persistentvolumeclaims", "persistentvolumeclaim": "persistentvolumeclaims",
    "pv": "persistentvolumes", "persistentvolume": "persistentvolumes", "sc": "storageclasses",
    "storageclass": "storageclasses", "cm": "configmaps", "configmap": "configmaps", "secret": "secrets",
    "sa": "serviceaccounts", "serviceaccount": "serviceaccounts", "quota": "resourcequotas",
    "resourcequota": "resourcequotas", "ev": "events", "event": "events", "ing": "ingresses", "ingress": "ingresses",
    "netpol": "networkpolicies", "networkpolicy": "networkpolicies", "ns": "namespaces", "namespace": "namespaces",
}  # fmt: skip


@dataclass(frozen=True)
class Document:
    """One output, with the command as its key."""

    key: str
    verb: str
    kind: str
    name: str
    namespace: str
    flags: tuple[str, ...]
    text: str

    @cached_property
    def root(self) -> Entry:
        """The text as an indented tree."""
        return tree(self.text)

    @property
    def missing(self) -> bool:
        """The command was refused: the object does not exist, or the command failed."""
        return self.text.lstrip().startswith(("Error", "error", "No resources", "Unable to connect"))


def read(state: Mapping[str, str]) -> tuple[Document, ...]:
    """Sort the outputs of `kubectl get` and `kubectl describe` by what they are about, in the order of their commands."""
    found = (each for key, text in state.items() for each in _documents(key, text))
    return tuple(sorted(found, key=lambda each: (each.key, each.name)))


def _documents(key: str, text: str) -> Iterator[Document]:
    """One document a command, or one an object where a whole kind was described at once."""
    command = _command(key)
    if command is None:
        return
    verb, kind, name, namespace, flags = command
    whole = Document(key, verb, _KINDS.get(kind, kind), name, namespace, flags, text)
    if verb != "describe" or name or whole.missing:
        yield whole
        return
    for part in _OBJECT.split(text):
        if match := _NAME.match(part):
            yield replace(whole, name=match[1], text=part)


def _command(key: str) -> tuple[str, str, str, str, tuple[str, ...]] | None:
    """Verb, kind, name, namespace and other flags of a `kubectl` command, wherever its flags stand."""
    words = key.split("|", maxsplit=1)[0].split()
    if "kubectl" not in words:
        return None
    rest = words[words.index("kubectl") + 1 :]
    plain: list[str] = []
    namespace, flags = "", []
    while rest:
        word = rest.pop(0)
        flag, _, value = word.partition("=")
        if not word.startswith("-"):
            plain.append(word)
            continue
        if not value and flag not in _SWITCHES and rest and not rest[0].startswith("-"):
            value = rest.pop(0)
        if flag in {"-n", "--namespace"}:
            namespace = value
        else:
            flags.append(f"{flag} {value}".strip())
    if len(plain) < 2:
        return None
    kind, _, name = plain[1].partition("/")
    return plain[0], kind.lower().split(".")[0], name or " ".join(plain[2:3]), namespace, tuple(flags)
