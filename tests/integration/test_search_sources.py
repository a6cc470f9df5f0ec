"""Elasticsearch and OpenSearch as sources, on servers that speak their APIs."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceRefused
from sre_copilot.perception.elasticsearch import ElasticsearchSource
from sre_copilot.perception.opensearch import OpenSearchSource
from sre_copilot.perception.search_api import SearchSource
from sre_copilot.perception.source import Reading
from sre_copilot.testing.servers.unruly_proxy import unruly_proxy
from sre_copilot.testing.source_contract import NOW, SourceContract

pytestmark = pytest.mark.integration

PAGE = 20
WINDOW = Window(NOW, NOW + 60)


class System:
    """A server with short pages."""

    page = PAGE

    def __init__(self, url: str, kind: type[SearchSource]) -> None:
        self.url = url
        self.kind = kind

    def put(self, documents: Sequence[dict[str, Any]], index: str = "logs-shop") -> None:
        lines = [orjson.dumps(part) for each in documents for part in ({"create": {"_index": index}}, each)]
        headers = {"content-type": "application/x-ndjson"}
        body = b"\n".join(lines) + b"\n"
        response = httpx.post(
            f"{self.url}/_bulk?refresh=true", content=body, headers=headers, timeout=60, trust_env=False
        )
        assert not response.json()["errors"], response.text[:500]

    def store(self, times: Sequence[int]) -> None:
        self.put([{"@timestamp": stamp(t), "message": f"line at {t}"} for t in times])

    def source(self, **settings: Any) -> SearchSource:
        return self.kind(self.kind.Settings(**{"url": self.url, "page_lines": PAGE, **settings}))

    def times(self, reading: Reading) -> list[int]:
        return [ts // 10**9 for ts in column(reading, "ts_ns")]


def stamp(seconds: float, fraction: str = "") -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + fraction + "Z"


def column(reading: Reading, name: str = "message") -> list[Any]:
    assert reading.telemetry.logs is not None
    return list(reading.telemetry.logs[name])


@contextmanager
def noida(folder: Path) -> Iterator[str]:
    package = pytest.importorskip("noida_db", reason="noida-db is not installed")
    binary = (
        Path(package.__file__).parent / "noida-db"
    )  # the script of that name would leave it behind when it is ended
    if not binary.exists():
        pytest.skip("noida-db has no program for this machine")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(binary), "start", "--data-dir", str(folder / "db"), "--only", "elasticsearch"]
    command += ["--elasticsearch-port", str(port)]
    environment = {**os.environ, "HOME": str(folder)}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        _await(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            pytest.skip("noida-db does not run on this machine")
        try:
            httpx.get(url, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"{url} did not come up")


@contextmanager
def osmem(_: Path) -> Iterator[str]:
    server = pytest.importorskip("osmem_server", reason="osmem-server is not installed")
    with server.OsmemServer.start() as running:
        yield running.url


SYSTEMS = {"elasticsearch": (noida, ElasticsearchSource), "opensearch": (osmem, OpenSearchSource)}


@contextmanager
def started(name: str, folder: Path) -> Iterator[System]:
    server, kind = SYSTEMS[name]
    with server(folder) as url:
        yield System(url, kind)


class TestElasticsearch(SourceContract):
    """What every source must keep to."""

    @contextmanager
    def system(self, folder: Path) -> Iterator[System]:
        with started("elasticsearch", folder) as system:
            yield system


class TestOpenSearch(SourceContract):
    """What every source must keep to."""

    @contextmanager
    def system(self, folder: Path) -> Iterator[System]:
        with started("opensearch", folder) as system:
            yield system


@pytest.fixture(params=sorted(SYSTEMS))
def system(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[System]:
    with started(request.param, tmp_path) as running:
        yield running


def test_documents_of_one_time_come_whole_and_once(system: System) -> None:
    system.put([{"@timestamp": stamp(NOW), "message": f"line {i}"} for i in range(3 * PAGE + 1)])
    found = column(system.source().read(WINDOW))
    assert sorted(found) == sorted(f"line {i}" for i in range(3 * PAGE + 1))


def test_nested_and_dotted_fields_become_columns(system: System) -> None:
    ecs = {
        "@timestamp": stamp(NOW, ".123456789"), "message": "paid", "log": {"level": "warn"},
        "service": {"name": "shop"}, "host": {"name": "node-1"}, "trace": {"id": "abc"}, "span": {"id": "def"},
    }  # fmt: skip
    fluentd = {
        "@timestamp": stamp(NOW + 1), "log": "ERROR broke", "kubernetes": {"container_name": "cart", "pod_name": "cart-0"},
    }  # fmt: skip
    system.put([ecs])
    system.put([fluentd], index="logstash-2024")
    rows = system.source().read(WINDOW).telemetry.logs.to_dicts()  # type: ignore[union-attr]
    assert rows[0] == {
        "ts_ns": NOW * 10**9 + 123456789, "service": "shop", "instance": "node-1", "level": "warn",
        "trace_id": "abc", "span_id": "def", "message": "paid",
    }  # fmt: skip
    assert [rows[1][name] for name in ("service", "instance", "level", "message")] == [
        "cart", "cart-0", "ERROR", "ERROR broke",
    ]  # fmt: skip


def test_query_and_filter_both_hold(system: System) -> None:
    documents = [("red", 1), ("red", 2), ("blue", 2)]
    system.put([{"@timestamp": stamp(NOW), "message": m, "n": n} for m, n in documents])
    reading = system.source(query="message:red", filter={"term": {"n": 2}}).read(WINDOW)
    assert column(reading) == ["red"]


def test_what_was_asked_can_be_run_again_by_hand(system: System) -> None:
    system.store([NOW])
    asked = system.source(query="message:line").read(WINDOW).asked[0]
    url, headers = system.url + asked.target, {"content-type": "application/json"}
    body = {**orjson.loads(asked.text), "sort": ["@timestamp"]}
    again = httpx.post(url, content=orjson.dumps(body), headers=headers, trust_env=False).json()
    assert len(again["hits"]["hits"]) == 1


def test_a_wrong_query_is_refused_in_the_words_of_the_server(system: System) -> None:
    system.store([NOW])
    with pytest.raises(SourceRefused) as caught:
        system.source(filter={"no_such_clause": {}}).read(WINDOW)
    assert "no_such_clause" in caught.value.problem


def test_the_point_in_time_is_closed_even_when_reading_fails(system: System) -> None:
    system.store([NOW])
    for settings in ({}, {"filter": {"no_such_clause": {}}}):
        with unruly_proxy(system.url) as proxy:
            source = system.source(url=proxy.url, **settings)
            try:
                source.read(WINDOW)
            except SourceRefused:
                assert settings
            assert proxy.asked[-1].startswith("DELETE ")


def test_an_index_that_is_not_there_is_a_gap_and_health_says_so(system: System) -> None:
    source = system.source(index="nothing-*")
    reading = source.read(WINDOW)
    assert [gap.message.key for gap in reading.gaps] == ["gap.logs_no_index"]
    assert "index" in source.health().remedy


def test_a_time_field_that_is_no_date_is_named_by_health(system: System) -> None:
    system.put([{"@timestamp": stamp(NOW), "message": "x", "word": "soon"}])
    health = system.source(time_field="word").health()
    assert not health.ok
    assert "word is of type" in health.problem
    assert "time_field" in system.source(time_field="nowhere").health().remedy


def test_each_line_is_polled_once_and_late_ones_too(system: System) -> None:
    now = [float(NOW)]
    settings = system.kind.Settings(url=system.url, overlap_seconds=30)
    source = system.kind(settings, clock=lambda: now[0])
    system.store([NOW - 1])
    assert len(column(source.poll())) == 1
    now[0] += 10
    system.put(
        [{"@timestamp": stamp(NOW + 5), "message": "new"}, {"@timestamp": stamp(NOW - 2), "message": "late"}]
    )
    assert column(source.poll()) == ["late", "new"]
    assert column(source.poll()) == []
    again = system.kind(settings, clock=lambda: now[0])
    again.resume(orjson.loads(orjson.dumps(source.position())))
    assert column(again.poll()) == []


def test_the_other_system_is_recognised(tmp_path: Path) -> None:
    with osmem(tmp_path) as url:
        source = ElasticsearchSource(ElasticsearchSource.Settings(url=url))
        assert source.health().remedy == "set type: opensearch"


def test_twenty_thousand_lines_are_read(system: System) -> None:
    for start in range(0, 20_000, 10_000):
        times = [NOW + i / 2000 for i in range(start, start + 10_000)]
        system.put(
            [
                {"@timestamp": stamp(t, f".{round(t % 1 * 1e6):06}"), "message": f"INFO request {i} done"}
                for i, t in enumerate(times, start)
            ]
        )
    reading = system.source(page_lines=5000).read(WINDOW)
    assert len(column(reading)) == 20_000
