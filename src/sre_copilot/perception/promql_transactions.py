"""Transactions out of a Prometheus-compatible system: which PromQL query is volume, success, amount, latency, by service and channel."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import polars as pl
import promql_parser
from pydantic import Field, model_validator

from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.signals import Modality, Telemetry, Window
from sre_copilot.errors import SourceAnswerError, SourceError
from sre_copilot.perception.http import HttpClient, HttpSettings
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.pace import clock_skew
from sre_copilot.perception.source import Asked, Health, Reading
from sre_copilot.perception.transactions.golden_signals import summed
from sre_copilot.perception.windows import within

POINTS = 11_000  # that Prometheus answers at most for one series
STEP = "$step"
Key = tuple[int, str, str]  # time, service, channel


class PromqlTransactionsSettings(HttpSettings):
    """What the source `promql_transactions` can be told."""

    volume: str
    """Transactions of each interval, such as `sum by (service, channel) (increase(orders_total[$step]))`; `$step` is the interval."""
    success: str = ""
    """Those that succeeded; an interval without a value is unknown and left out."""
    failures: str = ""
    """Those that failed; an interval without a value had none. Give `success`, `failures` or neither (all succeed)."""
    amount: str = ""
    """Money moved in each interval."""
    latency_ms: str = ""
    """Mean latency in milliseconds."""
    service_label: str = "service"
    """Label that names the service."""
    channel_label: str = "channel"
    """Label that names the channel; transactions without it have none."""
    service: str = ""
    """Service of series that lack the label."""
    step_seconds: int = Field(default=60, ge=1)
    """Length of an interval; a minute, as all baselines."""
    tenant: str = ""
    """Value of the header `X-Scope-OrgID`, where the system keeps tenants apart."""

    @model_validator(mode="after")
    def _queries(self) -> Self:
        if self.success and self.failures:
            raise ValueError("success and failures: give one of them")
        for name, query in queries(self).items():
            try:
                promql_parser.parse(query)
            except ValueError as error:
                raise ValueError(f"{name}: is no PromQL: {' '.join(str(error).split())[:200]}") from None
        return self


def queries(settings: PromqlTransactionsSettings) -> dict[str, str]:
    """The queries that are asked, by what they measure."""
    step = f"{settings.step_seconds}s"
    names = ("volume", "success", "failures", "amount", "latency_ms")
    return {name: text.replace(STEP, step) for name in names if (text := str(getattr(settings, name)))}


@dataclass(frozen=True, slots=True)
class _Answer:
    """Values of one query by interval, service and channel, and what the server warned of."""

    values: Mapping[Key, float]
    asked: tuple[Asked, ...] = ()
    gaps: tuple[Gap, ...] = field(default=())


class PromqlTransactionsSource:
    """Reads the golden signals of transactions."""

    Settings: ClassVar[type[PromqlTransactionsSettings]] = PromqlTransactionsSettings
    modalities: ClassVar[tuple[Modality, ...]] = ("transactions",)

    def __init__(self, settings: PromqlTransactionsSettings) -> None:
        self._settings = settings
        self._queries = queries(settings)
        self._client = HttpClient(settings, name=self.name)
        self._headers = {"X-Scope-OrgID": settings.tenant} if settings.tenant else {}
        self._masker = Masker(settings)

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._settings.name or "promql_transactions"

    @property
    def interval_seconds(self) -> int:
        """Length of the intervals that its rows stand for; one that is not over has no row."""
        return self._settings.step_seconds

    def read(self, window: Window) -> Reading:
        """Return transactions by interval, service and channel; a row's time is the start of its interval."""
        answers = {name: self._asked(query, window) for name, query in self._queries.items()}
        rows, unknown = self._rows({name: each.values for name, each in answers.items()})
        table = summed(
            pl.DataFrame(rows, schema=_ROW, orient="row"), interval_seconds=self._settings.step_seconds
        )
        gaps = [gap for each in answers.values() for gap in each.gaps]
        if unknown:
            params = (("count", unknown), ("query", self._queries["success"]))
            gaps.append(
                Gap(modality="transactions", message=Message(key="promql.gap.success", params=params))
            )
        return Reading(
            telemetry=within(Telemetry(transactions=self._masker(table)), window),
            gaps=tuple(gaps),
            asked=tuple(asked for each in answers.values() for asked in each.asked),
        )

    def _rows(self, values: Mapping[str, Mapping[Key, float]]) -> tuple[list[tuple[Any, ...]], int]:
        """One row an interval that has a volume; those whose success is unknown are counted and left out."""
        rows: list[tuple[Any, ...]] = []
        unknown = 0
        for key, volume in values["volume"].items():
            success = _success(key, volume, values)
            if success is None:
                unknown += 1
                continue
            more = (values.get(name, {}).get(key) for name in ("amount", "latency_ms"))
            rows.append((*key, volume, success, *more))
        return rows, unknown

    def _asked(self, query: str, window: Window) -> _Answer:
        """Ask one query in pieces that the server answers whole."""
        step = self._settings.step_seconds
        first = math.floor(window.start / step) * step + step  # a value at t covers the interval before t
        last = math.ceil(window.end / step) * step
        values: dict[Key, float] = {}
        asked: list[Asked] = []
        gaps: list[Gap] = []
        for start in range(first, last + 1, POINTS * step):
            end = min(last, start + (POINTS - 1) * step)
            clock = time.monotonic()
            found, warnings = self._range(query, start, end)
            values |= found
            asked.append(self._said(query, start, end, len(found), time.monotonic() - clock))
            for said in warnings:
                params = (("query", query), ("said", said))
                gaps.append(
                    Gap(modality="transactions", message=Message(key="promql.gap.warning", params=params))
                )
        return _Answer(values, tuple(asked), tuple(gaps))

    def _said(self, query: str, start: int, end: int, rows: int, seconds: float) -> Asked:
        return Asked(
            source=self.name, text=query, target=f"{self._settings.url.rstrip('/')}/api/v1/query_range", window=Window(start, end),
            step_seconds=self._settings.step_seconds, rows=rows, seconds=seconds,
        )  # fmt: skip

    def _range(self, query: str, start: int, end: int) -> tuple[dict[Key, float], list[str]]:
        params = {"query": query, "start": start, "end": end, "step": self._settings.step_seconds}
        response = self._client.request("GET", "/api/v1/query_range", params=params, headers=self._headers)
        document = self._client.json(response)
        data = document.get("data") if isinstance(document, dict) else None
        if not isinstance(data, dict) or data.get("resultType") != "matrix":
            raise self._client.unreadable(response, "is no matrix")
        try:
            found = dict(self._values(data["result"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self._client.unreadable(response, "is no matrix of numbers") from None
        return found, [str(each) for each in document.get("warnings") or ()]

    def _values(self, result: list[dict[str, Any]]) -> Iterator[tuple[Key, float]]:
        """Finite values by the start of their interval; a key that two series share is the query's mistake."""
        settings, seen = self._settings, set()
        for series in result:
            labels = series["metric"]
            who = (
                str(labels.get(settings.service_label) or settings.service),
                str(labels.get(settings.channel_label, "")),
            )
            if not who[0]:
                continue
            if who in seen:
                raise SourceAnswerError(
                    self.name, f"several series have the service '{who[0]}' and the channel '{who[1]}'",
                    remedy=f"write `sum by ({settings.service_label}, {settings.channel_label}) (...)`",
                )  # fmt: skip
            seen.add(who)
            for moment, text in series["values"]:
                if math.isfinite(value := float(text)):
                    yield (round(float(moment)) - settings.step_seconds, *who), value

    def health(self) -> Health:
        """Ask for the version, and each query for this moment."""
        try:
            skew = None
            for query in self._queries.values():
                before = time.time()
                response = self._client.request(
                    "GET", "/api/v1/query", params={"query": query}, headers=self._headers
                )
                self._client.json(response)
                skew = clock_skew(response.headers.get("date", ""), before, time.time())
            version = self._version()
        except SourceError as error:
            return Health(source=self.name, ok=False, problem=error.problem, remedy=error.remedy)
        permissions = tuple(f"+query {name}" for name in self._queries)
        return Health(
            source=self.name, ok=True, version=version, clock_skew_seconds=skew, permissions=permissions
        )

    def _version(self) -> str:
        """What the system says of itself; many compatible ones do not."""
        try:
            document = self._client.get_json("/api/v1/status/buildinfo")
            return str(document["data"]["version"])
        except (SourceError, KeyError, TypeError):
            return ""

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def __repr__(self) -> str:
        return f"PromqlTransactionsSource({self.name})"


_ROW = {"ts": pl.Float64, "service": pl.String, "channel": pl.String, "count": pl.Float64, "success": pl.Float64,
        "amount": pl.Float64, "latency_ms": pl.Float64}  # fmt: skip


def _success(key: Key, volume: float, values: Mapping[str, Mapping[Key, float]]) -> float | None:
    if "success" in values:
        return values["success"].get(key)
    return max(0.0, volume - values["failures"].get(key, 0.0)) if "failures" in values else volume
