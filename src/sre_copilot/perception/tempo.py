"""Grafana Tempo: traces found by TraceQL and fetched one by one in OTLP."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
import orjson
from pydantic import Field

from sre_copilot.domain.signals import Modality, Window
from sre_copilot.perception.http import HttpClient
from sre_copilot.perception.http_answers import checked, document_in, healthy, understood
from sre_copilot.perception.masking import mask_key
from sre_copilot.perception.source import Asked, Health, Reading, SourceSettings
from sre_copilot.perception.spans import otlp
from sre_copilot.perception.spans.reading import reading_of
from sre_copilot.perception.spans.search import (
    MICROSECONDS,
    Answer,
    Found,
    Piece,
    TraceSettings,
    asked_of,
    bounded,
    gap,
    search,
)

PARTIAL = ("PARTIAL", 1)
NOT_THERE = frozenset({404})  # a trace that was dropped meanwhile, or an API that this version has not


class TempoSettings(TraceSettings):
    """Where Tempo listens, by default on port 3200; the tenant is set by `headers: {X-Scope-OrgID: …}`."""

    query: str = "{}"
    """Which traces, in TraceQL; `{}` is every one."""
    most_traces: int = Field(default=400, ge=1)
    """Traces fetched in one reading, each by a request of its own: twenty seconds' worth at the default rate. Of more, an even
    sample is fetched, and how many were left is told."""


class TempoSource:
    """Finds traces by search, then fetches each whole."""

    Settings: ClassVar[type[SourceSettings]] = TempoSettings
    modalities: ClassVar[tuple[Modality, ...]] = ("traces", "topology")

    def __init__(self, settings: TempoSettings) -> None:
        self.settings = settings
        self._client = HttpClient(settings, name=self.name)
        self._key = mask_key(settings)
        self._path = "/api/v2/traces/"

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.settings.name or "tempo"

    def read(self, window: Window) -> Reading:
        """Return the spans that began in the window, and who calls whom."""
        services = self.settings.services or ("",)
        whole = Window(window.start // 1, -(-window.end // 1))  # its searches know whole seconds
        found = search(
            bounded(whole, services, self.settings), self._ask, self.settings, unit_us=MICROSECONDS
        )
        self._fetch_all(found, window)
        return reading_of(found, source=self.name, window=window, settings=self.settings, key=self._key)

    def health(self) -> Health:
        """Ask for its version, and whether it lets this tenant search."""
        found = healthy(self._client, "/api/status/buildinfo", check=self._version)
        if not found.ok:
            return found
        allowed = healthy(self._client, "/api/search?limit=1&q=%7B%7D")
        return found if allowed.ok else allowed

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _version(self, response: httpx.Response) -> str:
        return str(document_in(self._client, response, response.content).get("version", ""))

    def _ask(self, piece: Piece, known: Set[str]) -> Answer:
        del known
        params = {
            "q": _query(self.settings.query, piece.service),
            "start": piece.start_us // MICROSECONDS,
            "end": piece.end_us // MICROSECONDS,
            "limit": self.settings.limit,
            "spss": 1,  # the spans come with the traces
        }
        started = time.monotonic()
        traces = checked(self._client, "/api/search", params, dict).get("traces") or ()
        with understood(self.name, "/api/search"):
            ids = frozenset(str(each["traceID"]) for each in traces)
        asked = asked_of(self.name, "/api/search", params, piece, rows=len(traces), started=started)
        return Answer(traces=ids, asked=asked)

    def _fetch_all(self, found: Found, window: Window) -> None:
        chosen = _even_sample(found.traces, self.settings.most_traces)
        if len(chosen) < len(found.traces):
            found.gaps.append(
                gap(
                    "gap.traces.left",
                    read=len(chosen),
                    left=len(found.traces) - len(chosen),
                    total=len(found.traces),
                )
            )
        with ThreadPoolExecutor(self.settings.concurrency) as pool:
            documents = list(pool.map(self._fetch, chosen))
        partial = sum(document.get("status") in PARTIAL for document in documents)
        missing = sum(not document for document in documents)
        if partial or missing:
            found.gaps.append(gap("gap.traces.partial", partial=partial, missing=missing, total=len(chosen)))
        with understood(self.name, self._path):
            for document in documents:
                trace = document.get("trace") or document
                found.spans += otlp.spans_of(trace)
                found.kept_shares |= otlp.kept_shares(trace)
        if chosen:
            found.asked.append(
                Asked(source=self.name, text=f"GET {self._path}TRACE_ID", window=window, rows=len(chosen))
            )

    def _fetch(self, trace_id: str) -> Mapping[str, Any]:
        """One trace; an empty document when it is no longer there."""
        headers = {"accept": "application/json"}
        for path in dict.fromkeys((self._path, "/api/traces/")):
            answer = self._client.request(
                "GET", path + quote(trace_id, safe=""), headers=headers, accept=NOT_THERE
            )
            if answer.status_code not in NOT_THERE:
                self._path = path
                return document_in(self._client, answer, answer.content)
        return {}


def _even_sample(traces: Set[str], most: int) -> Sequence[str]:
    """At most so many of the traces, chosen by a hash of their ids: the same ones each time, and no part of the time more than another."""
    return sorted(traces, key=lambda trace: blake2b(trace.encode(), digest_size=8).digest())[:most]


def _query(query: str, service: str) -> str:
    """The query, bound to a service where one is named."""
    if not service:
        return query
    only = "{ resource.service.name = " + orjson.dumps(service).decode() + " }"
    return only if query.replace(" ", "") == "{}" else f"{query} && {only}"
