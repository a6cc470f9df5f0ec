"""Events: what components say happened to an object; repeated ones are counted."""

from __future__ import annotations

import copy
import uuid

from sre_copilot.testing.servers.kubernetes.resources import Object
from sre_copilot.testing.servers.kubernetes.store import Store, stamp


def record(store: Store, item: Object, reason: str, message: str, *, kind: str = "Normal", by: str) -> Object:
    """Say that something happened to an object now; the same once more raises the count of the event there is."""
    meta, moment = item["metadata"], stamp(store.clock())
    namespace = meta.get("namespace") or "default"
    for event in store.all("events", namespace):
        about = event["involvedObject"]
        if (about.get("uid"), event["reason"], event["message"]) == (meta["uid"], reason, message):
            again = copy.deepcopy(event) | {"count": event["count"] + 1, "lastTimestamp": moment}
            return store.replace(again)
    return store.create(
        {
            "kind": "Event",
            "metadata": {"name": f"{meta['name']}.{uuid.uuid4().hex[:16]}", "namespace": namespace},
            "involvedObject": {
                "kind": item["kind"],
                "apiVersion": item["apiVersion"],
                "name": meta["name"],
                "namespace": meta.get("namespace", ""),
                "uid": meta["uid"],
            },
            "reason": reason,
            "message": message,
            "type": kind,
            "source": {"component": by},
            "reportingComponent": by,
            "reportingInstance": "",
            "firstTimestamp": moment,
            "lastTimestamp": moment,
            "count": 1,
        }
    )
