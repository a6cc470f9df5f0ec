"""A SELECT of somebody's own over listed tables, in a transaction that cannot write; and which columns those tables have."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl
import sqlglot
from sqlglot import exp

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceError, SourceRefused
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.source import Asked, Estimate, Queried
from sre_copilot.perception.transactions.sql_database import Database
from sre_copilot.perception.transactions.sql_guard import QueryError, check_reads

MOST_VALUES = 20
_COLUMNS = (
    "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = {schema}"
)
_SCHEMA = {"postgresql": "current_schema()", "mysql": "database()", "mariadb": "database()"}


def run(
    database: Database,
    text: str,
    window: Window,
    *,
    tables: Iterable[str],
    dialect: str,
    limit: int,
    masker: Masker,
) -> Queried:
    """Rows of one SELECT."""
    began = time.monotonic()
    statement = guarded(text, source=database.name, tables=tables, dialect=dialect)
    names = [each.alias_or_name for each in statement.expressions]
    bounded = statement.limit(min(_limit(statement, limit + 1), limit + 1))
    sent = bounded.sql(dialect=dialect, comments=False)
    rows, columns = database.table(sent)
    table = _table(rows, columns or names, masker)
    asked = Asked(
        source=database.name,
        text=sent,
        target=database.shown,
        window=window,
        rows=len(rows),
        seconds=round(time.monotonic() - began, 3),
    )
    return Queried(rows=table.head(limit), asked=asked, cut=len(rows) > limit)


def guarded(text: str, *, source: str, tables: Iterable[str], dialect: str) -> exp.Query:
    """One SELECT that only reads, from tables that are listed; judged here again, whoever judged it before.

    Raises
    ------
    SourceRefused : says what may not be sent
    """
    allowed = {name.lower() for name in tables}
    try:
        statements = [each for each in sqlglot.parse(text, dialect=dialect) if each is not None]
        if len(statements) != 1 or not isinstance(statements[0], exp.Query):
            raise QueryError("is no single SELECT")
        check_reads(statements[0])
    except (QueryError, sqlglot.errors.SqlglotError, RecursionError) as error:
        raise SourceRefused(
            source, f"the query {str(error)[:200]}", remedy="send one SELECT that only reads"
        ) from None
    statement = statements[0]
    given = {each.alias.lower() for each in statement.find_all(exp.CTE)}
    for table in statement.find_all(exp.Table):
        plain = isinstance(table.this, exp.Identifier) and not table.args.get("db")
        if (
            not plain
            or (table.name.lower() not in allowed | given)
            or (table.name.lower() in given and table.name.lower().startswith(("pg_", "sqlite_")))
        ):
            raise SourceRefused(
                source,
                f"the table {table.sql()} is not listed",
                remedy="list it under tables, or ask of another",
            )
    return statement


def _limit(statement: exp.Query, most: int) -> int:
    said = statement.args.get("limit")
    value = said.expression if isinstance(said, exp.Limit) else None
    return int(value.name) if isinstance(value, exp.Literal) and value.name.isdigit() else most


def _table(rows: Sequence[Sequence[Any]], names: Sequence[str], masker: Masker) -> pl.DataFrame:
    unique = [
        name if list(names).index(name) == at and name else f"column_{at}" for at, name in enumerate(names)
    ]
    columns = {
        name: pl.Series(name, [_plain(row[at], name, masker) for row in rows], strict=False)
        for at, name in enumerate(unique)
    }
    return pl.DataFrame(columns)


def _plain(value: Any, name: str, masker: Masker) -> Any:
    if name in masker.names:
        return masker.labels({name: "" if value is None else str(value)})[name]
    if value is None or isinstance(value, bool | int | float):
        return value
    return float(value) if type(value).__name__ == "Decimal" else str(value)


def dry_run(database: Database, text: str, *, tables: Iterable[str], dialect: str) -> Estimate:
    """Rows by the planner's own estimate, where the database has one."""
    statement = guarded(text, source=database.name, tables=tables, dialect=dialect)
    if database.backend != "postgresql":
        return Estimate()
    said = database.table(f"EXPLAIN (FORMAT JSON) {statement.sql(dialect=dialect, comments=False)}")[0][0][0]
    plan = (json.loads(said) if isinstance(said, str) else said)[0]["Plan"]
    return Estimate(points=int(_scanned(plan)), words=f"cost {plan['Total Cost']:,.0f}")


def _scanned(plan: dict[str, Any]) -> float:
    inner = [_scanned(each) for each in plan.get("Plans", ())]
    return sum(inner) if inner else float(plan.get("Plan Rows", 0))


def known(database: Database, tables: Sequence[str], dialect: str) -> dict[str, Any]:
    """Columns and types of the listed tables, and the values of text columns that have few."""
    columns = _sqlite(database, tables) if database.backend == "sqlite" else _standard(database, tables)
    values: dict[str, list[str]] = {}
    for table, kinds in columns.items():
        for name, kind in kinds.items():
            if kind.lower().startswith(("text", "varchar", "char", "enum")) and (
                found := _values(database, table, name, dialect)
            ):
                values[f"{table}.{name}"] = found
    return {"dialect": dialect, "tables": columns, "values": values}


def _standard(database: Database, tables: Sequence[str]) -> dict[str, dict[str, str]]:
    rows, _ = database.table(_COLUMNS.format(schema=_SCHEMA.get(database.backend, "current_schema()")))
    found: dict[str, dict[str, str]] = {name: {} for name in tables}
    for table, column, kind in rows:
        if table in found:
            found[table][column] = str(kind)
    return {name: each for name, each in found.items() if each}


def _sqlite(database: Database, tables: Sequence[str]) -> dict[str, dict[str, str]]:
    found = {}
    for name, sql in database.table("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view')")[0]:
        if name in tables:
            created = sqlglot.parse_one(str(sql), dialect="sqlite")
            found[name] = {
                each.name: (each.kind.sql().lower() if each.kind else "text")
                for each in created.find_all(exp.ColumnDef)
            }
    return found


def _values(database: Database, table: str, name: str, dialect: str) -> list[str]:
    """Values of a column when it has but a few; read from a sample, for a large table is not scanned to learn them."""
    sample = exp.select(exp.column(name)).from_(exp.to_table(table)).limit(2000).subquery("sample")
    query = exp.select(exp.column(name)).distinct().from_(sample).limit(MOST_VALUES + 1)
    try:
        rows, _ = database.table(query.sql(dialect=dialect, identify=True))
    except SourceError:
        return []
    return [str(row[0]) for row in rows if row[0] is not None] if len(rows) <= MOST_VALUES else []
