"""Jaeger: traces by its query API, or by API v3 where the server has that."""

from __future__ import annotations

import time
from collections.abc import Mapping, Set
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

import httpx

from sre_copilot.domain.signals import Modality, Window
from sre_copilot.errors import SourceAnswerError, SourceRefused
from sre_copilot.perception.http import HttpClient
from sre_copilot.perception.http_answers import checked, document_in, healthy, understood
from sre_copilot.perception.masking import mask_key
from sre_copilot.perception.source import Asked, Health, Reading, SourceSettings
from sre_copilot.perception.spans import jaeger_ui, otlp
from sre_copilot.perception.spans.reading import reading_of
from sre_copilot.perception.spans.search import (
    Answer,
    Piece,
    TraceSettings,
    asked_of,
    bounded,
    search,
)
from sre_copilot.perception.spans.table import hex_id

NOTHING_FOUND = frozenset({404})  # API v3 says so of an empty result
FINEST_US = 1000  # a search of one millisecond: shorter ones are not told apart by all of Jaeger's stores

Api = Literal["auto", "query", "v3"]


class JaegerSettings(TraceSettings):
    """Where Jaeger's query service listens, by default on port 16686."""

    api: Api = "auto"
    """`v3`: the stable API, OpenTelemetry's own form; `query`: that of Jaeger's pages, in every version; `auto`: v3 where it answers."""


class JaegerSource:
    """Reads traces of every service, each with all its spans."""

    Settings: ClassVar[type[SourceSettings]] = JaegerSettings
    modalities: ClassVar[tuple[Modality, ...]] = ("traces", "topology")

    def __init__(self, settings: JaegerSettings) -> None:
        self.settings = settings
        self._client = HttpClient(settings, name=self.name)
        self._key = mask_key(settings)
        self._api: Api = settings.api

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.settings.name or "jaeger"

    def read(self, window: Window) -> Reading:
        """Return the spans that began in the window, and who calls whom."""
        try:
            return self._read(window)
        except SourceRefused:
            if self.settings.api != "auto" or self._api != "v3":
                raise
            self._api = "query"  # early versions of API v3 name its parameters otherwise
            return self._read(window)

    def health(self) -> Health:
        """Ask which services it knows."""
        return healthy(self._client, "/api/services", check=self._services_of)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _read(self, window: Window) -> Reading:
        with understood(self.name, "/api/services"):
            services = list(map(str, self._services()))
        ask = self._ask_v3 if self._api == "v3" else self._ask
        found = search(bounded(window, services, self.settings), ask, self.settings, unit_us=FINEST_US)
        path = "/api/v3/services" if self._api == "v3" else "/api/services"
        found.asked.insert(0, Asked(source=self.name, text=f"GET {path}", rows=len(services)))
        return reading_of(found, source=self.name, window=window, settings=self.settings, key=self._key)

    def _services_of(self, response: httpx.Response) -> str:
        if not isinstance(self._client.json(response), dict):
            raise self._client.unreadable(response, "is no answer of Jaeger")
        return ""

    def _services(self) -> list[str]:
        """The services that it knows; asking for them tells which API it has."""
        if self._api != "query":
            try:
                answer = checked(self._client, "/api/v3/services", None, dict)
                self._api = "v3"
                return list(answer["services"] or ())
            except (SourceRefused, SourceAnswerError, KeyError):
                if self._api == "v3":
                    raise
        self._api = "query"
        return list(checked(self._client, "/api/services", None, dict).get("data") or ())

    def _ask(self, piece: Piece, known: Set[str]) -> Answer:
        params = {
            "service": piece.service,
            "start": piece.start_us,
            "end": piece.end_us - 1,  # its end belongs to it
            "limit": self.settings.limit,
            "lookback": "custom",
        }
        started = time.monotonic()
        answer = checked(self._client, "/api/traces", params, dict)
        traces = answer.get("data") or ()
        failed = [str(error.get("msg", error)) for error in answer.get("errors") or ()]
        if failed and not traces:
            raise SourceAnswerError(
                self.name, f"/api/traces: {failed[0]}", remedy="look at the log of Jaeger"
            )
        asked = asked_of(self.name, "/api/traces", params, piece, rows=len(traces), started=started)
        with understood(self.name, "/api/traces"):
            return Answer(
                traces=frozenset(hex_id(trace.get("traceID", "")) for trace in traces),
                asked=asked,
                spans=tuple(jaeger_ui.spans_of(traces, skip=known)),
                remarks=frozenset(failed) | jaeger_ui.remarks_of(traces),
                kept_shares=frozenset(jaeger_ui.kept_shares(traces)),
            )

    def _ask_v3(self, piece: Piece, known: Set[str]) -> Answer:
        params = {
            "query.serviceName": piece.service,
            "query.startTimeMin": _moment(piece.start_us),
            "query.startTimeMax": _moment(piece.end_us),
            "query.searchDepth": self.settings.limit,
        }
        started = time.monotonic()
        response = self._client.request("GET", "/api/v3/traces", params=params, accept=NOTHING_FOUND)
        document = _result(self._client, response)
        with understood(self.name, "/api/v3/traces"):
            ids = frozenset(otlp.trace_ids(document))
            return Answer(
                traces=ids,
                asked=asked_of(self.name, "/api/v3/traces", params, piece, rows=len(ids), started=started),
                spans=tuple(otlp.spans_of(document, skip=known)),
                kept_shares=frozenset(otlp.kept_shares(document)),
            )


def _result(client: HttpClient, response: httpx.Response) -> Mapping[str, Any]:
    """The spans of an answer of API v3; several documents, one a line, are one answer."""
    documents = [
        document_in(client, response, line) for line in response.content.splitlines() if line.strip()
    ]
    if response.status_code in NOTHING_FOUND:
        if not (documents and "error" in documents[0]):
            raise client.unreadable(response, "is no answer of API v3")
        return {}
    results = [each.get("result") or {} for each in documents]
    return {"resourceSpans": [spans for result in results for spans in result.get("resourceSpans") or ()]}


def _moment(epoch_us: int) -> str:
    return (
        datetime.fromtimestamp(epoch_us / 1e6, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    )
