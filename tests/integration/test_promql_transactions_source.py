"""The source `promql_transactions` against a real Prometheus."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceAnswerError
from sre_copilot.perception.promql_transactions import PromqlTransactionsSettings, PromqlTransactionsSource
from sre_copilot.perception.source import Reading
from sre_copilot.testing.servers.real import missing, prometheus_server
from sre_copilot.testing.servers.remote_write import remote_write
from sre_copilot.testing.source_contract import NOW, SourceContract

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(missing("prometheus")), reason=missing("prometheus")),
]
QUERIES = {
    "volume": "sum by (service, channel) (last_over_time(orders[$step]))",
    "failures": "sum by (service, channel) (last_over_time(orders_failed[$step]))",
    "amount": "sum by (service, channel) (last_over_time(orders_amount[$step]))",
    "latency_ms": "sum by (service, channel) (last_over_time(orders_seconds[$step])) * 1000",
}


@dataclass
class Orders:
    url: str
    page: int = 0

    def store(self, times: Sequence[int]) -> None:
        self.write("orders", [(ts + 30, 5.0) for ts in times])

    def write(self, name: str, samples: list[tuple[int, float]], **labels: str) -> None:
        remote_write(self.url, [({"__name__": name, "service": "shop", "channel": "web"} | labels, samples)])

    def source(self, **settings: Any) -> PromqlTransactionsSource:
        given = {"url": self.url, "requests_per_second": 1000.0} | QUERIES
        return PromqlTransactionsSource(PromqlTransactionsSettings.model_validate(given | settings))

    def times(self, reading: Reading) -> list[int]:
        assert reading.telemetry.transactions is not None
        return reading.telemetry.transactions["ts"].to_list()


class TestPromqlTransactions(SourceContract):
    @contextmanager
    def system(self, folder: Path) -> Iterator[Orders]:
        with prometheus_server(folder / "prometheus") as server:
            yield Orders(server.url)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Orders]:
    with prometheus_server(tmp_path / "prometheus") as server:
        yield Orders(server.url)


def test_queries_become_golden_signals(shop: Orders) -> None:
    shop.write("orders", [(NOW + 30, 40.0), (NOW + 90, 20.0)])
    shop.write("orders_failed", [(NOW + 30, 4.0)])
    shop.write("orders_amount", [(NOW + 30, 400.0)])
    shop.write("orders_seconds", [(NOW + 30, 0.25)])
    table = shop.source().read(Window(NOW, NOW + 120)).telemetry.transactions
    assert table is not None
    assert table.rows() == [
        (NOW, "shop", "web", 40, 36, 400.0, 250.0),
        (NOW + 60, "shop", "web", 20, 20, None, None),
    ]


def test_a_volume_without_a_success_is_unknown_and_told(shop: Orders) -> None:
    shop.write("orders", [(NOW + 30, 40.0), (NOW + 90, 20.0)])
    shop.write("orders_good", [(NOW + 30, 39.0)])
    good = "sum by (service, channel) (last_over_time(orders_good[$step]))"
    reading = shop.source(failures="", success=good).read(Window(NOW, NOW + 120))
    assert shop.times(reading) == [NOW]
    assert [gap.message.key for gap in reading.gaps] == ["promql.gap.success"]


def test_series_that_share_service_and_channel_are_a_mistake_of_the_query(shop: Orders) -> None:
    shop.write("orders", [(NOW + 30, 40.0)], pod="a")
    shop.write("orders", [(NOW + 30, 40.0)], pod="b")
    with pytest.raises(SourceAnswerError, match="several series") as caught:
        shop.source(volume="last_over_time(orders[$step])").read(Window(NOW, NOW + 60))
    assert "sum by" in caught.value.remedy


def test_a_long_window_is_asked_in_pieces(shop: Orders) -> None:
    shop.write("orders", [(NOW + 30, 40.0)])
    start = time.time() - 14 * 86_400
    reading = shop.source(failures="", amount="", latency_ms="").read(Window(start, NOW + 60))
    assert len(reading.asked) == 2
    assert shop.times(reading) == [NOW]
