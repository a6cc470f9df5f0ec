from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.cognition.state.cluster_text import NAMESPACE, City, Worker

from sre_copilot.cognition.rca.state_rank import localise
from sre_copilot.cognition.state.detector import detect
from sre_copilot.domain.signals import Alert

DOWN = {
    "status": "Pending",
    "ready": False,
    "replicas": "1 desired | 1 updated | 1 total | 0 available | 1 unavailable",
}
CRASHING = {
    "state": "Waiting",
    "reason": "CrashLoopBackOff",
    "ready": False,
    "restarts": 5,
    "last_reason": "Error",
}
LATE = "2031-01-01T00:0{minute}:00Z "


def scheduling(reason: str) -> tuple[str, ...]:
    return (
        f"Warning  FailedScheduling  9s  default-scheduler  0/3 nodes are available: {reason}. preemption: 0/3 nodes are available.",
    )


def waiting(reason: str, message: str, kind: str = "Failed") -> dict[str, object]:
    return DOWN | {
        "state": "Waiting",
        "reason": reason,
        "events": (f"Warning  {kind}  9s (x2 over 20s)  kubelet  {message}",),
    }


def claims(
    *volumes: str, claim: str = "StorageClass:  ", event: str = "no persistent volumes available"
) -> City:
    pvc = f"Name:  keep\n{claim}\nStatus:  Pending\nEvents:\n  Normal  FailedBinding  1s  controller  {event}"
    extra = [(f"kubectl describe persistentvolumeclaims keep -n {NAMESPACE}", pvc)]
    extra += [
        (f"kubectl describe persistentvolumes v{i}", f"Name:  v{i}\n{text}") for i, text in enumerate(volumes)
    ]
    mounted = City().bend(
        "deep",
        **DOWN,
        node="",
        volumes=("  data:", "    Type:  PersistentVolumeClaim", "    ClaimName:  keep"),
    )
    return replace(mounted, extra=tuple(extra))


