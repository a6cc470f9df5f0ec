"""Each action of the executor `kubernetes` keeps to what every executor must keep to."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from tests.unit.action.kubernetes.shop import ROLLOUT, action, call, got, pods, workload
from tests.unit.action.kubernetes.test_actions import CANARY, ingress, release, state

from sre_copilot.action.executors.kubernetes import KubernetesExecutor, KubernetesExecutorSettings
from sre_copilot.domain.plan import Action
from sre_copilot.testing.executor_contract import SECRET, Case, ExecutorContract
from sre_copilot.testing.servers.kubernetes import Kubernetes, kubernetes
from sre_copilot.testing.servers.relay import relay


def executor(url: str) -> KubernetesExecutor:
    settings = KubernetesExecutorSettings(
        url=url, bearer_token=SecretStr(SECRET), timeout_seconds=0.4, custom_resources=(ROLLOUT,)
    )
    return KubernetesExecutor(settings)


def furnished(cluster: Kubernetes) -> None:
    """A shop with a past, and something of every kind that is acted on."""
    cluster.define("example.org", "v1", {"plural": "rollouts", "kind": "Rollout"})
    service = {"kind": "Service", "metadata": {"name": "shop"}, "spec": {"selector": {"app": "shop"}, "ports": [{"port": 80}]}}  # fmt: skip
    rollout = {"kind": "Rollout", "apiVersion": "example.org/v1", "metadata": {"name": "shop", "namespace": "default"},
               "spec": {"weight": 5}}  # fmt: skip
    cluster.apply(
        {"kind": "ConfigMap", "metadata": {"name": "shop"}, "data": {"A": "1", "B": "2"}},
        {"kind": "ConfigMap", "metadata": {"name": "before"}, "data": {"A": SECRET}},
        workload(),
        workload("StatefulSet", "db", "db:1"),
        workload("Deployment", "green", "green:1"),
        service,
        rollout,
        ingress(**CANARY),
    )
    release(cluster, "shop:2")
    cluster.token = SECRET


def losing(found: KubernetesExecutor, lose: Callable[[], None]) -> KubernetesExecutor:
    """From the first change on answers are lost; what is only read before still arrives."""
    cluster = found._cluster
    ask = cluster._ask

    def asked(method: str, path: str, **more: Any) -> Any:
        if method != "GET":
            lose()
            cluster.close()
        return ask(method, path, **more)

    cluster._ask = asked  # type: ignore[method-assign]  # the moment at which answers begin to be lost
    return found


class Kept(ExecutorContract):
    """All of them; subclasses say which action, and how its effects are counted."""

    __test__ = False
    asked: Action
    absent: Action

    def count(self, cluster: Kubernetes, before: Any) -> int:
        """How often it was done: 0 or 1 where the state tells."""
        return int(state(cluster) != before)

    def opened(self, folder: Path) -> Any:
        return self._opened()

    @contextmanager
    def _opened(self) -> Iterator[Case]:
        with kubernetes() as cluster:
            furnished(cluster)
            before = copy.deepcopy(self.mark(cluster))

            @contextmanager
            def through(manner: Any) -> Iterator[KubernetesExecutor]:
                with relay(("127.0.0.1", urlsplit(cluster.url).port or 0)) as between:
                    found = executor(f"http://127.0.0.1:{between.address[1]}")  # type: ignore[index]
                    if manner == "silent":
                        between.manner = manner
                    yield (
                        found
                        if manner == "silent"
                        else losing(found, lambda: setattr(between, "manner", manner))
                    )
                    found.close()

            yield Case(
                executor=lambda: executor(cluster.url),
                action=self.asked,
                effects=lambda: self.count(cluster, before),
                state=lambda: state(cluster),
                absent=self.absent,
                refused=((Action(name="kubernetes.explode", target=self.asked.target), "explode"),),
                unreachable=lambda: executor("http://127.0.0.1:1"),
                silent=lambda: through("silent"),
                lost=lambda: through("lost"),
            )

    def mark(self, cluster: Kubernetes) -> Any:
        """What effects are counted from."""
        return state(cluster)


class TestScale(Kept):
    __test__ = True
    asked, absent = (
        action("scale", "Deployment", replicas=4),
        action("scale", "Deployment", "nobody", replicas=4),
    )


class TestRolloutRestart(Kept):
    __test__ = True
    asked, absent = action("rollout_restart", "Deployment"), action("rollout_restart", "Deployment", "nobody")

    def mark(self, cluster: Kubernetes) -> Any:
        return len(
            [
                each
                for each in cluster.store.all("replicasets")
                if each["metadata"]["name"].startswith("shop-")
            ]
        )

    def count(self, cluster: Kubernetes, before: Any) -> int:
        return int(self.mark(cluster)) - int(before)


class TestRestartPod(Kept):
    __test__ = True
    asked, absent = action("restart_pod", "Pod", "db-0"), action("restart_pod", "Pod", "nobody")

    def mark(self, cluster: Kubernetes) -> Any:
        return None

    def count(self, cluster: Kubernetes, before: Any) -> int:
        gone = [write for write in cluster.store.writes if write.plural == "pods" and write.after is None]
        return len([write for write in gone if write.before and write.before["metadata"]["name"] == "db-0"])


@pytest.mark.integration  # kept to the same by the same code as another one; all of them take a minute
class TestEvict(TestRestartPod):
    asked, absent = action("evict", "Pod", "db-0"), action("evict", "Pod", "nobody")


@pytest.mark.integration  # kept to the same by the same code as another one; all of them take a minute
class TestRestoreConfiguration(Kept):
    __test__ = True
    asked = action("restore_configuration", "ConfigMap", source="before")
    absent = action("restore_configuration", "ConfigMap", "nobody", source="before")


@pytest.mark.integration  # kept to the same by the same code as another one; all of them take a minute
class TestCordon(Kept):
    __test__ = True
    asked, absent = action("cordon", "Node", "node-1", ""), action("cordon", "Node", "nobody", "")


@pytest.mark.integration  # kept to the same by the same code as another one; all of them take a minute
class TestTrafficWeight(Kept):
    __test__ = True
    asked, absent = (
        action("traffic_weight", "Ingress", weight=0),
        action("traffic_weight", "Ingress", "nobody", weight=0),
    )


@pytest.mark.integration  # kept to the same by the same code as another one; all of them take a minute
class TestSwitchTraffic(Kept):
    __test__ = True
    asked = action("switch_traffic", "Service", selector={"app": "green"})
    absent = action("switch_traffic", "Service", "nobody", selector={"app": "green"})


@pytest.mark.integration  # kept to the same by the same code as another one; all of them take a minute
class TestPatchCustom(Kept):
    __test__ = True
    asked = action("patch_rollout", "Rollout", field="spec.weight", value=50)
    absent = action("patch_rollout", "Rollout", "nobody", field="spec.weight", value=50)


class TestRollback(Kept):
    __test__ = True
    asked, absent = action("rollback", "Deployment"), action("rollback", "Deployment", "nobody")

    def mark(self, cluster: Kubernetes) -> Any:
        return int(
            got(cluster, "deployments")["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
        )

    def count(self, cluster: Kubernetes, before: Any) -> int:
        return int(self.mark(cluster)) - int(before)


def test_a_rollback_passes_over_revisions_that_are_only_restarts() -> None:
    with kubernetes() as cluster:
        furnished(cluster)
        found = executor(cluster.url)
        found.execute(action("rollout_restart", "Deployment"), call("PLAN-1/s1/do"))
        found.execute(action("rollback", "Deployment"), call("PLAN-1/s2/do"))
        assert {each["spec"]["containers"][0]["image"] for each in pods(cluster)} == {"shop:1"}
