"""Pods of the stand-in as real processes: what is done to the cluster happens to them."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sre_copilot.action.executor import Call
from sre_copilot.action.executors.kubernetes import KubernetesExecutor, KubernetesExecutorSettings
from sre_copilot.domain.plan import Action, Target
from sre_copilot.testing.servers.kubernetes import Kubernetes, Node, kubernetes, node, waits
from sre_copilot.testing.servers.real import free_port

PORT = free_port()
SERVER = """
import http.server, os, sys
if os.environ["VERSION"] == "bad": sys.exit("no such table")
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{os.environ['POD']} {os.environ['VERSION']} {os.environ['COLOUR']}".encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *given): pass
print("ready to serve", flush=True)
http.server.ThreadingHTTPServer((os.environ["ADDRESS"], int(sys.argv[1])), Answer).serve_forever()
"""


def shop(version: str = "1", **spec: Any) -> dict[str, Any]:
    labels = {"app": "shop"}
    env = [
        {"name": "VERSION", "value": version},
        {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "shop", "key": "COLOUR"}}},
        {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]
    container = {
        "name": "web", "image": f"shop:{version}", "env": env, "command": [sys.executable, "-c", SERVER, str(PORT)],
        "ports": [{"name": "http", "containerPort": PORT}],
        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 0.1, "timeoutSeconds": 0.5, "failureThreshold": 2},
    }  # fmt: skip
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }
    whole = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template} | spec
    return {"kind": "Deployment", "metadata": {"name": "shop", "namespace": "default"}, "spec": whole}


@pytest.fixture
def cluster() -> Iterator[Kubernetes]:
    with kubernetes(kubelet=waits) as running:
        running.apply(
            {"kind": "ConfigMap", "metadata": {"name": "shop"}, "data": {"COLOUR": "blue"}},
            {"kind": "Service", "metadata": {"name": "shop"},
             "spec": {"clusterIP": "127.2.0.1", "selector": {"app": "shop"}, "ports": [{"port": PORT, "targetPort": "http"}]}},
            shop(),
        )  # fmt: skip
        yield running


@pytest.fixture
def machine(cluster: Kubernetes, tmp_path: Path) -> Iterator[Node]:
    with node(cluster, tmp_path, back_off_seconds=0.2) as running:
        until(lambda: len(answers()) == 2)
        yield running


def until(seen: Callable[[], Any], seconds: float = 15.0) -> Any:
    """What is seen at last; fails when it is not seen in time."""
    end = time.monotonic() + seconds
    while not (found := seen()):
        assert time.monotonic() < end, "it was not seen in time"
        time.sleep(0.05)
    return found


def answers(times: int = 6) -> set[str]:
    """Who answers at the address of the service."""
    found = set()
    for _ in range(times):
        try:
            found.add(httpx.get(f"http://127.2.0.1:{PORT}/", trust_env=False, timeout=2).text)
        except httpx.TransportError:
            continue
    return found


def versions() -> set[str]:
    return {each.split()[1] for each in answers()}


def done(cluster: Kubernetes, verb: str, kind: str, name: str = "shop", **parameters: Any) -> None:
    """Let the executor do something, and wait until it says that it is so."""
    executor = KubernetesExecutor(KubernetesExecutorSettings(url=cluster.url))
    asked = Action(
        name=f"kubernetes.{verb}",
        target=Target(executor="kubernetes", kind=kind, name=name, namespace="default"),
        parameters=parameters,
    )
    call = Call(key=f"{verb}/{time.monotonic()}/do", deadline=time.monotonic() + 20)
    assert executor.execute(asked, call).changed
    until(lambda: executor.verify(asked, call).ok)
    executor.close()


def pods(cluster: Kubernetes) -> list[dict[str, Any]]:
    with cluster.store.changed:
        return cluster.store.all("pods")


def test_a_service_answers_from_all_of_its_pods_and_scaling_makes_more(
    cluster: Kubernetes, machine: Node
) -> None:
    done(cluster, "scale", "Deployment", replicas=3)
    assert len(until(lambda: len(found := answers(9)) == 3 and found)) == 3
    pids = {machine.pid("default", each["metadata"]["name"]) for each in pods(cluster)}
    assert len(pids) == 3
    done(cluster, "scale", "Deployment", replicas=1)
    until(lambda: sum(Path(f"/proc/{pid}").exists() for pid in pids) == 1)


def test_a_process_that_hangs_is_not_ready_and_its_restart_heals(cluster: Kubernetes, machine: Node) -> None:
    hung = pods(cluster)[0]["metadata"]["name"]
    pid = machine.pid("default", hung)
    os.kill(pid, signal.SIGSTOP)
    until(lambda: cluster.store.get("deployments", "default", "shop")["status"]["readyReplicas"] == 1)
    done(cluster, "restart_pod", "Pod", hung, grace_seconds=0)
    assert until(lambda: len(answers()) == 2)
    until(lambda: not Path(f"/proc/{pid}").exists())


def test_a_bad_release_crashes_in_a_loop_and_the_rollback_ends_it(cluster: Kubernetes, machine: Node) -> None:
    bad = shop("bad", strategy={"type": "Recreate"})
    client = httpx.Client(base_url=cluster.url, trust_env=False)
    client.put("/apis/apps/v1/namespaces/default/deployments/shop", json=bad).raise_for_status()

    def looping() -> list[dict[str, Any]]:
        return [each for each in pods(cluster) for one in each["status"].get("containerStatuses") or ()
                if one["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff" and one["restartCount"] >= 1]  # fmt: skip

    sick = until(looping)[0]["metadata"]["name"]
    assert answers() == set()
    log = client.get(f"/api/v1/namespaces/default/pods/{sick}/log", params={"previous": "true"}).text
    assert log == "no such table\n"
    reasons = {each["reason"] for each in client.get("/api/v1/namespaces/default/events").json()["items"]}
    assert reasons >= {"BackOff", "Started", "ScalingReplicaSet"}
    done(cluster, "rollback", "Deployment")
    until(lambda: versions() == {"1"} and len(answers()) == 2)


def test_a_process_that_is_killed_comes_back_and_is_counted(cluster: Kubernetes, machine: Node) -> None:
    name = pods(cluster)[0]["metadata"]["name"]
    os.kill(first := machine.pid("default", name), signal.SIGKILL)
    until(lambda: machine.pid("default", name) not in {0, first})
    status = until(
        lambda: next(
            (
                one
                for one in cluster.store.get("pods", "default", name)["status"]["containerStatuses"]
                if one["ready"] and one["restartCount"]
            ),
            None,
        )
    )
    assert (status["restartCount"], status["lastState"]["terminated"]["exitCode"]) == (1, 137)


def test_a_restored_configuration_reaches_the_processes(cluster: Kubernetes, machine: Node) -> None:
    cluster.apply({"kind": "ConfigMap", "metadata": {"name": "before"}, "data": {"COLOUR": "green"}})
    done(cluster, "restore_configuration", "ConfigMap", source="before")
    until(lambda: {each.split()[2] for each in answers()} == {"green"})


def test_everything_ends_with_the_context(tmp_path: Path) -> None:
    with kubernetes(kubelet=waits) as cluster:
        cluster.apply({"kind": "ConfigMap", "metadata": {"name": "shop"}, "data": {"COLOUR": "blue"}}, shop())
        with node(cluster, tmp_path) as machine:
            pid = until(
                lambda: next(
                    (
                        found
                        for each in pods(cluster)
                        if (found := machine.pid("default", each["metadata"]["name"]))
                    ),
                    0,
                )
            )
        assert not Path(f"/proc/{pid}").exists()
