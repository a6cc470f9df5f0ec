"""Whether a query only reads: it is parsed before it is sent, and what is sent is what was parsed."""

from __future__ import annotations

import re
from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

PARAMETERS = frozenset({"start", "end"})
_WRITES = (
    exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter, exp.TruncateTable, exp.Copy, exp.Command,
    exp.Set, exp.Use, exp.Attach, exp.Detach, exp.Pragma, exp.Grant, exp.Transaction, exp.Commit, exp.Rollback, exp.LoadData,
    exp.Kill, exp.Analyze,
)  # fmt: skip
# Functions that change something, wait, or reach beyond the tables; by prefix. A list can never be whole: the transaction is read-only too.
_EFFECTS = (
    "pg_sleep", "pg_terminate", "pg_cancel", "pg_reload", "pg_rotate", "pg_read_", "pg_ls_", "pg_stat_file", "pg_file_",
    "pg_advisory", "pg_try_advisory", "pg_notify", "pg_promote", "pg_switch", "pg_create_", "pg_drop_", "pg_logical_", "pg_replication_",
    "pg_current_logfile", "pg_stat_reset", "pg_stat_statements_reset", "pg_wal_", "pg_log_", "pg_backup_", "pg_start_backup", "pg_stop_backup",
    "pg_copy_", "pg_sync_", "pg_prewarm", "pg_clear_", "pg_restore_", "pg_extension_config", "pg_export_snapshot", "pg_import_", "lo_", "loread", "lowrite", "dblink", "nextval", "setval", "set_config",
    "query_to_xml", "table_to_xml", "cursor_to_xml", "schema_to_xml", "database_to_xml", "ts_stat", "txid_current", "load_extension",
    "readfile", "writefile", "fts3_tokenizer", "sleep", "benchmark", "load_file", "get_lock", "release_", "wait_", "master_pos_wait", "source_pos_wait", "httpuritype", "sys_", "xp_", "sp_",
    "openrowset", "opendatasource", "openquery", "dbms_", "utl_",
)  # fmt: skip
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # the parser underlines the place
_STAND_IN = re.compile(r"\bsre_window_(start|end)\b")


class QueryError(ValueError):
    """The query is not one that may be sent; the message says why and what to do."""


def parsed(query: str, *, dialect: str) -> exp.Query:
    """Parse a query and make sure that it reads only, of a window.

    Raises
    ------
    QueryError : for more than one statement, for one that is no SELECT, for anything in it that writes, locks or has effects, and when
        the parameters are not `:start` and `:end`
    """
    if _STAND_IN.search(query):
        raise QueryError("holds a word that is used internally; rename sre_window_*")
    statement = _one(query, dialect)
    if not isinstance(statement, exp.Query):
        raise QueryError("is no SELECT; only one SELECT statement may be sent")
    check_reads(statement)
    named = {str(each.name) for each in statement.find_all(exp.Placeholder)}
    if named != PARAMETERS:
        missing = ", ".join(f":{name}" for name in sorted(PARAMETERS - named))
        unknown = ", ".join(f":{name}" for name in sorted(named - PARAMETERS))
        raise QueryError(
            f"does not name {missing}; bound the time by `t >= :start AND t < :end`" if missing else f"names {unknown}; only :start and :end are given"
        )  # fmt: skip
    return statement


def expression(text: str, *, dialect: str) -> exp.Expr:
    """Parse an expression over the columns of the query.

    Raises
    ------
    QueryError : when it is no single expression, or does more than to compute
    """
    statement = _one(f"SELECT {text}", dialect)
    plain = isinstance(statement, exp.Select) and not {k for k, v in statement.args.items() if v} - {
        "expressions",
        "kind",
    }
    if not plain or len(statement.expressions) != 1:
        raise QueryError("is no single expression; write a column, or an expression over columns")
    found = statement.expressions[0]
    check_reads(found)
    if next(found.find_all(exp.Placeholder, exp.Query, exp.Star), None) is not None:
        raise QueryError("holds a parameter, a subquery or `*`; put those into query")
    inner: exp.Expr = found.unalias()
    return inner


def _one(query: str, dialect: str) -> exp.Expr:
    try:
        statements = [each for each in sqlglot.parse(query, dialect=dialect) if each is not None]
    except (SqlglotError, RecursionError) as error:
        said = " ".join(_COLOUR.sub("", str(error)).split())[:200]
        raise QueryError(f"cannot be parsed as {dialect}: {said}") from None
    if len(statements) != 1:
        raise QueryError(f"holds {len(statements)} statements; only one SELECT statement may be sent")
    return statements[0]


def check_reads(statement: exp.Expr) -> None:
    """Raise when a part of a statement writes, locks or calls a function with effects."""
    for node in statement.walk():
        if isinstance(node, _WRITES):
            raise QueryError(f"holds {node.key.upper()}, which does more than to read")
        if isinstance(node, exp.Into):
            raise QueryError("writes its rows into a table (SELECT INTO)")
        if isinstance(node, exp.Lock):
            raise QueryError("locks rows (FOR UPDATE or SHARE); leave that out")
        if isinstance(node, exp.Func) and (name := _name(node)).startswith(_EFFECTS):
            raise QueryError(f"calls {name}(), which does more than to compute")


def _name(node: exp.Func) -> str:
    name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
    return str(name).lower()


def wrapped(
    query: exp.Query, columns: Mapping[str, exp.Expr], *, order: str, limit: int, dialect: str
) -> str:
    """SQL for SQLAlchemy's `text`: the columns computed over the query's rows, by `order`, at most `limit` of them."""
    inner = query.copy().transform(_named)
    outer = exp.select(*(exp.alias_(each.copy(), name, quoted=True) for name, each in columns.items()))
    ordered = outer.from_(exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("answer"))))
    ordered = ordered.order_by(exp.column(order, quoted=True)).limit(limit)
    # all colons but those of the parameters are escaped, since `text` would take ':word' in a literal for a parameter
    return _STAND_IN.sub(r":\1", ordered.sql(dialect=dialect, comments=False).replace(":", r"\:"))


def _named(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Placeholder):
        return exp.Column(this=exp.to_identifier(f"sre_window_{node.name}"))
    return node
