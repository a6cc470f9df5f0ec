"""Who uses a config map, and their restart under the key of the change that made it necessary."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from sre_copilot.action.executor import ActionError, Call
from sre_copilot.action.executors.kubernetes.changes import ATTEMPTS, carries, merged
from sre_copilot.action.executors.kubernetes.client import Cluster, ConflictError
from sre_copilot.action.executors.kubernetes.kinds import Kind, Object, meta
from sre_copilot.action.executors.kubernetes.workloads import restart_body


def references(spec: Object, name: str) -> bool:
    """Whether the specification of a pod names a config map: in a volume, as an environment, or for one variable."""
    containers = chain(spec.get("containers") or (), spec.get("initContainers") or ())
    return name in chain(_volumes(spec), chain.from_iterable(map(_environment, containers)))


def _volumes(spec: Object) -> Iterator[Any]:
    for volume in spec.get("volumes") or ():
        yield (volume.get("configMap") or {}).get("name")
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield (source.get("configMap") or {}).get("name")


def _environment(container: Object) -> Iterator[Any]:
    for each in container.get("envFrom") or ():
        yield (each.get("configMapRef") or {}).get("name")
    for each in container.get("env") or ():
        yield ((each.get("valueFrom") or {}).get("configMapKeyRef") or {}).get("name")


def restarted(cluster: Cluster, kind: Kind, item: Object, call: Call) -> bool:
    """Restart a workload unless it carries the key; whether that was done now.

    Raises
    ------
    ActionError : effect `unknown`, for the config map is changed and other users may be restarted; the same call goes on from here
    """
    namespace, name = meta(item)["namespace"], meta(item)["name"]
    for _ in range(ATTEMPTS):
        if carries(item, call.key):
            return False
        patch = merged(item, call.key, restart_body(datetime.now(UTC).isoformat(timespec="microseconds")))
        try:
            cluster.patch(kind.path(namespace, name), patch.body, patch.style, call=call)
        except ConflictError:
            item = cluster.find(kind, namespace, name, call=call) or item
        except ActionError as error:
            raise ActionError(f"{error}; the config map is changed already", effect="unknown", retry=True) from None  # fmt: skip
        else:
            return True
    raise ActionError(f"kubernetes: {kind.name} {name} changes all the time; try again", effect="unknown", retry=True)  # fmt: skip
