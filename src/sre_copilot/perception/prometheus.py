"""Prometheus and everything that has its HTTP API: VictoriaMetrics, Thanos, Mimir, Cortex.

Values are those of the server at each time of the grid, no older than `lookback_seconds`: a gap in the samples is a gap in the series. Counters are read as
rates, histograms as quantiles, by the queries themselves. What is not finite (NaN, +Inf) is no value.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.series import SeriesBlock, SeriesKey
from sre_copilot.domain.signals import Alert, Modality, Telemetry, Window
from sre_copilot.errors import SourceError
from sre_copilot.perception.blocks import table_of
from sre_copilot.perception.http import HttpClient
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.promql.alerts import FIRING, alerts_of, has_rules
from sre_copilot.perception.promql.catalogue import CORE_METRICS
from sre_copilot.perception.promql.discovery import Discovered, discover
from sre_copilot.perception.promql.health import health
from sre_copilot.perception.promql.labels import Naming
from sre_copilot.perception.promql.queries import filled, without_carry
from sre_copilot.perception.promql.reader import Grid, Outcome, RangeReader
from sre_copilot.perception.promql.rules import AlertRule, load_alert_rules
from sre_copilot.perception.promql.settings import PrometheusSettings
from sre_copilot.perception.querying import promql as querying
from sre_copilot.perception.source import Asked, Estimate, Health, Queried, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Every configured series on a grid, what could not be read, and what was asked."""

    block: SeriesBlock
    gaps: tuple[Gap, ...] = ()
    asked: tuple[Asked, ...] = ()


