"""Alerting rules of a server: what they ask, for how long it must hold, and what a query of theirs measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast
from urllib.parse import parse_qs, urlsplit

import promql_parser
from promql_parser import BinaryExpr, NumberLiteral, ParenExpr

from sre_copilot.perception.http import HttpClient

Comparison = Literal[">", ">=", "<", "<=", "=="]
COMPARISONS = (">", ">=", "<", "<=", "==")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One rule: it fires when `expression` has held for `for_seconds`."""

    name: str
    expression: str
    for_seconds: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A condition taken apart: what is measured, and the limit that it is held against."""

    expression: str
    relation: Comparison
    limit: float


def load_alert_rules(client: HttpClient) -> tuple[AlertRule, ...]:
    """All alerting rules of a server that has the rules API of Prometheus.

    Raises
    ------
    SourceError : when it cannot be asked
    """
    document = client.get_json("/api/v1/rules", {"type": "alert"})
    data = document.get("data") if isinstance(document, Mapping) else None
    groups = data.get("groups") if isinstance(data, Mapping) else None
    return tuple(
        _rule(rule, str(group.get("name", "")))
        for group in groups or ()
        for rule in group.get("rules") or ()
        if rule.get("name") and rule.get("query")
    )


def _rule(rule: Mapping[str, Any], group: str) -> AlertRule:
    return AlertRule(
        name=str(rule["name"]),
        expression=str(rule["query"]),
        for_seconds=float(rule.get("duration") or 0.0),
        labels={str(name): str(value) for name, value in (rule.get("labels") or {}).items()},
        annotations={str(name): str(value) for name, value in (rule.get("annotations") or {}).items()},
        group=group,
    )


def metric_query_of(generator_url: str) -> str:
    """The query behind the link that Prometheus gives with an alert (`g0.expr`); '' where there is none."""
    try:
        return parse_qs(urlsplit(generator_url).query).get("g0.expr", [""])[0].strip()
    except ValueError:
        return ""


def compared(expression: str) -> Compared | None:
    """Take apart a condition that holds one expression against a number; None for any other, and for what is no PromQL."""
    try:
        tree = promql_parser.parse(expression)
    except ValueError:
        return None
    while isinstance(tree, ParenExpr):
        tree = tree.expr
    if not isinstance(tree, BinaryExpr) or str(tree.op) not in COMPARISONS:
        return None
    if not isinstance(tree.rhs, NumberLiteral):
        return None
    return Compared(
        expression=tree.lhs.prettify(), relation=cast("Comparison", str(tree.op)), limit=float(tree.rhs.val)
    )
