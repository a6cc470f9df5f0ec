"""A node that turns pods into real processes, so that restart, scale, rollback and delete have effects that others see.

with kubernetes(kubelet=waits) as cluster, node(cluster, folder) as running:
    httpx.post(cluster.url + "/apis/apps/v1/namespaces/default/deployments", json=deployment)
    running.pid("default", pod_name)

A container's `command` and `args` are run on this machine, as its user, with the container's `env` (values, `fieldRef` of name,
namespace and pod address, `configMapKeyRef`) and `envFrom` config maps. Images are not looked at. Each pod has an address of its own out of
127.1.0.0/16, on which its processes shall listen; services get a balancer (see `balancer.py`). What ends is started again after a pause
that doubles (CrashLoopBackOff); readiness is asked by `httpGet`, `tcpSocket` or `exec`. It knows no images, volumes, limits, or liveness.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from sre_copilot.testing.servers.kubernetes.balancer import Balancer
from sre_copilot.testing.servers.kubernetes.container_specs import argv, environment
from sre_copilot.testing.servers.kubernetes.containers import Container, Said
from sre_copilot.testing.servers.kubernetes.record import record
from sre_copilot.testing.servers.kubernetes.resources import Object
from sre_copilot.testing.servers.kubernetes.server import Kubernetes
from sre_copilot.testing.servers.kubernetes.store import stamp

TICK_S = (
    0.1  # between two looks at what there should be: short beside the seconds in which anybody sees an effect
)
PROBERS = 8  # readiness probes at once: one that hangs shall not keep the others waiting


def waits(pod: Object, address: str, moment: str) -> Object | None:
    """The kubelet of a cluster whose node looks after the pods itself."""
    return None


LogName = Callable[[Object, str], str]


def of_pod(pod: Object, container: str) -> str:
    """A file of its own for each container of each pod."""
    return f"{pod['metadata']['namespace']}_{pod['metadata']['name']}_{container}.log"


class Node:
    """Runs the pods of a cluster while it is entered; see `node`."""

    def __init__(
        self,
        cluster: Kubernetes,
        folder: Path,
        *,
        variables: Mapping[str, str],
        back_off_seconds: float,
        log_name: LogName,
    ) -> None:
        self._cluster = cluster
        self._folder = folder
        self._variables = dict(variables)
        self._back_off = back_off_seconds
        self._log_name = log_name
        self._running: dict[str, list[Container]] = {}
        self._addresses = count(1)
        self._probers = ThreadPoolExecutor(PROBERS, thread_name_prefix="probe")
        self._balancer = Balancer()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def pid(self, namespace: str, pod: str, container: str = "") -> int:
        """The process of a pod's container (the first, where none is named); 0 when it is not running."""
        with self._cluster.store.changed:
            uid = self._cluster.store.get("pods", namespace, pod)["metadata"]["uid"]
        found = (each.pid for each in self._running.get(uid, ()) if container in {"", each.name})
        return next(found, 0)

    def start(self) -> None:
        """Begin to look after pods."""
        self._thread.start()

    def stop(self) -> None:
        """End all processes, and wait for their end."""
        self._over.set()
        self._thread.join(10)
        for containers in self._running.values():
            for each in containers:
                each.stop(0)
        self._balancer.close()
        self._probers.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while not self._over.wait(TICK_S):
            with self._cluster.store.changed:
                pods = {each["metadata"]["uid"]: each for each in self._cluster.store.all("pods")}
                services = self._cluster.store.all("services")
                addresses = {
                    (each["metadata"]["namespace"], each["metadata"]["name"]): each
                    for each in self._cluster.store.all("endpoints")
                }
            self._end({uid for uid in self._running if uid not in pods}, pods)
            for uid, pod in pods.items():
                if uid not in self._running and pod["spec"].get("nodeName") and pod.get("status"):
                    self._begin(pod)
                self._look(pod)
            self._balancer.follow(services, addresses)

    def _end(self, gone: set[str], pods: Mapping[str, Object]) -> None:
        for uid in gone:
            for each in self._running.pop(uid):
                threading.Thread(target=each.stop, args=(each.grace_seconds,), daemon=True).start()

    def _begin(self, pod: Object) -> None:
        number = next(self._addresses)
        address = f"127.1.{number // 254 % 254}.{number % 254 + 1}"
        meta = pod["metadata"]
        with self._cluster.store.changed:
            maps = {each["metadata"]["name"]: each.get("data") or {}
                    for each in self._cluster.store.all("configmaps", meta["namespace"])}  # fmt: skip
        self._running[meta["uid"]] = [
            Container(
                spec=each,
                address=address,
                command=argv(each),
                variables=self._variables | environment(each, pod, address, maps),
                log=self._folder / self._log_name(pod, each["name"]),
                grace_seconds=float(pod["spec"].get("terminationGracePeriodSeconds", 30)),
                restarts_always=pod["spec"].get("restartPolicy", "Always") == "Always",
                back_off_seconds=self._back_off,
            )
            for each in pod["spec"]["containers"]
        ]

    def _look(self, pod: Object) -> None:
        """Go on with a pod's containers, and write what became of them."""
        containers = self._running.get(pod["metadata"]["uid"], [])
        if not containers:
            return
        said = [event for each in containers for event in each.tick(self._probers)]
        status = self._status(pod, containers)
        place = pod["metadata"]["namespace"], pod["metadata"]["name"]
        for each in containers:
            self._cluster.objects.logs[(*place, each.name)] = each.lines
            self._cluster.objects.logs[(*place, f"{each.name} previous")] = each.previous
        if said or _matters(pod.get("status") or {}, status):
            self._write(pod, status, said)

    def _write(self, pod: Object, status: Object, said: list[Said]) -> None:
        store, meta = self._cluster.store, pod["metadata"]
        with store.request():
            present = store.find("pods", meta["namespace"], meta["name"])
            if present is None or present["metadata"]["uid"] != meta["uid"]:
                return
            for kind, reason, message in said:
                record(store, present, reason, message, kind=kind, by="kubelet")
            store.replace(copy.deepcopy(present) | {"status": status}, part="status")

    def _status(self, pod: Object, containers: list[Container]) -> Object:
        moment = stamp(self._cluster.store.clock())
        ready = all(each.ready for each in containers)
        before = {each["type"]: each for each in (pod.get("status") or {}).get("conditions") or ()}
        condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": moment}
        if (before.get("Ready") or {}).get("status") == condition["status"]:
            condition = before["Ready"]
        return {
            "phase": "Running",
            "podIP": containers[0].address,
            "hostIP": "127.0.0.1",
            "startTime": pod["metadata"]["creationTimestamp"],
            "conditions": [condition],
            "containerStatuses": [each.status() for each in containers],
        }


@contextmanager
def node(
    cluster: Kubernetes,
    folder: Path,
    *,
    variables: Mapping[str, str] | None = None,
    back_off_seconds: float = 1.0,
    log_name: LogName = of_pod,
) -> Iterator[Node]:
    """Run the pods of a cluster as processes while the context is open; their output lies in `folder`.

    `variables` are given to every process besides its own. `back_off_seconds` is the first pause before a container that has ended is started
    again: a kubelet waits ten seconds, which no test can. `log_name` names the file that a container's output is appended to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = Node(
        cluster, folder, variables=variables or {}, back_off_seconds=back_off_seconds, log_name=log_name
    )
    found.start()
    try:
        yield found
    finally:
        found.stop()


def _matters(before: Object, after: Object) -> bool:
    return {key: before.get(key) for key in after} != after
