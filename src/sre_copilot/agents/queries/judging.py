"""One door to all validators: what may be sent, at which cost; and one to all explanations of queries."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sre_copilot.agents.queries import topology
from sre_copilot.agents.queries.explaining import logql as logql_words
from sre_copilot.agents.queries.explaining import promql as promql_words
from sre_copilot.agents.queries.explaining import search as search_words
from sre_copilot.agents.queries.explaining import sql as sql_words
from sre_copilot.agents.queries.explaining.explained import Explained
from sre_copilot.agents.queries.logql.check import check as check_logql
from sre_copilot.agents.queries.promql.check import check as check_promql
from sre_copilot.agents.queries.schema import Schema
from sre_copilot.agents.queries.search.check import check as check_search
from sre_copilot.agents.queries.sql.guard import check as check_sql
from sre_copilot.agents.queries.written import Cost, Language, QueryProblem
from sre_copilot.domain.knowledge import Lang


@dataclass(frozen=True, slots=True)
class Accepted:
    """A query as it may be sent (SQL is written anew, with a limit), and what is known of its cost."""

    query: str
    cost: Cost


def accept(query: str, language: Language, schema: Schema) -> Accepted:
    """Judge a query, whoever wrote it.

    Raises
    ------
    QueryProblem : says what is wrong, and what there is instead
    """
    query = query.strip().rstrip(";").strip() if language == "sql" else query.strip()
    if not query:
        raise QueryProblem("There is no query.", "没有查询语句。")
    if language == "promql":
        return Accepted(query, check_promql(query, schema.metrics))
    if language == "logql":
        return Accepted(query, check_logql(query, schema.logs))
    if language == "elasticsearch":
        return Accepted(query, check_search(query, schema.index))
    if language == "topology":
        topology.check(query, schema.services)
        return Accepted(query, Cost())
    if schema.sql is None:
        raise QueryProblem(
            "No table is known; give a schema, or configure a database.",
            "没有已知的表；请提供 schema 或配置数据库。",
        )
    checked = check_sql(query, dialect=schema.sql.dialect, tables=schema.sql.tables)
    return Accepted(checked.sql, Cost(points=checked.limit))


def explain(query: str, language: Language, lang: Lang, *, dialect: str = "postgres") -> Explained:
    """A query in words."""
    if language == "promql":
        return promql_words.explain(query, lang)
    if language == "logql":
        return logql_words.explain(query, lang)
    if language == "elasticsearch":
        return search_words.explain(query, lang)
    if language == "sql":
        return sql_words.explain(query, lang, dialect=dialect)
    asked = json.loads(query)
    service, to, steps = asked.get("service", ""), asked.get("to", ""), asked.get("steps", 1)
    if lang == "zh":
        said = (
            f"{service} 到 {to} 的调用路径" if to else f"{service or '全部服务'} 周围 {steps} 步内的调用关系"
        )
    else:
        said = (
            f"The way of calls from {service} to {to}."
            if to
            else f"Calls within {steps} of {service or 'all services'}."
        )
    return Explained(kind="unknown", lines=(said,))
