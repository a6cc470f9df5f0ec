"""The controllers: Deployment to ReplicaSet to Pod with revisions, endpoints of services, use of quotas.

They act whenever something was written, until nothing is left to do. What becomes of a pod on its node is the part of a `Kubelet`:
the one given here runs every pod at once; another one may start processes and write the pod's status later.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from itertools import count

from sre_copilot.testing.servers.kubernetes.admission import admit, update_quotas
from sre_copilot.testing.servers.kubernetes.answers import RefusedError
from sre_copilot.testing.servers.kubernetes.record import record
from sre_copilot.testing.servers.kubernetes.resources import Object, named
from sre_copilot.testing.servers.kubernetes.stateful_sets import keep
from sre_copilot.testing.servers.kubernetes.store import Store, stamp
from sre_copilot.testing.servers.kubernetes.templates import is_ready, owner_of, template_hash

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
HASH = "pod-template-hash"
ROUNDS = 100  # of doing what is left: a rollout needs about two for each pod

Kubelet = Callable[[Object, str, str], Object | None]
"""(pod, its address, the time) -> its status, or None while it is not known yet."""


def runs_at_once(pod: Object, address: str, moment: str) -> Object | None:
    """A pod whose containers run and are ready from the first moment."""
    return {
        "phase": "Running",
        "podIP": address,
        "startTime": moment,
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": moment}],
        "containerStatuses": [
            {
                "name": each["name"],
                "image": each["image"],
                "imageID": "",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": moment}},
            }
            for each in pod["spec"]["containers"]
        ],
    }


class Controllers:
    """What brings the cluster to what its objects ask for."""

    def __init__(self, store: Store, kubelet: Kubelet = runs_at_once) -> None:
        self._store = store
        self._kubelet = kubelet
        self._address = count(2)

    def act(self) -> None:
        """Do all that is left to do."""
        for _ in range(ROUNDS):
            before = self._store.version
            self._accounts()
            for deployment in self._store.all("deployments"):
                self._roll_out(deployment)
            for stateful_set in self._store.all("statefulsets"):
                keep(self._store, stateful_set)
            for replica_set in self._store.all("replicasets"):
                self._fill(replica_set)
            self._start_pods()
            for service in self._store.all("services"):
                self._endpoints(service)
            update_quotas(self._store)
            if self._store.version == before:
                return

    def _accounts(self) -> None:
        for each in self._store.all("namespaces"):
            name = each["metadata"]["name"]
            if not self._store.find("serviceaccounts", name, "default"):
                self._store.create(
                    {"kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}}
                )

    def _roll_out(self, deployment: Object) -> None:
        """Scale the replica set of the present template up and the others down, within the limits of the strategy."""
        owned = self._store.owned(deployment, "replicasets")
        present = next((each for each in owned if _same_template(each, deployment)), None)
        revision = str(1 + max((int(_revision(each)) for each in owned), default=0))
        if present is None:
            present = self._new_replica_set(deployment, revision)
        elif int(_revision(present)) < max(int(_revision(each)) for each in owned):
            present = self._annotated(present, revision)
        old = [each for each in owned if each["metadata"]["uid"] != present["metadata"]["uid"]]
        wanted = _sizes(deployment, present, old)
        for replica_set, size in zip([present, *old], wanted, strict=True):
            self._scale(deployment, replica_set, size)
        self._deployment_status(deployment, present, old)

    def _new_replica_set(self, deployment: Object, revision: str) -> Object:
        meta, spec = deployment["metadata"], deployment["spec"]
        digest = template_hash(spec["template"])
        template = copy.deepcopy(spec["template"])
        template.setdefault("metadata", {}).setdefault("labels", {})[HASH] = digest
        selector = copy.deepcopy(spec["selector"])
        selector.setdefault("matchLabels", {})[HASH] = digest
        return self._store.create(
            {
                "kind": "ReplicaSet",
                "metadata": {
                    "name": f"{meta['name']}-{digest}",
                    "namespace": meta["namespace"],
                    "labels": template["metadata"]["labels"],
                    "annotations": {REVISION: revision},
                    "ownerReferences": [owner_of(deployment)],
                },
                "spec": {"replicas": 0, "selector": selector, "template": template},
                "status": {"replicas": 0},
            }
        )

    def _annotated(self, replica_set: Object, revision: str) -> Object:
        changed = copy.deepcopy(replica_set)
        notes = changed["metadata"].setdefault("annotations", {})
        past = [*notes.get(HISTORY, "").split(","), notes[REVISION]]
        notes |= {REVISION: revision, HISTORY: ",".join(filter(None, past))}
        return self._store.replace(changed)

    def _scale(self, deployment: Object, replica_set: Object, size: int) -> None:
        known = self._store.get(
            "replicasets", replica_set["metadata"]["namespace"], replica_set["metadata"]["name"]
        )
        if known["spec"]["replicas"] == size:
            return
        verb = "up" if size > known["spec"]["replicas"] else "down"
        changed = copy.deepcopy(known)
        changed["spec"]["replicas"] = size
        self._store.replace(changed)
        message = f"Scaled {verb} replica set {known['metadata']['name']} to {size}"
        record(self._store, deployment, "ScalingReplicaSet", message, by="deployment-controller")

    def _deployment_status(self, deployment: Object, present: Object, old: list[Object]) -> None:
        sets = [self._pods(each) for each in (present, *old)]
        desired = deployment["spec"].get("replicas", 1)
        ready = sum(map(is_ready, [pod for pods in sets for pod in pods]))
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": sum(map(len, sets)),
            "updatedReplicas": len(sets[0]),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "unavailableReplicas": max(0, desired - ready),
            "conditions": _conditions(ready >= desired),
        }
        changed = copy.deepcopy(deployment) | {"status": status}
        changed["metadata"].setdefault("annotations", {})[REVISION] = _revision(present)
        self._store.replace(changed, part="all")

    def _pods(self, replica_set: Object) -> list[Object]:
        return self._store.owned(replica_set, "pods")

    def _fill(self, replica_set: Object) -> None:
        """Create and delete pods until there are as many as asked for."""
        pods = self._pods(replica_set)
        desired = replica_set["spec"]["replicas"]
        worst = sorted(pods, key=lambda pod: (is_ready(pod), pod["metadata"]["name"]))
        for pod in worst[: max(0, len(pods) - desired)]:
            self._delete(replica_set, pod)
        failed = any(self._refused(replica_set) for _ in range(desired - len(pods)))
        pods = self._pods(replica_set)
        status: Object = {
            "replicas": len(pods),
            "readyReplicas": sum(map(is_ready, pods)),
            "availableReplicas": sum(map(is_ready, pods)),
            "fullyLabeledReplicas": len(pods),
        }
        if failed:
            status["conditions"] = [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}]
        self._store.replace(copy.deepcopy(replica_set) | {"status": status}, part="all")

    def _delete(self, replica_set: Object, pod: Object) -> None:
        meta = pod["metadata"]
        self._store.delete(named("pods"), meta["namespace"], meta["name"])
        message = f"Deleted pod: {meta['name']}"
        record(self._store, replica_set, "SuccessfulDelete", message, by="replicaset-controller")

    def _refused(self, replica_set: Object) -> bool:
        """Create a pod; whether that was refused, which is said once for each state of affairs."""
        template, meta = copy.deepcopy(replica_set["spec"]["template"]), replica_set["metadata"]
        pod = {
            "kind": "Pod",
            "metadata": template.get("metadata", {})
            | {
                "generateName": f"{meta['name']}-",
                "namespace": meta["namespace"],
                "ownerReferences": [owner_of(replica_set)],
            },
            "spec": template["spec"],
        }
        try:
            admit(self._store, pod)
        except RefusedError as refusal:
            if replica_set.get("status", {}).get("conditions") is None:
                record(self._store, replica_set, "FailedCreate", f"Error creating: {refusal}",
                       kind="Warning", by="replicaset-controller")  # fmt: skip
            return True
        made = self._store.create(pod)
        message = f"Created pod: {made['metadata']['name']}"
        record(self._store, replica_set, "SuccessfulCreate", message, by="replicaset-controller")
        return False

    def _start_pods(self) -> None:
        """Give each new pod a node and ask the kubelet what became of it."""
        nodes = [each for each in self._store.all("nodes") if _open(each)]
        for pod in self._store.all("pods"):
            if "status" in pod:
                continue
            changed = copy.deepcopy(pod)
            if nodes and not pod["spec"].get("nodeName"):
                changed["spec"]["nodeName"] = nodes[next(self._address) % len(nodes)]["metadata"]["name"]
            address = f"10.244.0.{next(self._address) % 250}"
            status = self._kubelet(changed, address, stamp(self._store.clock()))
            changed["status"] = status or {"phase": "Pending"}
            self._store.replace(changed, part="all")

    def _endpoints(self, service: Object) -> None:
        """Addresses of the ready pods that a service selects, by port."""
        meta, selector = service["metadata"], service["spec"].get("selector")
        if not selector:
            return
        pods = [p for p in self._store.all("pods", meta["namespace"]) if _selects(selector, p)]
        subsets = _subsets(service, pods)
        item: Object = {
            "kind": "Endpoints",
            "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
        }
        item["subsets"] = subsets
        known = self._store.find("endpoints", meta["namespace"], meta["name"])
        if known is None:
            self._store.create(item)
        elif known.get("subsets") != subsets:
            self._store.replace(known | {"subsets": subsets})


def _revision(item: Object) -> str:
    return str(item["metadata"].get("annotations", {}).get(REVISION, "0"))


def _same_template(replica_set: Object, deployment: Object) -> bool:
    return str(replica_set["spec"]["selector"]["matchLabels"].get(HASH)) == template_hash(
        deployment["spec"]["template"]
    )


def _sizes(deployment: Object, present: Object, old: list[Object]) -> list[int]:
    """How many pods each replica set shall have now, the present one first."""
    spec = deployment["spec"]
    desired = spec.get("replicas", 1)
    strategy = spec.get("strategy") or {}
    rolling = strategy.get("rollingUpdate") or {}
    spare = _share(rolling.get("maxSurge", "25%"), desired, up=True)
    lacking = _share(rolling.get("maxUnavailable", "25%"), desired, up=False)
    if not spare and not lacking:
        lacking = 1
    sizes = [each["spec"]["replicas"] for each in old]
    if strategy.get("type") == "Recreate":
        return [0 if any(each["status"].get("replicas") for each in old) else desired, *[0] * len(old)]
    ready = [each.get("status", {}).get("readyReplicas", 0) for each in (present, *old)]
    removable = max(0, sum(ready) - (desired - lacking))
    for i in range(len(old)):
        sick = sizes[i] - min(sizes[i], ready[i + 1])
        gone = min(sizes[i], sick + removable)
        sizes[i] -= gone
        removable -= max(0, gone - sick)
    return [min(desired, max(desired + spare - sum(sizes), 0)), *sizes]


def _share(value: object, desired: int, *, up: bool) -> int:
    text = str(value)
    if not text.endswith("%"):
        return int(text)
    part = desired * int(text[:-1]) / 100
    return math.ceil(part) if up else math.floor(part)


def _conditions(complete: bool) -> list[Object]:
    return [
        {"type": "Available", "status": "True" if complete else "False",
         "reason": "MinimumReplicasAvailable" if complete else "MinimumReplicasUnavailable"},
        {"type": "Progressing", "status": "True",
         "reason": "NewReplicaSetAvailable" if complete else "ReplicaSetUpdated"},
    ]  # fmt: skip


def _open(node: Object) -> bool:
    conditions = node.get("status", {}).get("conditions") or ()
    ready = all(each["status"] == "True" for each in conditions if each["type"] == "Ready")
    return ready and not node.get("spec", {}).get("unschedulable")


def _selects(selector: Object, pod: Object) -> bool:
    return selector.items() <= (pod["metadata"].get("labels") or {}).items()


def _subsets(service: Object, pods: list[Object]) -> list[Object]:
    ready = [{"ip": p["status"]["podIP"]} for p in pods if is_ready(p) and p["status"].get("podIP")]
    waiting = [
        {"ip": p["status"]["podIP"]} for p in pods if not is_ready(p) and p.get("status", {}).get("podIP")
    ]
    ports = [port for each in service["spec"].get("ports") or () if (port := _target(each, pods))]
    if not pods or not ports or not (ready or waiting):
        return []
    found: Object = {"ports": ports}
    return [
        found | ({"addresses": ready} if ready else {}) | ({"notReadyAddresses": waiting} if waiting else {})
    ]


def _target(port: Object, pods: list[Object]) -> Object | None:
    """A port of the endpoints; a name is looked up among the ports of the containers."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, str) and not target.isdigit():
        opened = [each for pod in pods for c in pod["spec"]["containers"] for each in c.get("ports") or ()]
        target = next((each["containerPort"] for each in opened if each.get("name") == target), None)
    if target is None:
        return None
    name = {"name": port["name"]} if port.get("name") else {}
    return {"port": int(target), "protocol": port.get("protocol", "TCP")} | name
