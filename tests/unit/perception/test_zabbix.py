from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sre_copilot.domain.series import SeriesKey
from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceAnswerError, SourceRefused
from sre_copilot.perception.source import Reading
from sre_copilot.perception.zabbix import ZabbixSource
from sre_copilot.testing.servers.zabbix import TOKEN, ZabbixServer, zabbix_server
from sre_copilot.testing.source_contract import NOW, SourceContract


class Stored:
    page = 40

    def __init__(self, server: ZabbixServer) -> None:
        self.server = server
        self.url = server.url
        self.item = server.add_item("host", "system.cpu.util")

    def store(self, times: Sequence[int]) -> None:
        for time in times:
            self.server.add_value(self.item, clock=time, value=1.5)

    def source(self, **settings: Any) -> ZabbixSource:
        return source(self.url, **({"page": self.page} | settings))

    def times(self, reading: Reading) -> list[int]:
        assert reading.telemetry.metrics is not None
        return reading.telemetry.metrics["ts"].to_list()


class TestZabbixKeepsTheContract(SourceContract):
    @contextmanager
    def system(self, folder: Path) -> Iterator[Stored]:
        with zabbix_server() as server:
            yield Stored(server)


@pytest.fixture
def server() -> Iterator[ZabbixServer]:
    with zabbix_server() as running:
        yield running


def source(url: str, /, **settings: Any) -> ZabbixSource:
    given = {"url": url, "bearer_token": TOKEN, "requests_per_second": 1000}
    return ZabbixSource(ZabbixSource.Settings.model_validate(given | settings))


@pytest.mark.parametrize("version", ["5.4.12", "6.0.30", "6.4.0", "7.0.5", "7.2.1", "7.4.0"])
def test_the_token_is_given_where_the_version_takes_it(version: str) -> None:
    with zabbix_server(version=version) as server:
        server.add_value(server.add_item("a", "system.cpu.util"), clock=NOW, value=3)
        reader = source(server.url)
        assert reader.health().version == version
        assert reader.read(Window(NOW, NOW + 1)).telemetry.metrics.height == 1  # type: ignore[union-attr]


def test_a_wrong_token_is_a_refusal_that_names_the_way_out(server: ZabbixServer) -> None:
    with pytest.raises(SourceRefused, match="Not authorized") as caught:
        source(server.url, bearer_token="another").read(Window(NOW, NOW + 1))  # noqa: S106
    assert "bearer_token" in caught.value.remedy


def test_the_service_is_that_of_the_hosts_tag_and_else_the_host(server: ZabbixServer) -> None:
    tagged = server.add_item("h1", "system.cpu.util", tags={"service": "shop"})
    plain = server.add_item("h2", "system.cpu.util")
    for item, value in ((tagged, 10), (plain, 20)):
        server.add_value(item, clock=NOW + 5, value=value)
    block = source(server.url).series(Window(NOW, NOW + 60), step_seconds=60)
    assert block.keys == (
        SeriesKey("h2", "cpu_usage_percent"),
        SeriesKey("shop", "cpu_usage_percent", "h1"),
    )
    np.testing.assert_array_equal(block.values[:, 0], [20, 10])


def test_values_of_both_numeric_types_are_read_and_texts_are_not(server: ZabbixServer) -> None:
    for value_type, key in (
        (0, "system.cpu.load[all,avg5]"),
        (3, "net.if.in[eth0]"),
        (4, "system.cpu.model"),
    ):
        server.add_value(server.add_item("a", key, value_type=value_type), clock=NOW, value=7)
    metrics = source(server.url).read(Window(NOW, NOW + 1)).telemetry.metrics
    assert metrics is not None
    assert metrics["metric"].to_list() == ["net.if.in[eth0]", "system.cpu.load[all,avg5]"]


def test_a_value_that_is_no_number_is_missing_and_told(server: ZabbixServer) -> None:
    item = server.add_item("a", "system.cpu.util")
    server.add_value(item, clock=NOW, value="oops")
    server.add_value(item, clock=NOW + 1, value=4)
    reading = source(server.url).read(Window(NOW, NOW + 2))
    assert reading.telemetry.metrics is not None
    assert reading.telemetry.metrics["value"].to_list() == [4.0]
    assert [gap.message.key for gap in reading.gaps] == ["gap.metric_source.no_number"]


def test_trends_stand_in_for_a_history_that_is_gone_and_it_is_told(server: ZabbixServer) -> None:
    item = server.add_item("a", "system.cpu.util")
    hour = NOW - NOW % 3600 - 7200
    server.add_trend(item, clock=hour, average=33.0)
    reading = source(server.url).read(Window(hour, hour + 3600))
    assert reading.telemetry.metrics is not None
    assert reading.telemetry.metrics["value"].to_list() == [33.0]
    assert [gap.message.key for gap in reading.gaps] == ["gap.metric_source.trends"]
    assert source(server.url, trends=False).read(Window(hour, hour + 3600)).telemetry.metrics.height == 0  # type: ignore[union-attr]


def test_many_values_in_one_second_are_asked_item_by_item(server: ZabbixServer) -> None:
    for i in range(7):
        server.add_value(server.add_item(f"h{i}", "system.cpu.util"), clock=NOW, value=i)
    metrics = source(server.url, page=3).read(Window(NOW, NOW + 1)).telemetry.metrics
    assert metrics is not None
    assert sorted(metrics["value"].to_list()) == [0, 1, 2, 3, 4, 5, 6]


def test_a_host_group_narrows_and_an_unknown_one_is_an_error(server: ZabbixServer) -> None:
    for group in ("Web", "Data"):
        server.add_value(server.add_item(group.lower(), "system.cpu.util", group=group), clock=NOW, value=1)
    metrics = source(server.url, host_groups=["Web"]).read(Window(NOW, NOW + 1)).telemetry.metrics
    assert metrics is not None
    assert metrics["service"].to_list() == ["web"]
    with pytest.raises(SourceAnswerError, match="no host group Mail"):
        source(server.url, host_groups=["Web", "Mail"]).read(Window(NOW, NOW + 1))


def test_more_items_than_allowed_are_an_error(server: ZabbixServer) -> None:
    for i in range(3):
        server.add_item(f"h{i}", "system.cpu.util")
    with pytest.raises(SourceAnswerError, match="max_items is 2"):
        source(server.url, max_items=2).read(Window(NOW, NOW + 1))


def test_no_token_is_in_what_was_asked(server: ZabbixServer) -> None:
    server.version = "6.0.1"
    server.add_item("a", "system.cpu.util")
    reading = source(server.url).read(Window(NOW, NOW + 1))
    assert any("history.get" in each.text for each in reading.asked)
    assert TOKEN not in repr(reading.asked)


def test_a_user_and_password_are_refused_with_the_way_out() -> None:
    with pytest.raises(ValidationError, match="bearer_token"):
        ZabbixSource.Settings.model_validate({"url": "http://127.0.0.1", "username": "u", "password": "p"})