CITY = City()
CASES: dict[str, tuple[City, str, str]] = {
    "node selector": (
        CITY.bend("corn", **DOWN, node="", selectors="zone=moon", events=scheduling("3 node(s) didn't match Pod's node affinity/selector")),
        "app/corn", "scheduling/node-selector"),
    "older words for a node selector": (
        CITY.bend("corn", **DOWN, node="", selectors="zone=moon", events=scheduling("3 node(s) didn't match node selector")),
        "app/corn", "scheduling/node-selector"),
    "node affinity": (
        CITY.bend("corn", **DOWN, node="", events=scheduling("3 node(s) didn't match Pod's node affinity/selector")),
        "app/corn", "scheduling/node-affinity"),
    "cordon of the node that a selector means": (
        replace(CITY, nodes=(Worker("iron", "disk=hdd"), Worker("gold", closed=True), Worker("rock", "disk=hdd"))).bend(
            "corn", **DOWN, node="", selectors="disk=ssd",
            events=scheduling("1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector")),
        "app/corn", "scheduling/node-cordoned"),
    "taint": (
        CITY.bend("corn", **DOWN, node="", events=scheduling("3 node(s) had taint {team: red}, that the pod didn't tolerate")),
        "app/corn", "scheduling/taint"),
    "memory": (CITY.bend("corn", **DOWN, node="", events=scheduling("1 node(s) were unschedulable, 2 Insufficient memory")),
               "app/corn", "scheduling/memory-capacity"),
    "scheduler": (
        CITY.bend("lamp", events=("Normal  Scheduled  9m  default-scheduler  Successfully assigned",)).bend("corn", **DOWN, node=""),
        "node/rock", "node/scheduler"),
    "kubelet": (replace(CITY, nodes=(Worker("iron"), Worker("gold", ready="Ready  Unknown  NodeStatusUnknown  Kubelet stopped posting"))),
                "node/gold", "node/kubelet"),
    "container runtime": (
        replace(CITY, nodes=(Worker("iron"), Worker("gold", ready="Ready  False  KubeletNotReady  container runtime is down"))),
        "node/gold", "node/container-runtime"),
    "no replicas": (CITY.bend("corn", replicas="0 desired | 0 updated | 0 total | 0 available | 0 unavailable", pod=False),
                    "app/corn", "runtime/no-replicas"),
    "service selects nothing": (CITY.bend("corn", selector="app=korn", endpoint="<none>"), "app/corn", "routing/selector"),
    "target port": (CITY.bend("corn", target="8009/TCP"), "app/corn", "routing/port"),
    "named target port that no container has": (CITY.bend("corn", target="web/TCP", endpoint="10.2.0.3"), "app/corn", "routing/port"),
    "protocol": (CITY.bend("corn", service_port="8000/UDP", target="8000/UDP"), "app/corn", "routing/protocol"),
    "address": (CITY.bend("lamp", environment=("BOOK_ADDR:  book:8100", "CORN_ADDR:  corn:8000")), "app/lamp", "routing/address"),
    "database port in a variable of its own": (CITY.bend("corn", environment=("DB_HOST:  deep", "DB_PORT:  3307")),
                                               "app/corn", "database/address"),
    "image that does not exist": (CITY.bend("book", **waiting("ErrImagePull", "Failed to pull image: manifest unknown")),
                                  "app/book", "startup/image-reference"),
    "registry without a name": (CITY.bend("book", **waiting("ImagePullBackOff", "Failed to pull image: lookup x.test: no such host")),
                                "app/book", "startup/registry-dns"),
    "credentials of the registry": (
        CITY.bend("book", **(waiting("ErrImagePull", "Unable to retrieve some image pull secrets (k)", "FailedToRetrieveImagePullSecret"))),
        "app/book", "startup/image-pull-secret"),
    "secret": (CITY.bend("book", **waiting("CreateContainerConfigError", 'Error: secret "token" not found')), "app/book", "startup/secret"),
    "configuration in a volume": (CITY.bend("book", **waiting("ContainerCreating", 'configmap "words" not found', "FailedMount")),
                                  "app/book", "startup/secret"),
    "out of memory": (CITY.bend("book", **(CRASHING | {"last_reason": "OOMKilled"})), "app/book", "resource/out-of-memory"),
    "port conflict": (replace(CITY.bend("book", **CRASHING, sidecar_port=8000), logs=(("book", "bind: address already in use"),)),
                      "app/book", "runtime/port-conflict"),
    "volume permission": (
        replace(CITY.bend("deep", **CRASHING, volumes=("  data:", "    Type:  HostPath")), logs=(("deep", "open data: Permission denied"),)),
        "app/deep", "startup/volume-permission"),
    "liveness port": (
        CITY.bend("book", restarts=3, liveness="http-get http://:8001/ delay=5s period=10s #failure=3",
                  events=("Warning  Unhealthy  2s (x9 over 80s)  kubelet  Liveness probe failed: connection refused",)),
        "app/book", "runtime/liveness-port"),
    "liveness timing": (
        CITY.bend("book", restarts=3, liveness="http-get http://:8000/health delay=1s period=1s #failure=1",
                  events=("Warning  Unhealthy  2s (x9 over 80s)  kubelet  Liveness probe failed: connection refused",)),
        "app/book", "runtime/liveness-timing"),
    "readiness protocol": (
        CITY.bend("book", ready=False, readiness="grpc <pod>:8000  delay=5s",
                  events=("Warning  Unhealthy  2s (x9 over 80s)  kubelet  Readiness probe failed: timeout: failed to connect",)),
        "app/book", "runtime/readiness-protocol"),
    "claim capacity": (claims("Status:  Available\nCapacity:  1Gi\nAccess Modes:  RWO"), "app/deep", "scheduling/claim-capacity"),
    "claim access mode": (claims("Status:  Available\nCapacity:  1Gi\nAccess Modes:  ROX"), "app/deep", "scheduling/claim-access-mode"),
    "claim selector": (claims("Status:  Available\nLabels:  kind=fast\nAccess Modes:  RWO"), "app/deep", "scheduling/claim-selector"),
    "claim storage class": (claims("Status:  Available\nAccess Modes:  RWO", claim="StorageClass:  gold"),
                            "app/deep", "scheduling/claim-storage-class"),
    "occupied volume": (claims("Status:  Bound\nClaim:  harbour/other\nAccess Modes:  RWO"), "app/deep", "scheduling/volume-occupied"),
    "service account": (
        CITY.bend("book", pod=False, replica_set_events=(
            'Warning  FailedCreate  9s  rs  Error creating: pods "b" is forbidden: serviceaccount "boo" not found',)),
        "app/book", "admission/service-account"),
    "quota": (
        CITY.bend("book", pod=False, replica_set_events=(
            "Warning  FailedCreate  9s  rs  pods is forbidden: exceeded quota: q, requested: requests.cpu=1, used: requests.cpu=4, limited: 4",)),
        "namespace/harbour", "admission/quota-cpu"),
    "refused credentials": (replace(CITY, logs=(("corn", "SQLException: Access denied for user 'u'@'10.2.0.3'"),) * 3),
                            "app/corn", "database/credentials"),
    "no connections left": (replace(CITY, logs=(("corn", "ERROR 1040: Too many connections"),) * 3), "app/deep", "database/connections"),
    "read-only database": (
        replace(CITY, logs=(("corn", "The MySQL server is running with the --read-only option so it cannot execute this statement"),) * 3),
        "app/deep", "database/read-only"),
    "a name that does not resolve until the end": (
        replace(CITY, logs=tuple((name, LATE.format(minute=minute) + "dial tcp: lookup corn on 10.0.0.10:53: no such host")
                                 for name in ("lamp", "book") for minute in range(6))),
        "app/corn", "routing/dns"),
    "kube-proxy": (
        replace(CITY, logs=(*((name, "dial tcp 10.3.0.3:8000: i/o timeout") for name in ("lamp", "book") for _ in range(5)),)),
        "node/iron", "node/kube-proxy"),
    "gateway": (
        replace(CITY.bend("lamp", volumes=("  routes:", "    Type:  ConfigMap (a volume)", "    Name:  routes")),
                extra=((f"kubectl describe configmaps routes -n {NAMESPACE}", "Data\n====\n proxy_pass http://book:9999;"),)),
        "app/lamp", "routing/gateway"),
    "processor": (
        replace(CITY, alerts=(Alert("book", "Service", "book", ("CPU [core] | Normal=0.10 cores -> Current=0.90 cores", "cpu throttled | Val: 0.6s")),)),
        "app/book", "resource/cpu"),
    "packet loss": (
        replace(CITY, alerts=(Alert("gold", "Node", "gold", ("TCP Retransmission | Normal=0.01 -> Current=8.4",)),
                              Alert("iron", "Node", "iron", ("TCP Retransmission | Normal=0.01 -> Current=2.4",)))),
        "node/gold", "node/network-loss"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_fault_is_found_on_the_object_that_has_it(name: str) -> None:
    city, entity, fault = CASES[name]
    observation = city.observe()
    ranking = localise(observation, detect(observation).findings)
    assert ranking is not None
    first, second = ranking.suspects[:2]
    assert (first.entity, first.fault_type) == (entity, fault)
    assert first.score >= 5
    assert first.score > second.score


def test_a_sound_cluster_has_no_suspect() -> None:
    observation = CITY.observe()
    ranking = localise(observation, detect(observation).findings)
    assert ranking is not None
    assert {each.entity for each in ranking.suspects} >= {"app/lamp", "node/iron", "namespace/harbour"}
    assert all(each.score == 0 for each in ranking.suspects)


def test_old_warnings_of_a_healthy_pod_are_start_up_noise() -> None:
    noise = (
        "Warning  Unhealthy  60s (x2 over 70s)  kubelet  Liveness probe failed: connection refused",
        *scheduling("3 Insufficient cpu"),
    )
    observation = CITY.bend("book", events=noise).observe()
    assert not detect(observation).findings


def test_names_that_failed_while_the_system_started_are_no_cause() -> None:
    early = tuple(
        ("lamp", LATE.format(minute=0) + "lookup corn on 10.0.0.10:53: no such host") for _ in range(9)
    )
    later = tuple(("lamp", LATE.format(minute=minute) + "served") for minute in range(9))
    assert not detect(replace(CITY, logs=early + later).observe()).findings


def test_a_reference_to_an_optional_service_is_no_cause() -> None:
    observation = CITY.bend("lamp", environment=("EXTRA_ADDR:  chat:80",)).observe()
    assert not detect(observation).findings


def test_the_path_leads_from_the_suspect_to_what_nothing_calls() -> None:
    observation = CITY.bend("corn", target="8009/TCP").observe()
    ranking = localise(observation, detect(observation).findings)
    assert ranking is not None
    assert ranking.suspects[0].path[0] == "app/corn"
    assert ranking.suspects[0].path[-1] == "app/lamp"


def test_state_that_was_not_recorded_gives_no_ranking() -> None:
    observation = CITY.observe()
    without = replace(observation, current=replace(observation.current, state=None))
    assert localise(without, ()) is None
    assert not detect(without).findings


def test_missing_outputs_are_reported_as_gaps() -> None:
    observation = replace(CITY, nodes=()).observe()
    missing = {dict(gap.message.params).get("missing") for gap in detect(observation).gaps}
    assert "nodes" in missing
    assert "pods" not in missing
