"""The source `kubernetes` keeps to what every source keeps to."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sre_copilot.perception.cluster.access import KubernetesSettings
from sre_copilot.perception.kubernetes import KubernetesSource
from sre_copilot.perception.source import Reading
from sre_copilot.testing.servers.kubernetes import Kubernetes, kubernetes
from sre_copilot.testing.source_contract import SourceContract


@dataclass
class Stored:
    cluster: Kubernetes
    page: int = 7

    @property
    def url(self) -> str:
        return self.cluster.url

    def store(self, times: Sequence[int]) -> None:
        self.cluster.apply(*(event(number, time) for number, time in enumerate(times)))

    def source(self, **settings: Any) -> KubernetesSource:
        given = {"url": self.url, "page_size": self.page, "requests_per_second": 1000.0}
        return KubernetesSource(KubernetesSettings(**(given | settings)))

    def times(self, reading: Reading) -> list[int]:
        assert reading.telemetry.logs is not None
        return [ts // 10**9 for ts in reading.telemetry.logs["ts_ns"].to_list()]


def event(number: int, time: float) -> dict[str, Any]:
    moment = datetime.fromtimestamp(time, UTC).isoformat()
    return {
        "kind": "Event",
        "metadata": {"name": f"shop.{number}", "namespace": "default"},
        "involvedObject": {"kind": "Deployment", "name": "shop", "namespace": "default"},
        "type": "Warning",
        "reason": "Restarted",
        "message": f"number {number}",
        "lastTimestamp": moment,
        "firstTimestamp": moment,
        "count": 1,
    }


class TestKubernetes(SourceContract):
    @contextmanager
    def system(self, folder: Path) -> Iterator[Stored]:
        with kubernetes() as cluster:
            yield Stored(cluster)
