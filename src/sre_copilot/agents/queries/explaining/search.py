"""A search of Elasticsearch or OpenSearch in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sre_copilot.agents.queries.explaining.explained import Explained, Findings
from sre_copilot.agents.queries.search.check import check
from sre_copilot.agents.queries.written import QueryProblem
from sre_copilot.domain.knowledge import Lang

_SIGNS = {"gt": ">", "gte": "≥", "lt": "<", "lte": "≤"}


def explain(query: str, lang: Lang) -> Explained:
    """A search in words."""
    found = Findings(lang)
    try:
        body = json.loads(query)
    except ValueError:
        body = None
    if not isinstance(body, Mapping):
        found.problem("It is no JSON object.", "不是 JSON 对象。")
        return found.explained("elasticsearch")
    said = clause(body.get("query") or {"match_all": {}}, lang)
    found.say(f"Finds documents where {said}.", f"查找满足 {said} 的文档。")
    for name, each in (body.get("aggs") or body.get("aggregations") or {}).items():
        _aggregation(name, each, found)
    size = body.get("size", 10)
    if size == 0:
        found.say("Gives no documents, only the numbers.", "不返回文档，只返回统计结果。")
    else:
        found.say(f"Gives at most {size} documents.", f"最多返回 {size} 条文档。")
    if sort := body.get("sort"):
        found.say(
            f"Sorted by {json.dumps(sort, ensure_ascii=False)}.",
            f"按 {json.dumps(sort, ensure_ascii=False)} 排序。",
        )
    try:
        check(query, None)
    except QueryProblem as problem:
        found.danger(
            "high" if "script" in query else "medium",
            f"Would be refused here: {problem}",
            f"此处会被拒绝：{problem.zh}",
        )
    if said in ("anything", "任意") and size:
        found.danger("low", "Cost: nothing narrows the search.", "开销：没有任何条件缩小范围。")
    return found.explained("elasticsearch")


def clause(node: Any, lang: Lang) -> str:  # noqa: PLR0911 - one return a kind
    """A clause in words."""
    zh = lang == "zh"
    if not isinstance(node, Mapping) or not node:
        return str(node)
    kind, inner = next(iter(node.items()))
    if kind == "bool" and isinstance(inner, Mapping):
        return _bool(inner, lang)
    if kind == "match_all":
        return "任意" if zh else "anything"
    if kind == "exists":
        return f"存在 {inner.get('field')}" if zh else f"{inner.get('field')} is there"
    if not isinstance(inner, Mapping):
        return f"{kind} {inner}"
    name, value = next(iter(inner.items()))
    if kind == "range" and isinstance(value, Mapping):
        return (" 且 " if zh else " and ").join(
            f"{name} {_SIGNS.get(key, key)} {bound}" for key, bound in value.items()
        )
    value = value.get("value", value.get("query", value)) if isinstance(value, Mapping) else value
    words = {
        "term": ("is", "为"),
        "terms": ("is one of", "属于"),
        "match": ("has words of", "匹配"),
        "match_phrase": ("holds", "包含"),
        "prefix": ("begins with", "开头为"),
    }
    return f"{name} {words.get(kind, (kind, kind))[zh]} {value}"


def _bool(inner: Mapping[str, Any], lang: Lang) -> str:
    zh = lang == "zh"
    said = []
    for key, join_ in (
        ("filter", ("and", "且")),
        ("must", ("and", "且")),
        ("should", ("or", "或")),
        ("must_not", ("nor", "也不")),
    ):
        parts = inner.get(key) or []
        each = f" {join_[zh]} ".join(
            clause(part, lang) for part in (parts if isinstance(parts, list) else [parts])
        )
        if each:
            said.append(
                (f"不满足（{each}）" if zh else f"not ({each})")
                if key == "must_not"
                else f"({each})"
                if key == "should"
                else each
            )
    return (" 且 " if zh else " and ").join(said) or ("任意" if zh else "anything")


def _aggregation(name: str, node: Mapping[str, Any], found: Findings, depth: int = 0) -> None:
    for kind, body in node.items():
        if kind in ("aggs", "aggregations"):
            for inner, each in body.items():
                _aggregation(inner, each, found, depth + 1)
        elif kind == "terms":
            found.say(
                f"Groups by {body.get('field')}, the {body.get('size', 10)} largest groups.",
                f"按 {body.get('field')} 分组，取最大的 {body.get('size', 10)} 组。",
            )
        elif kind == "date_histogram":
            width = body.get("fixed_interval") or body.get("calendar_interval")
            found.say(f"Groups by time, {width} each.", f"按时间分组，每组 {width}。")
        else:
            within, within_zh = (" in each group", "（每组）") if depth else ("", "")
            found.say(
                f"Computes {kind} of {body.get('field', '')}{within}.",
                f"计算 {body.get('field', '')} 的 {kind}{within_zh}。",
            )
