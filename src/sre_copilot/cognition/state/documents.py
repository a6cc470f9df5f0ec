"""Recorded command outputs by verb, kind, name and namespace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Document:
    """One output, with the command as its key."""

    key: str
    verb: str
    kind: str
    name: str
    namespace: str
    flags: tuple[str, ...]
    text: str

    @property
    def missing(self) -> bool:
        """The command was refused: the object does not exist, or the command failed."""
        return self.text.lstrip().startswith(("Error", "error", "No resources", "Unable to connect"))


def read(state: Mapping[str, str]) -> tuple[Document, ...]:
    """Sort the outputs of `kubectl get` and `kubectl describe` by what they are about, in the order of their commands."""
    found = (_document(key, text) for key, text in state.items())
    return tuple(sorted((each for each in found if each is not None), key=lambda each: each.key))


def _document(key: str, text: str) -> Document | None:
    words = key.split("|", maxsplit=1)[0].split()
    if "kubectl" not in words or len(words) < words.index("kubectl") + 3:
        return None
    words = words[words.index("kubectl") + 1 :]
    verb, kind, rest = words[0], words[1].lower().split(".")[0], words[2:]
    kind, _, name = kind.partition("/")
    namespace, flags = "", []
    while rest:
        word = rest.pop(0)
        if word in {"-n", "--namespace"} and rest:
            namespace = rest.pop(0)
        elif word.startswith("-"):
            flags.append(
                word if "=" in word or not rest or rest[0].startswith("-") else f"{word} {rest.pop(0)}"
            )
        elif not name:
            name = word
    return Document(key, verb, _KINDS.get(kind, kind), name, namespace, tuple(flags), text)
