"""Zipkin: traces by its API v2."""

from __future__ import annotations

import time
from collections.abc import Set
from typing import ClassVar

import httpx
from pydantic import Field

from sre_copilot.domain.signals import Modality, Window
from sre_copilot.perception.http import HttpClient, Params
from sre_copilot.perception.http_answers import checked, healthy, understood
from sre_copilot.perception.masking import mask_key
from sre_copilot.perception.source import Health, Reading, SourceSettings
from sre_copilot.perception.spans import zipkin_spans
from sre_copilot.perception.spans.reading import reading_of
from sre_copilot.perception.spans.search import Answer, Piece, TraceSettings, asked_of, bounded, search

FINEST_US = 1000  # its searches know whole milliseconds


class ZipkinSettings(TraceSettings):
    """Where Zipkin listens, by default on port 9411."""

    reach_seconds: float = Field(default=10.0, ge=0)
    """Traces that began so long before the window are looked at too: it finds a trace by its beginning, not by each span."""


class ZipkinSource:
    """Reads whole traces and keeps both sides of a call that share one span id."""

    Settings: ClassVar[type[SourceSettings]] = ZipkinSettings
    modalities: ClassVar[tuple[Modality, ...]] = ("traces", "topology")

    def __init__(self, settings: ZipkinSettings) -> None:
        self.settings = settings
        self._client = HttpClient(settings, name=self.name)
        self._key = mask_key(settings)

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.settings.name or "zipkin"

    def read(self, window: Window) -> Reading:
        """Return the spans that began in the window, and who calls whom."""
        wide = Window(window.start - self.settings.reach_seconds, window.end)
        pieces = bounded(wide, self._services(), self.settings)
        found = search(pieces, self._ask, self.settings, unit_us=FINEST_US)
        return reading_of(found, source=self.name, window=window, settings=self.settings, key=self._key)

    def health(self) -> Health:
        """Ask which services it knows."""
        return healthy(self._client, "/api/v2/services", check=self._is_list)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _services(self) -> list[str]:
        """One question for all services, unless some are left out: then one for each of the others."""
        if not self.settings.exclude_services:
            return [""]
        return checked(self._client, "/api/v2/services", None, list)

    def _is_list(self, response: httpx.Response) -> str:
        if not isinstance(self._client.json(response), list):
            raise self._client.unreadable(response, "is no answer of Zipkin")
        return ""

    def _ask(self, piece: Piece, known: Set[str]) -> Answer:
        end = (piece.end_us - 1) // 1000  # its end belongs to it
        limits = {
            "endTs": end,
            "lookback": max(1, end - piece.start_us // 1000),
            "limit": self.settings.limit,
        }
        params: Params = {"serviceName": piece.service, **limits} if piece.service else limits
        started = time.monotonic()
        traces = checked(self._client, "/api/v2/traces", params, list)
        with understood(self.name, "/api/v2/traces"):
            return Answer(
                traces=frozenset(map(zipkin_spans.trace_id_of, traces)),
                asked=asked_of(self.name, "/api/v2/traces", params, piece, rows=len(traces), started=started),
                spans=tuple(zipkin_spans.spans_of(traces, skip=known)),
            )
