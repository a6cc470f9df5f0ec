"""What there is to ask for: metrics with labels, labels of log streams, fields of an index, tables with columns; from the sources, or given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.agents.queries.written import Language
from sre_copilot.errors import UsageError

Values = Mapping[str, tuple[str, ...]]
DIALECTS = ("postgres", "mysql", "sqlite")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: `kind` is counter, gauge, histogram (its buckets) or summary."""

    name: str
    kind: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricSchema:
    """Metrics, and values of labels as far as they are known."""

    metrics: Mapping[str, Metric]
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogSchema:
    """Labels of streams with their values, the form of the lines (json, logfmt, text), and the fields in them (number or string)."""

    labels: Values
    form: str = "text"
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IndexSchema:
    """An index or a pattern, and its fields with their types."""

    index: str
    fields: Mapping[str, str]
    values: Values = field(default_factory=dict)

    @property
    def time_field(self) -> str:
        """The field of the time; '' where there is none."""
        dates = [name for name, kind in self.fields.items() if kind in ("date", "date_nanos")]
        return "@timestamp" if "@timestamp" in dates else next(iter(dates), "")


@dataclass(frozen=True, slots=True)
class SqlSchema:
    """Tables with their columns and types; `keys` are the declared joins, as (`deliveries.courier_id`, `couriers.id`)."""

    dialect: str
    tables: Mapping[str, Mapping[str, str]]
    values: Values = field(default_factory=dict)
    keys: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """All that is known; a part that is None has no source."""

    metrics: MetricSchema | None = None
    logs: LogSchema | None = None
    index: IndexSchema | None = None
    sql: SqlSchema | None = None
    services: tuple[str, ...] = ()

    @property
    def languages(self) -> tuple[Language, ...]:
        """Languages in which something can be asked."""
        parts: tuple[tuple[Language, object], ...] = (
            ("promql", self.metrics), ("logql", self.logs), ("elasticsearch", self.index), ("sql", self.sql),
        )  # fmt: skip
        return (*(language for language, part in parts if part is not None), "topology")


def schema_of(document: Mapping[str, Any]) -> Schema:
    """A schema out of a document: `metrics`, `labels`, `index` or `tables` at its top, or several such under names of one's own.

    Raises
    ------
    UsageError : names what is missing
    """
    parts = [document] if _is_part(document) else [each for each in document.values() if _is_part(each)]
    if not parts:
        raise UsageError(
            "the schema names none of: metrics, labels (of log streams), index with fields, tables. The page “Queries, scripts and their explanations” describes each."
        )
    found: dict[str, Any] = {"services": tuple(map(str, document.get("services") or ()))}
    try:
        for part in parts:
            found |= _part(part)
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise UsageError(
            f"the schema cannot be read: {error!r}. The page “Queries, scripts and their explanations” describes each."
        ) from None
    return Schema(**found)


def _is_part(document: Any) -> bool:
    return isinstance(document, Mapping) and bool({"metrics", "labels", "index", "tables"} & document.keys())


def _part(document: Mapping[str, Any]) -> dict[str, Any]:
    values = {str(name): tuple(map(str, each)) for name, each in (document.get("values") or {}).items()}
    if "metrics" in document:
        metrics = {
            name: Metric(name, str(each.get("type", "gauge")), tuple(each.get("labels") or ()))
            for name, each in document["metrics"].items()
        }
        return {"metrics": MetricSchema(metrics, values)}
    if "tables" in document:
        dialect = str(document.get("dialect", "postgres"))
        if dialect not in DIALECTS:
            raise UsageError(f"dialect '{dialect}' is none of {', '.join(DIALECTS)}")
        tables = {str(name): dict(columns) for name, columns in document["tables"].items()}
        keys = tuple((str(a), str(b)) for a, b in document.get("keys") or ())
        return {"sql": SqlSchema(dialect, tables, values, keys)}
    if "index" in document:
        return {"index": IndexSchema(str(document["index"]), dict(document["fields"]), values)}
    labels = {str(name): tuple(map(str, each or ())) for name, each in document["labels"].items()}
    return {
        "logs": LogSchema(labels, str(document.get("format", "text")), dict(document.get("fields") or {}))
    }
