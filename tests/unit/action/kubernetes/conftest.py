"""A cluster that is a contract server with a small shop in it, and an executor for it."""

from collections.abc import Iterator

import pytest
from tests.unit.action.kubernetes.shop import ROLLOUT, workload

from sre_copilot.action.executors.kubernetes import KubernetesExecutor, KubernetesExecutorSettings
from sre_copilot.testing.servers.kubernetes import Kubernetes, kubernetes


@pytest.fixture
def cluster() -> Iterator[Kubernetes]:
    with kubernetes() as running:
        names = {"plural": "rollouts", "kind": "Rollout"}
        running.define("example.org", "v1", names)
        running.apply(
            workload(), {"kind": "ConfigMap", "metadata": {"name": "shop"}, "data": {"A": "1", "B": "2"}}
        )
        yield running


@pytest.fixture
def executor(cluster: Kubernetes) -> Iterator[KubernetesExecutor]:
    found = KubernetesExecutor(KubernetesExecutorSettings(url=cluster.url, custom_resources=(ROLLOUT,)))
    yield found
    found.close()
