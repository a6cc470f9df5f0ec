"""A search of Elasticsearch or OpenSearch out of typed parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

Bound = Literal["gt", "gte", "lt", "lte"]


@dataclass(frozen=True, slots=True)
class Term:
    """A field has one of some values."""

    field: str
    values: tuple[str | float | bool, ...]

    def document(self) -> dict[str, Any]:
        """As it is sent."""
        return (
            {"term": {self.field: self.values[0]}}
            if len(self.values) == 1
            else {"terms": {self.field: list(self.values)}}
        )


@dataclass(frozen=True, slots=True)
class Range:
    """A field lies within bounds; times as `now-30m` or RFC 3339."""

    field: str
    bounds: tuple[tuple[Bound, str | float], ...]

    def document(self) -> dict[str, Any]:
        """As it is sent."""
        return {"range": {self.field: dict(self.bounds)}}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text holds words, in this order."""

    field: str
    text: str

    def document(self) -> dict[str, Any]:
        """As it is sent."""
        return {"match_phrase": {self.field: self.text}}


@dataclass(frozen=True, slots=True)
class Exists:
    """A field is there."""

    field: str

    def document(self) -> dict[str, Any]:
        """As it is sent."""
        return {"exists": {"field": self.field}}


Clause = Term | Range | Phrase | Exists


@dataclass(frozen=True, slots=True)
class Buckets:
    """An aggregation into buckets, with what is computed in each."""

    kind: Literal["terms", "date_histogram"]
    field: str
    size: int = 10
    interval: str = ""
    order: Literal["", "asc", "desc"] = ""
    inner: Buckets | Measure | None = None

    def document(self) -> dict[str, Any]:
        """As it is sent."""
        body: dict[str, Any] = {"field": self.field}
        if self.kind == "terms":
            body["size"] = self.size
            if self.order:
                body["order"] = {"value" if isinstance(self.inner, Measure) else "_count": self.order}
        else:
            body["fixed_interval"] = self.interval
        found: dict[str, Any] = {self.kind: body}
        if self.inner is not None:
            found["aggs"] = named(self.inner)
        return found


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of all documents, or of those of a bucket."""

    kind: Literal["avg", "sum", "max", "min", "value_count", "cardinality", "percentiles"]
    field: str
    percents: tuple[float, ...] = ()

    def document(self) -> dict[str, Any]:
        """As it is sent."""
        body: dict[str, Any] = {"field": self.field}
        if self.percents:
            body["percents"] = list(self.percents)
        return {self.kind: body}


def named(aggregation: Buckets | Measure) -> dict[str, Any]:
    """An aggregation under its name."""
    return {"value" if isinstance(aggregation, Measure) else "by": aggregation.document()}


@dataclass(frozen=True, slots=True)
class Search:
    """The whole body."""

    filters: tuple[Clause, ...] = ()
    without: tuple[Clause, ...] = ()
    size: int = 100
    sort: tuple[tuple[str, Literal["asc", "desc"]], ...] = ()
    aggregation: Buckets | Measure | None = None
    counts: bool = False
    texts: tuple[Clause, ...] = field(default_factory=tuple)

    @property
    def text(self) -> str:
        """As it is sent."""
        parts: dict[str, Any] = {}
        for key, clauses in (("filter", self.filters), ("must", self.texts), ("must_not", self.without)):
            if clauses:
                parts[key] = [each.document() for each in clauses]
        body: dict[str, Any] = {"size": self.size, "query": {"bool": parts} if parts else {"match_all": {}}}
        if self.sort:
            body["sort"] = [{name: {"order": order}} for name, order in self.sort]
        if self.aggregation is not None:
            body["aggs"] = named(self.aggregation)
        if self.counts:
            body["track_total_hits"] = True
        return orjson.dumps(body).decode()
