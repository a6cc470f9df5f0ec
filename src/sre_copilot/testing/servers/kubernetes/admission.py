"""What the API server refuses to create: pods over a quota, pods of a service account that does not exist."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from sre_copilot.testing.servers.kubernetes.answers import forbidden
from sre_copilot.testing.servers.kubernetes.resources import Object, named
from sre_copilot.testing.servers.kubernetes.store import Store

_SCALES = {"m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}
COUNTED = frozenset({"Pod", "Service", "ConfigMap", "Secret", "PersistentVolumeClaim"})
_QUANTITY = re.compile(r"^([\d.]+)(m|k|M|G|Ki|Mi|Gi)?$")


def amount(text: object) -> float:
    """A quantity such as `250m` or `1Gi` as a number."""
    found = _QUANTITY.match(str(text))
    if not found:
        raise ValueError(f"quantities must match the regular expression: {text}")
    return float(found[1]) * _SCALES[found[2] or ""]


def written(resource: str, number: float) -> str:
    """A number as a quantity: thousandths of a processor, bytes in mebibytes where they come out even."""
    if "cpu" in resource and number % 1:
        return f"{round(number * 1000)}m"
    if "memory" in resource and number and number % 2**20 == 0:
        return f"{int(number // 2**20)}Mi"
    return f"{number:g}"


def admit(store: Store, item: Object) -> None:
    """Raise the 403 of an object that must not be created."""
    namespace = item["metadata"].get("namespace") or "default"
    if item["kind"] != "Pod":
        _check_quota(
            store, namespace, item, {f"count/{item['kind'].lower()}s": 1.0, f"{item['kind'].lower()}s": 1.0}
        )
        return
    account = item["spec"].get("serviceAccountName") or "default"
    if not store.find("serviceaccounts", namespace, account):
        why = f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
        raise forbidden(named("pods"), item["metadata"].get("name", ""), why)
    _check_quota(store, namespace, item, dict(_uses(item)))


def _check_quota(store: Store, namespace: str, item: Object, uses: dict[str, float]) -> None:
    if item["kind"] not in COUNTED:
        return
    resource = named(f"{item['kind'].lower()}s")
    for quota in store.all("resourcequotas", namespace):
        hard = quota["spec"].get("hard") or {}
        used = used_of(store, quota)
        over = [name for name in hard if uses.get(name) and used[name] + uses[name] > amount(hard[name])]
        if over:
            said = [
                ",".join(f"{name}={written(name, numbers[name])}" for name in over)
                for numbers in (uses, used, {name: amount(hard[name]) for name in over})
            ]
            why = f"exceeded quota: {quota['metadata']['name']}, requested: {said[0]}, used: {said[1]}, limited: {said[2]}"
            raise forbidden(resource, item["metadata"].get("name", ""), why)


def used_of(store: Store, quota: Object) -> dict[str, float]:
    """What a namespace uses of each resource that a quota limits."""
    namespace = quota["metadata"]["namespace"]
    hard = quota["spec"].get("hard") or {}
    used = dict.fromkeys(hard, 0.0)
    for pod in store.all("pods", namespace):
        if pod.get("status", {}).get("phase") not in {"Succeeded", "Failed"}:
            for name, number in _uses(pod):
                used[name] = used.get(name, 0.0) + number
    for name in hard:
        plural = name.removeprefix("count/")
        if plural in {"services", "configmaps", "secrets", "persistentvolumeclaims"}:
            used[name] = float(len(store.all(plural, namespace)))
    return {name: used[name] for name in hard}


def _uses(pod: Object) -> Iterator[tuple[str, float]]:
    yield from (("pods", 1.0), ("count/pods", 1.0))
    totals: dict[str, float] = {}
    for container in pod["spec"].get("containers") or ():
        resources: dict[str, Any] = container.get("resources") or {}
        for kind in ("requests", "limits"):
            for name, value in (resources.get(kind) or {}).items():
                keys = [f"{kind}.{name}", *([name] if kind == "requests" else [])]
                for key in keys:
                    totals[key] = totals.get(key, 0.0) + amount(value)
    yield from totals.items()


def update_quotas(store: Store) -> None:
    """Write into each quota what is used of it."""
    for quota in store.all("resourcequotas"):
        hard = quota["spec"].get("hard") or {}
        used = {name: written(name, number) for name, number in used_of(store, quota).items()}
        changed = copy.deepcopy(quota) | {"status": {"hard": hard, "used": used}}
        store.replace(changed, part="all")
