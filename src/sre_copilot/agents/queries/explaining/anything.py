"""Whatever is given: what it is, then what it does."""

from __future__ import annotations

import ast
import json
import re

from sre_copilot.agents.queries.explaining import documents, logql, promql, python_code, search, shell, sql
from sre_copilot.agents.queries.explaining.explained import Explained, Kind
from sre_copilot.domain.knowledge import Lang

_SQL = re.compile(
    r"^\s*(?:--[^\n]*\n\s*)*(?:select|insert|update|delete|merge|create|alter|drop|truncate|grant|revoke|with|explain|copy|table)\b",
    re.IGNORECASE,
)
_RANGES = re.compile(
    r"\b(?:count|rate|bytes|sum|avg|max|min|quantile|absent|first|last|stddev)(?:_over_time|_rate)?\s*\(\s*(?:[\d.]+\s*,\s*)?\{"
)
_OPTION = re.compile(r"^[\w./-]+\s+-{1,2}[A-Za-z]")
_FENCE = re.compile(r"```(?P<name>\w*)\n(?P<body>.*?)```", re.DOTALL)
_YAML = re.compile(
    r"^\s*(?:-\s+)?(?:groups|apiVersion|kind|services|alert|record|version|rules):", re.MULTILINE
)
_SHELL = re.compile(
    r"^#!.*\b(?:ba|z|da)?sh\b|^\s*(?:sudo|set\s+-|export|cd|rm|kubectl|systemctl|docker|curl|for\s+\w+\s+in|if\s+\[|echo|find|grep|kill|helm|tar|chmod|mkfs|dd)\b",
    re.MULTILINE,
)


def explain(text: str, lang: Lang, *, kind: Kind | None = None, dialect: str = "postgres") -> Explained:
    """Explain a query, a script, a rule or a configuration."""
    text = unfenced(text)
    chosen = kind or kind_of(text)
    if chosen == "sql":
        return sql.explain(text, lang, dialect=dialect)
    if chosen in ("alert_rule", "kubernetes", "compose"):
        return documents.explain(text, lang) or _unknown(lang)
    ways = {
        "promql": promql.explain,
        "logql": logql.explain,
        "elasticsearch": search.explain,
        "bash": shell.explain,
        "python": python_code.explain,
    }
    return ways[chosen](text, lang) if chosen in ways else _unknown(lang)


def unfenced(text: str) -> str:
    """What stands between code fences, if anything does."""
    match = _FENCE.search(text)
    return (match["body"] if match else text).strip()


def kind_of(text: str) -> Kind:  # noqa: PLR0911 - one return a kind
    """What a text is, by its form."""
    text = text.strip()
    if text.startswith("{") and _is_json(text):
        return "elasticsearch"
    if _SQL.match(text):
        return "sql"
    if text.startswith("#!") and "python" in text.split("\n")[0]:
        return "python"
    if text.startswith("#!"):
        return "bash"
    if _YAML.search(text) and (documents.explain(text, "en") or Explained(kind="unknown")).kind != "unknown":
        found = documents.explain(text, "en")
        return found.kind if found is not None else "unknown"
    if text.startswith("{") or _RANGES.search(text):
        return (
            "logql"
            if not promql_parses(text)
            or _RANGES.search(text)
            or re.search(r"\|=|\|~|\|\s*(?:json|logfmt)", text)
            else "promql"
        )
    if _SHELL.search(text) or (_OPTION.match(text) and shell.commands_of(text)):
        return "bash"
    if promql_parses(text):
        return "promql"
    if _is_python(text):
        return "python"
    return "bash" if shell.commands_of(text) else "unknown"


def promql_parses(text: str) -> bool:
    """Whether a text is PromQL."""
    return not promql.explain(text, "en").problems


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _is_python(text: str) -> bool:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return any(
        isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.Call | ast.For | ast.With)
        for node in ast.walk(tree)
    )


def _unknown(lang: Lang) -> Explained:
    said = (
        "无法识别：它不是 PromQL、LogQL、SQL、Elasticsearch 查询、脚本或配置。"
        if lang == "zh"
        else "It is no query, script, rule or configuration that is known here."
    )
    return Explained(kind="unknown", problems=(said,))
