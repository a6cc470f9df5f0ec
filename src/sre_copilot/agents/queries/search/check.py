"""Whether a search may be sent: it is an object of keys that are listed, over fields that there are, without a script, and bounded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sre_copilot.agents.queries.fields import numeric
from sre_copilot.agents.queries.schema import IndexSchema
from sre_copilot.agents.queries.written import Cost, QueryProblem

MOST_HITS = 1000
MOST_BUCKETS = 1000
LONGEST_REACH_S = 31 * 86_400.0
DEEPEST = 12
_TOP = frozenset(
    {
        "size",
        "from",
        "query",
        "sort",
        "aggs",
        "aggregations",
        "track_total_hits",
        "_source",
        "timeout",
        "fields",
    }
)
_COMPOUND = frozenset({"bool"})
_LEAVES = frozenset(
    {"term", "terms", "range", "match", "match_phrase", "exists", "prefix", "match_all", "ids"}
)
_BUCKETS = frozenset({"terms", "date_histogram", "histogram", "filter", "range", "missing"})
_MEASURES = frozenset(
    {"avg", "sum", "max", "min", "value_count", "cardinality", "percentiles", "stats", "extended_stats"}
)
_OF_NUMBERS = frozenset({"avg", "sum", "percentiles", "stats", "extended_stats", "histogram"})
_UNIT_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "M": 2592000.0, "y": 31536000.0}


def check(query: str, schema: IndexSchema | None) -> Cost:
    """The cost of a search that may be sent.

    Raises
    ------
    QueryProblem : says what is wrong, and what there is instead
    """
    try:
        body = json.loads(query)
    except ValueError as error:
        raise QueryProblem(f"The search is no JSON: {error}.", f"查询不是 JSON：{error}。") from None
    if not isinstance(body, Mapping):
        _refuse("The search is no JSON object.", "查询不是 JSON 对象。")
    if unknown := sorted(body.keys() - _TOP):
        _refuse(
            f"The key {unknown[0]} is not allowed. Allowed are: {', '.join(sorted(_TOP))}.",
            f"不允许的键 {unknown[0]}。允许：{', '.join(sorted(_TOP))}。",
        )
    _check_size(body)
    judge = Judge(schema)
    judge.clause(body.get("query") or {"match_all": {}}, 0)
    judge.aggregations(body.get("aggs") or body.get("aggregations") or {}, 0)
    judge.sort(body.get("sort") or [])
    if judge.reach_s > LONGEST_REACH_S:
        _refuse(
            f"It reaches back {judge.reach_s / 86400:.0f} days; at most 31 are allowed.",
            f"查询回溯 {judge.reach_s / 86400:.0f} 天，最多 31 天。",
        )
    return Cost(window_seconds=judge.reach_s or None)


def _refuse(en: str, zh: str) -> None:
    raise QueryProblem(en, zh)


def _check_size(body: Mapping[str, Any]) -> None:
    size = body.get("size", 10)
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= MOST_HITS:
        _refuse(f"size must be a number up to {MOST_HITS}.", f"size 必须是不超过 {MOST_HITS} 的数字。")


class Judge:
    """Walks a search; remembers how far back it reaches."""

    def __init__(self, schema: IndexSchema | None) -> None:
        self._fields = None if schema is None else schema.fields
        self.reach_s = 0.0

    def clause(self, clause: Any, depth: int) -> None:
        """A query clause."""
        if not isinstance(clause, Mapping) or len(clause) != 1 or depth > DEEPEST:
            _refuse(
                "A clause is an object with one key, not nested too deeply.",
                "子句必须是只有一个键的对象，且不能嵌套过深。",
            )
        ((kind, inner),) = clause.items()
        if kind in _COMPOUND:
            for key, parts in inner.items():
                if key == "minimum_should_match":
                    continue
                if key not in ("must", "filter", "should", "must_not"):
                    _refuse(f"bool has no {key}.", f"bool 中没有 {key}。")
                for part in parts if isinstance(parts, list) else [parts]:
                    self.clause(part, depth + 1)
            return
        if kind not in _LEAVES:
            _refuse(
                f"The clause {kind} is not allowed (no scripts, no leading wildcards, no regular expressions).",
                f"不允许子句 {kind}（不允许脚本、前置通配符和正则）。",
            )
        for name in self._named(kind, inner):
            self.field(name)
        if kind == "range":
            self._range(inner)

    def _named(self, kind: str, inner: Any) -> Iterator[str]:
        if kind == "exists":
            yield str(inner.get("field"))
        elif kind not in ("match_all", "ids"):
            if not isinstance(inner, Mapping) or not inner:
                _refuse(f"{kind} needs a field.", f"{kind} 需要字段。")
            yield from (str(name) for name in inner if name not in ("boost",))

    def _range(self, inner: Mapping[str, Any]) -> None:
        for bounds in inner.values():
            if not isinstance(bounds, Mapping) or bounds.keys() - {
                "gt",
                "gte",
                "lt",
                "lte",
                "format",
                "time_zone",
            }:
                _refuse(
                    "range takes gt, gte, lt, lte, format and time_zone.",
                    "range 只接受 gt、gte、lt、lte、format 和 time_zone。",
                )
            for bound in ("gt", "gte"):
                if match := re.fullmatch(r"now-(\d+)([smhdwMy])(?:/\w)?", str(bounds.get(bound, ""))):
                    self.reach_s = max(self.reach_s, int(match[1]) * _UNIT_S[match[2]])

    def field(self, name: str, *, of_numbers: bool = False) -> None:
        """A field must be there, and of numbers where one computes with it."""
        if self._fields is None or name in ("_count", "_key", "_doc", "_score", "_id"):
            return
        known = self._fields.get(name) or self._fields.get(name.removesuffix(".keyword"))
        if known is None:
            _refuse(
                f"There is no field {name}. There are: {', '.join(list(self._fields)[:10])}.",
                f"没有字段 {name}。现有：{', '.join(list(self._fields)[:10])}。",
            )
        if of_numbers and known and not numeric(known):
            _refuse(f"{name} is of type {known} and no number.", f"{name} 的类型是 {known}，不是数字。")

    def aggregations(self, aggregations: Any, depth: int) -> None:
        """Aggregations, and those within."""
        if not isinstance(aggregations, Mapping) or depth > 3:
            _refuse("aggs is an object, at most four deep.", "aggs 必须是对象，最多四层。")
        for each in aggregations.values():
            for kind, body in each.items():
                if kind in ("aggs", "aggregations"):
                    self.aggregations(body, depth + 1)
                else:
                    self._aggregation(kind, body)

    def _aggregation(self, kind: str, body: Any) -> None:
        if kind not in _BUCKETS | _MEASURES or not isinstance(body, Mapping) or "script" in body:
            _refuse(f"The aggregation {kind} is not allowed.", f"不允许聚合 {kind}。")
        if kind == "filter":
            self.clause(body, 1)
            return
        self.field(str(body.get("field")), of_numbers=kind in _OF_NUMBERS)
        known = (self._fields or {}).get(str(body.get("field")))
        if kind in ("terms", "cardinality") and known == "text":
            _refuse(
                f"{body.get('field')} is full text and cannot be grouped by.",
                f"{body.get('field')} 是全文字段，不能分组。",
            )
        if int(body.get("size", 10)) > MOST_BUCKETS:
            _refuse(f"At most {MOST_BUCKETS} buckets.", f"最多 {MOST_BUCKETS} 个桶。")

    def sort(self, sort: Any) -> None:
        """Fields that are sorted by."""
        for each in sort if isinstance(sort, list) else [sort]:
            for name in [each] if isinstance(each, str) else list(each):
                if name == "_script":
                    _refuse("A script is not allowed.", "不允许脚本。")
                self.field(name)