class PrometheusSource:
    """Reads one server.

    To watch further metrics, name them in `queries`; to ship some with a package of one's own, derive a class that extends
    `CORE_METRICS` (name -> PromQL with placeholders) and register it in `sre_copilot.sources`.
    """

    Settings: ClassVar[type[PrometheusSettings]] = PrometheusSettings
    modalities: ClassVar[tuple[Modality, ...]] = ("metrics", "alerts")
    languages: ClassVar[tuple[str, ...]] = ("promql",)
    CORE_METRICS: ClassVar[dict[str, str]] = CORE_METRICS

    def __init__(self, settings: PrometheusSettings) -> None:
        self.settings = settings
        self._client = HttpClient(settings, name=self.name)
        self._reader = RangeReader(
            self._client,
            concurrency=settings.concurrency,
            max_series=settings.max_series,
            compress=settings.compress,
            labels=_masking(settings),
        )
        self._naming = Naming(
            service=settings.service_labels,
            instance=settings.instance_labels,
            ignored=settings.ignored_labels,
            nobody=self.name,
        )

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.settings.name or "prometheus"

    def queries(self) -> dict[str, str]:
        """Name -> PromQL with placeholders, as configured."""
        wanted = self.settings.core_metrics
        names = self.CORE_METRICS if wanted is True else wanted or ()
        unknown = [name for name in names if name not in self.CORE_METRICS]
        if unknown:
            raise SourceError(
                self.name,
                f"core_metrics: {', '.join(unknown)} is not in the catalogue",
                remedy=f"known are {', '.join(self.CORE_METRICS)}; others go into queries",
            )
        return {name: self.CORE_METRICS[name] for name in names} | self.settings.queries

    def read(self, window: Window) -> Reading:
        """Return every configured metric at the multiples of `step_seconds` in the window, and the alerts that fired in it."""
        step = self.settings.step_seconds
        answer = self.answer(Window(*_aligned(window, step)), step_seconds=step)
        alerts, gaps, asked = self._alerts(window) if self.settings.alerts else (None, (), ())
        return Reading(
            telemetry=Telemetry(metrics=table_of(answer.block), alerts=alerts),
            gaps=(*answer.gaps, *gaps),
            asked=(*answer.asked, *asked),
        )

    def series(self, window: Window, *, step_seconds: int) -> SeriesBlock:
        """Return every configured series on the grid `window.start + i * step_seconds`, NaN where stale or missing."""
        return self.answer(window, step_seconds=step_seconds).block

    def answer(self, window: Window, *, step_seconds: int) -> Answer:
        """Return what `series` does, and what could not be read.

        Raises
        ------
        SourceError : when the server cannot be asked, or answers none of the queries
        """
        grid = _grid(window, step_seconds)
        queries = {name: self._as_sent(query, step_seconds) for name, query in self.queries().items()}
        outcomes = self._reader.read(queries, grid) if grid.width else []
        failed = [outcome.error for outcome in outcomes if outcome.error]
        if failed and len(failed) == len(outcomes):
            raise failed[0]
        return Answer(
            block=self._block(outcomes, grid),
            gaps=tuple(gap for outcome in outcomes for gap in self._gaps(outcome)),
            asked=tuple(self._asked(outcome, window, step_seconds) for outcome in outcomes),
        )

    def collect_related(self, service: str, window: Window) -> pl.DataFrame:
        """Return the metrics that help to explain a fault of one service: those of its own.

        A place to extend: a derived class may add those of its hosts, queues or databases.
        """
        metrics = self.read(window).telemetry.metrics
        return pl.DataFrame() if metrics is None else metrics.filter(pl.col("service") == service)

    def discover(self) -> tuple[Discovered, ...]:
        """Say which metrics of the catalogue the server has, how many series each gives, and what else could be watched."""
        return discover(self._client, self.queries(), self._as_sent_now, by_catalogue=self.CORE_METRICS)

    def run_query(self, text: str, window: Window, *, limit: int, timeout_seconds: float) -> Queried:
        """Evaluate a query over the window."""
        masked = _masking(self.settings)
        return querying.run(
            self._client, text, window, limit=limit, timeout_seconds=timeout_seconds, labels=masked
        )

    def dry_run(self, text: str, window: Window) -> Estimate:
        """Count the series that a query selects."""
        return querying.dry_run(self._client, text, window)

    def known(self) -> Mapping[str, Any]:
        """Metrics with their types and labels."""
        return querying.known(self._client)

    def alert_rules(self) -> tuple[AlertRule, ...]:
        """The server's own alerting rules."""
        return load_alert_rules(self._client)

    def health(self) -> Health:
        """Ask the server how it is."""
        return health(self._client)

    def close(self) -> None:
        """Close connections."""
        self._reader.close()
        self._client.close()

    def _as_sent_now(self, query: str) -> str:
        return self._as_sent(query, self.settings.step_seconds)

    def _as_sent(self, query: str, step_seconds: int) -> str:
        text = filled(query, self.settings.placeholders(step_seconds))
        lookback = self.settings.lookback_seconds
        lookback = step_seconds if lookback is None else lookback
        if lookback == 0 or self.settings.dialect == "metricsql":
            return text
        try:
            return without_carry(text, lookback)
        except ValueError as error:  # only CORE_METRICS of a derived class get here unchecked
            raise SourceError(self.name, str(error), remedy="mend the query in CORE_METRICS") from None

    def _block(self, outcomes: Sequence[Outcome], grid: Grid) -> SeriesBlock:
        """Put all pieces into one block, in the order of the keys."""
        named = [(outcome, _by_labels(outcome)) for outcome in outcomes]
        keys: dict[SeriesKey, tuple[Outcome, str]] = {}
        for outcome, labels in named:
            for key, identity in zip(
                self._naming.keys(outcome.name, list(labels.values())), labels, strict=True
            ):
                keys.setdefault(key, (outcome, identity))
        ordered = sorted(keys)
        rows = {(id(keys[key][0]), keys[key][1]): row for row, key in enumerate(ordered)}
        values = np.full((len(ordered), grid.width), np.nan, np.float32)
        for outcome, _ in named:
            for begin, piece in outcome.pieces:
                at = [rows[id(outcome), _identity(labels)] for labels in piece.labels]
                values[at, begin : begin + piece.values.shape[1]] = piece.values
        values[np.isinf(values)] = np.nan
        return SeriesBlock(tuple(ordered), grid.start, grid.step_seconds, values)

    def _gaps(self, outcome: Outcome) -> list[Gap]:
        said = {"source": self.name, "metric": outcome.name}
        found = []
        if outcome.error:
            found.append(_gap("query_failed", **said, problem=outcome.error.problem))
        if outcome.warnings:
            found.append(
                _gap("partial", **said, problem="; ".join(map(self._client.clean, outcome.warnings)))
            )
        if any(piece.histograms for _, piece in outcome.pieces):
            found.append(_gap("native_histograms", **said))
        return found

    def _asked(self, outcome: Outcome, window: Window, step_seconds: int) -> Asked:
        return Asked(
            source=self.name,
            text=outcome.query,
            target=f"{self.settings.url.rstrip('/')}/api/v1/query_range",
            window=window,
            step_seconds=step_seconds,
            rows=sum(int(np.count_nonzero(~np.isnan(piece.values))) for _, piece in outcome.pieces),
            seconds=round(outcome.seconds, 3),
        )

    def _alerts(self, window: Window) -> tuple[tuple[Alert, ...] | None, tuple[Gap, ...], tuple[Asked, ...]]:
        """The alerts that fired in the window; None where the server has no rules that could fire, or cannot say."""
        step = self.settings.step_seconds
        (outcome,) = self._reader.read({"ALERTS": self._as_sent(FIRING, step)}, _grid(window, step))
        gaps, asked = tuple(self._gaps(outcome)), (self._asked(outcome, window, step),)
        if outcome.error:
            return None, gaps, asked
        found = alerts_of(outcome.pieces, window, step_seconds=step, naming=self._naming)
        known = found or has_rules(self._client)
        return (found if known else None), gaps, asked


