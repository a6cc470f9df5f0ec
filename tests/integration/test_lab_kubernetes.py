"""The shop on Kubernetes, seen by a real Prometheus that finds its pods by itself: what breaks it and what repairs it."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sre_copilot.action.executor import Call
from sre_copilot.action.executors.kubernetes import KubernetesExecutor, KubernetesExecutorSettings
from sre_copilot.domain.plan import Action, Target
from sre_copilot.testing.servers.real import free_port, missing, prometheus_server

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(missing("prometheus")), reason=missing("prometheus")),
]
pytest.importorskip("lightkube", reason="lightkube is not installed")
pytest.importorskip("redis", reason="the extra 'lab' is not installed")

from lab import cluster, stores  # noqa: E402
from lab.control import Release  # noqa: E402
from lab.layout import ENTRY, SERVICES  # noqa: E402
from lab.live import prometheus  # noqa: E402


@pytest.fixture(scope="module")
def shop() -> Iterator[cluster.ClusterShop]:
    try:
        stores.redis_command()
    except stores.MissingComponentError as error:
        pytest.skip(str(error))
    with cluster.running() as found:
        yield found


@pytest.fixture(scope="module")
def ask(
    shop: cluster.ClusterShop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], dict[str, float]]]:
    """Ask Prometheus; the answer by instance, or by service."""
    text = (
        prometheus.configuration_text(shop.configuration, 1, pods=True)
        .replace('"5s"', '"1s"')
        .replace('"2s"', '"1s"')
    )
    folder: Path = tmp_path_factory.mktemp("prometheus")
    with prometheus_server(folder, config=text, port=free_port()) as server:

        def asked(query: str) -> dict[str, float]:
            answer = httpx.get(f"{server.url}/api/v1/query", params={"query": query}, trust_env=False)
            found = answer.raise_for_status().json()["data"]["result"]
            return {json.dumps(each["metric"], sort_keys=True): float(each["value"][1]) for each in found}

        yield asked


def until(seen: Callable[[], Any], seconds: float = 40.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := seen()):
        assert time.monotonic() < end, "it was not seen in time"
        time.sleep(0.3)
    return found


def act(
    shop: cluster.ClusterShop, verb: str, name: str, kind: str = "Deployment", **parameters: Any
) -> float:
    """Let the executor do something; seconds until it says that it is so."""
    executor = KubernetesExecutor(KubernetesExecutorSettings(url=shop.url))
    target = Target(executor="kubernetes", kind=kind, name=name, namespace="default")
    asked, began = Action(name=f"kubernetes.{verb}", target=target, parameters=parameters), time.monotonic()
    call = Call(key=f"{verb}/{began}/do", deadline=began + 60)
    assert executor.execute(asked, call).changed
    until(lambda: executor.verify(asked, call).ok)
    executor.close()
    return time.monotonic() - began


def get(shop: cluster.ClusterShop) -> int:
    try:
        return httpx.get(
            f"{shop.configuration.address(ENTRY)}/products", trust_env=False, timeout=6
        ).status_code
    except httpx.TransportError:
        return 0


def test_prometheus_finds_the_pods_and_sees_what_repairs_do(
    shop: cluster.ClusterShop, ask: Callable[[str], dict[str, float]]
) -> None:
    until(lambda: len(ask("sum by (service) (up) == 1")) == len(SERVICES))
    assert until(lambda: get(shop) == 200)

    act(shop, "scale", "catalogue", replicas=2)
    until(lambda: list(ask('count(up{service="catalogue"} == 1)').values()) == [2.0])
    act(shop, "scale", "catalogue", replicas=1)

    before = ask('process_start_time_seconds{service="inventory"}')
    shop.signal("inventory", signal.SIGSTOP)
    until(lambda: list(ask('up{service="inventory"}').values()) == [0.0])
    act(shop, "rollout_restart", "inventory")
    until(lambda: list(ask('up{service="inventory"}').values()) == [1.0])
    assert ask('process_start_time_seconds{service="inventory"}') != before

    shop.release("catalogue", Release("9.9.9", ("raises",)))
    until(lambda: get(shop) >= 500)
    act(shop, "rollback", "catalogue")
    until(lambda: get(shop) == 200)

    shop.release("catalogue", Release("9.9.9", ("raises",)))
    until(lambda: get(shop) >= 500)
    shop.afflict("catalogue")  # what a fault does at its end, repaired or not
    until(lambda: get(shop) == 200)
