"""Jaeger (both APIs), Zipkin and Tempo keep to what every source keeps to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from sre_copilot.perception.jaeger import JaegerSettings, JaegerSource
from sre_copilot.perception.source import Reading, Source
from sre_copilot.perception.tempo import TempoSettings, TempoSource
from sre_copilot.perception.zipkin import ZipkinSettings, ZipkinSource
from sre_copilot.testing.servers.jaeger import jaeger
from sre_copilot.testing.servers.stored_spans import SpanStore, otlp_trace
from sre_copilot.testing.servers.tempo import tempo
from sre_copilot.testing.servers.zipkin import zipkin
from sre_copilot.testing.source_contract import SourceContract

PAGE = 4
QUICK = {"requests_per_second": 1000, "limit": PAGE}


class Stored:
    """A stand-in with OTLP spans: one trace of one span at each time."""

    page = PAGE

    def __init__(self, url: str, store: SpanStore, make: Callable[..., Source]) -> None:
        self.url = url
        self._store = store
        self._make = make

    def store(self, times: Sequence[int]) -> None:
        for time in times:
            self._store.add(otlp_trace("shop", time * 10**9, trace_id=f"{time:032x}"))

    def source(self, **settings: Any) -> Source:
        return self._make(**{"url": self.url, **QUICK, **settings})

    def times(self, reading: Reading) -> list[int]:
        assert reading.telemetry.traces is not None
        return [start // 10**9 for start in reading.telemetry.traces["start_ns"]]


class TestJaegerQueryApi(SourceContract):
    @contextmanager
    def system(self, folder: Path) -> Iterator[Stored]:
        with jaeger(has_v3=False) as server:
            yield Stored(server.url, server.store, lambda **given: JaegerSource(JaegerSettings(**given)))


class TestJaegerApiV3(SourceContract):
    @contextmanager
    def system(self, folder: Path) -> Iterator[Stored]:
        with jaeger() as server:
            yield Stored(server.url, server.store, lambda **given: JaegerSource(JaegerSettings(**given)))


class TestTempo(SourceContract):
    @contextmanager
    def system(self, folder: Path) -> Iterator[Stored]:
        with tempo() as server:
            yield Stored(server.url, server.store, lambda **given: TempoSource(TempoSettings(**given)))


class StoredInZipkin(Stored):
    def store(self, times: Sequence[int]) -> None:
        spans = [
            {
                "traceId": f"{time:016x}",
                "id": f"{time:016x}",
                "name": "work",
                "kind": "SERVER",
                "timestamp": time * 10**6,
                "duration": 1000,
                "localEndpoint": {"serviceName": "shop"},
            }
            for time in times
        ]
        assert httpx.post(f"{self.url}/api/v2/spans", json=spans).status_code == 202


class TestZipkin(SourceContract):
    @contextmanager
    def system(self, folder: Path) -> Iterator[Stored]:
        with zipkin() as server:
            make = lambda **given: ZipkinSource(ZipkinSettings(**given))  # noqa: E731
            yield StoredInZipkin(server.url, SpanStore(), make)