class MetricsCollector(PrometheusSource):
    """The same by hand, for a shell: `MetricsCollector("http://localhost:9090").collect_all()`.

    What is read is `CORE_METRICS` (name -> PromQL), which may be added to; further keywords are those of `PrometheusSettings`.
    """

    def __init__(self, url: str, **settings: object) -> None:
        super().__init__(PrometheusSettings.model_validate({"url": url, **settings}))

    def collect_all(self, *, minutes: float = 5.0) -> pl.DataFrame:
        """Return all metrics of the last minutes, in the columns of `domain.signals`: ts, service, instance, metric, value."""
        now = time.time()
        return table_of(
            self.answer(
                Window(*_aligned(Window(now - 60.0 * minutes, now + 1.0), self.settings.step_seconds)),
                step_seconds=self.settings.step_seconds,
            ).block
        )


def _aligned(window: Window, step_seconds: int) -> tuple[float, float]:
    """A window that begins at a multiple of the step, so that a time has the same value whenever it is read."""
    return min(window.end, step_seconds * math.ceil(window.start / step_seconds)), window.end


def _grid(window: Window, step_seconds: int) -> Grid:
    start = math.ceil(window.start)
    return Grid(
        start=start, step_seconds=step_seconds, width=max(0, math.ceil((window.end - start) / step_seconds))
    )


def _masking(settings: PrometheusSettings) -> Callable[[Mapping[str, str]], dict[str, str]]:
    """Masks labels; where the column `service` or `instance` is named, all labels that may fill it are."""
    columns = {"service": settings.service_labels, "instance": settings.instance_labels}
    named = {label for name in settings.mask for label in (name, *columns.get(name, ()))}
    return Masker(settings.model_copy(update={"mask": tuple(sorted(named))})).labels


def _identity(labels: Mapping[str, str]) -> str:
    return repr(sorted(labels.items()))


def _by_labels(outcome: Outcome) -> dict[str, Mapping[str, str]]:
    """The distinct series of an outcome."""
    return {_identity(labels): labels for _, piece in outcome.pieces for labels in piece.labels}


def _gap(key: str, **params: str) -> Gap:
    return Gap(
        modality="metrics", message=Message(key=f"gap.metric_source.{key}", params=tuple(params.items()))
    )
