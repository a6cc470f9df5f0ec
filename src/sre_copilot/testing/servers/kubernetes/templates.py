"""What controllers share: the digest of a template, the reference to an owner, and whether a pod is ready."""

from __future__ import annotations

import hashlib
import json

from sre_copilot.testing.servers.kubernetes.resources import Object


def is_ready(pod: Object) -> bool:
    """Whether a pod says that it is ready."""
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def template_hash(template: Object) -> str:
    """Ten letters and digits that depend on the template alone."""
    text = json.dumps(template, sort_keys=True).encode()
    return hashlib.blake2b(text, digest_size=5).hexdigest()


def owner_of(item: Object) -> Object:
    """The reference by which an object says that this one controls it."""
    meta = item["metadata"]
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "name": meta["name"], "uid": meta["uid"],
            "controller": True, "blockOwnerDeletion": True}  # fmt: skip
