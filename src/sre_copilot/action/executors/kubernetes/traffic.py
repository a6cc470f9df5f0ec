"""Traffic: the share that a canary Ingress gets, and the pods that a Service selects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sre_copilot.action.executor import ActionError, Call
from sre_copilot.action.executors.kubernetes.changes import ObjectChange, Patch, merged
from sre_copilot.action.executors.kubernetes.client import Cluster
from sre_copilot.action.executors.kubernetes.kinds import INGRESS, POD, SERVICE, Object, notes_of
from sre_copilot.action.executors.kubernetes.ready import pod_ready
from sre_copilot.action.executors.kubernetes.schemas import entry, parameters
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action


class TrafficWeight(ObjectChange):
    """Set the share of traffic that goes to a canary, by the annotation of its Ingress."""

    def __init__(self, cluster: Cluster) -> None:
        weight = {
            "type": "integer", "minimum": 0, "maximum": 100,
            "description": "per cent of the traffic that the canary gets",
        }  # fmt: skip
        spec = entry(cluster.settings.name, "traffic_weight", (INGRESS.name,), parameters(("weight",), weight=weight),
                     idempotent=True, timeout_seconds=30.0)  # fmt: skip
        super().__init__(cluster, spec)
        self._canary = f"{cluster.settings.canary_prefix}/canary"
        self._weight = f"{self._canary}-weight"

    def view(self, item: Object) -> dict[str, Any]:
        """The share; None where nothing is said."""
        found = notes_of(item).get(self._weight)
        return {"weight": int(found) if found and found.isdigit() else found}

    def wanted(self, item: Object, action: Action, key: str, *, call: Call | None) -> Patch:
        """The share, of an Ingress that is a canary."""
        if notes_of(item).get(self._canary) != "true":
            raise ActionError(
                f"kubernetes: Ingress {action.target.name} is no canary; annotate it with {self._canary}: 'true', or name the canary",
                effect="none",
            )
        return self._patch(item, key, str(action.parameters["weight"]))

    def there(self, item: Object, action: Action) -> bool:
        """Whether it is so already."""
        return bool(self.view(item)["weight"] == action.parameters["weight"])

    def kept(self, item: Object, action: Action) -> dict[str, Any]:
        """The share before."""
        return {"weight": notes_of(item).get(self._weight)}

    def restored(self, item: Object, action: Action, backup: Mapping[str, Any], key: str) -> Patch | None:
        """The share before."""
        before = backup["weight"]
        return None if notes_of(item).get(self._weight) == before else self._patch(item, key, before)

    def _patch(self, item: Object, key: str, weight: str | None) -> Patch:
        return merged(item, key, {"metadata": {"annotations": {self._weight: weight}}})


class SwitchTraffic(ObjectChange):
    """Let a Service select other pods, such as those of the other colour."""

    def __init__(self, cluster: Cluster) -> None:
        labels = {
            "type": "object", "minProperties": 1, "additionalProperties": {"type": "string"},
            "description": "labels of the pods that shall get the traffic; labels of the selector that are not named stay",
        }  # fmt: skip
        spec = entry(cluster.settings.name, "switch_traffic", (SERVICE.name,), parameters(("selector",), selector=labels),
                     idempotent=True, timeout_seconds=60.0)  # fmt: skip
        super().__init__(cluster, spec)

    def view(self, item: Object) -> dict[str, Any]:
        """What it selects."""
        return {"selector": dict(item["spec"].get("selector") or {})}

    def wanted(self, item: Object, action: Action, key: str, *, call: Call | None) -> Patch:
        """The labels, provided that a ready pod carries all of them."""
        selector = {**self.view(item)["selector"], **action.parameters["selector"]}
        if not any(map(pod_ready, self._pods(action, selector, call))):
            raise ActionError(
                f"kubernetes: no ready pod in {action.target.namespace} carries {_labels(selector)}; all traffic would be lost, start some first",
                effect="none",
            )
        return merged(item, key, {"spec": {"selector": selector}})

    def there(self, item: Object, action: Action) -> bool:
        """Whether it selects them already."""
        return bool(action.parameters["selector"].items() <= self.view(item)["selector"].items())

    def kept(self, item: Object, action: Action) -> dict[str, Any]:
        """What it selected before."""
        return self.view(item)

    def restored(self, item: Object, action: Action, backup: Mapping[str, Any], key: str) -> Patch | None:
        """What it selected before, and nothing besides."""
        present, before = self.view(item)["selector"], dict(backup["selector"])
        if present == before:
            return None
        return merged(item, key, {"spec": {"selector": dict.fromkeys(present) | before}})

    def objections(self, item: Object, action: Action) -> tuple[Message, ...]:
        """Fewer pods than now would have to bear all traffic."""
        now = self.view(item)["selector"]
        then = {**now, **action.parameters["selector"]}
        counts = [sum(map(pod_ready, self._pods(action, each, None))) for each in (now, then)]
        if counts[1] >= counts[0]:
            return ()
        params = (("before", counts[0]), ("after", counts[1]))
        return (Message(key="kubernetes.objection.fewer_pods", params=params),)

    def _pods(self, action: Action, selector: Mapping[str, str], call: Call | None) -> list[Object]:
        return self.cluster.all(POD, action.target.namespace, labels=_labels(selector), call=call)


def _labels(selector: Mapping[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(selector.items()))
