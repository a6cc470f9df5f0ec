"""Whether SQL may be sent: exactly one SELECT over tables and functions that are listed. What is sent is what was parsed, without its comments."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sre_copilot.agents.queries.sql.functions import FUNCTIONS, NODES, TYPES
from sre_copilot.agents.queries.written import QueryProblem

MOST_ROWS = 1000  # more is read by nobody, and is no answer to a question in words
LONGEST = 8000  # characters; a longer text is no question of a person
MOST_NODES = 1500
MOST_JOINS = 6
_EXECUTABLE = re.compile(r"/\*\s*[!+]|\x00|[Uu]&[\"']|\$\w*\$")
_SYSTEM = re.compile(
    r"^(?:pg_|sqlite_|information_schema$|mysql$|performance_schema$|sys$|pragma_)", re.IGNORECASE
)
_HIDDEN = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid", "_rowid_"})
logging.getLogger("sqlglot").setLevel(
    logging.ERROR
)  # it warns of statements that it does not know; those are refused here
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Checked:
    """SQL that may be sent, and what it reads."""

    sql: str
    statement: exp.Query
    tables: tuple[str, ...]
    limit: int


def check(
    sql: str,
    *,
    dialect: str,
    tables: Iterable[str] | Mapping[str, Mapping[str, str]],
    most_rows: int = MOST_ROWS,
) -> Checked:
    """Parse, judge, and write anew with a limit.

    Parameters
    ----------
    dialect : postgres, mysql or sqlite
    tables : names that may be read; with their columns where those are known, and then no other column may be named

    Raises
    ------
    QueryProblem : says what may not be sent
    """
    if len(sql) > LONGEST or _EXECUTABLE.search(sql):
        _refuse(
            "It is too long, or holds an executable comment or an escaped identifier.",
            "语句过长，或包含可执行注释、转义标识符。",
        )
    statement = _one(sql, dialect)
    nodes = list(statement.walk())
    if len(nodes) > MOST_NODES:
        _refuse("It is too deeply nested.", "语句嵌套过深。")
    for node in nodes:
        _check_node(node)
        if isinstance(node, exp.Column) and node.name.lower() in _HIDDEN:
            _refuse(f"{node.name} is a column of the system.", f"{node.name} 是系统列。")
    columns = tables if isinstance(tables, Mapping) else None
    used = _check_tables(statement, {name.lower() for name in tables})
    _check_joins(statement, nodes)
    if columns is not None:
        _check_columns(statement, columns)
    limit = _limited(statement, most_rows)
    return Checked(statement.sql(dialect=dialect, comments=False), statement, used, limit)


def _refuse(en: str, zh: str) -> None:
    raise QueryProblem(en, zh)


def _one(sql: str, dialect: str) -> exp.Query:
    try:
        statements = [each for each in sqlglot.parse(sql, dialect=dialect) if each is not None]
    except (SqlglotError, RecursionError, ValueError) as error:
        said = " ".join(_COLOUR.sub("", str(error)).split())[:160]
        raise QueryProblem(
            f"It cannot be parsed as {dialect}: {said}", f"无法按 {dialect} 解析：{said}"
        ) from None
    if len(statements) != 1:
        _refuse(
            f"It holds {len(statements)} statements; only one SELECT may be sent.",
            f"包含 {len(statements)} 条语句；只允许一条 SELECT。",
        )
    statement = statements[0]
    if not isinstance(statement, exp.Select | exp.SetOperation):
        raise QueryProblem(
            "It is no SELECT; only one SELECT may be sent.", "不是 SELECT；只允许一条 SELECT。"
        )
    return statement


def _check_node(node: exp.Expr) -> None:
    """Only what is listed passes: an unknown kind of expression or function is refused, whatever it is."""
    if isinstance(node, exp.Func) and not isinstance(
        node, exp.Case | exp.If | exp.Cast | exp.Connector | exp.Exists
    ):
        name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
        if name not in FUNCTIONS:
            _refuse(
                f"The function {name}() is not on the list of those that only compute.",
                f"函数 {name}() 不在只做计算的函数清单中。",
            )
        return
    if isinstance(node, exp.DataType):
        if node.this not in TYPES and str(getattr(node.this, "value", node.this)).upper() not in TYPES:
            _refuse(f"A cast to {node.sql()} is not allowed.", f"不允许转换为 {node.sql()}。")
        return
    if not isinstance(node, NODES):
        _refuse(
            f"{node.key.upper()} is not allowed in a query that only reads.",
            f"只读查询中不允许 {node.key.upper()}。",
        )


def _check_tables(statement: exp.Query, allowed: set[str]) -> tuple[str, ...]:
    """Tables that are read. A name that WITH gives counts from there on, at the top of the statement alone."""
    found: list[str] = []
    given: set[str] = set()
    top = statement.args.get("with_") or statement.args.get("with")
    if any(each is not top for each in statement.find_all(exp.With)):
        _refuse("WITH is allowed at the top of the statement only.", "WITH 只能出现在语句最外层。")
    if top is not None:
        if top.args.get("recursive"):
            _refuse("WITH RECURSIVE may run without an end.", "WITH RECURSIVE 可能无法终止。")
        for each in top.expressions:
            _check_reads(each.this, allowed | given, found)
            given.add(each.alias.lower())
    inside = {
        id(table)
        for each in (top.expressions if top is not None else ())
        for table in each.find_all(exp.Table)
    }
    for table in statement.find_all(exp.Table):
        if id(table) not in inside:
            _check_table(table, allowed | given, found)
    return tuple(dict.fromkeys(name for name in found if name not in given))


def _check_reads(part: exp.Expr, allowed: set[str], found: list[str]) -> None:
    if not isinstance(part, exp.Query):
        _refuse("WITH may hold SELECT only.", "WITH 中只允许 SELECT。")
    for table in part.find_all(exp.Table):
        _check_table(table, allowed, found)


def _check_table(table: exp.Table, allowed: set[str], found: list[str]) -> None:
    if not isinstance(table.this, exp.Identifier) or table.args.get("db") or table.args.get("catalog"):
        _refuse(f"{table.sql()} is no plain name of a table.", f"{table.sql()} 不是普通表名。")
    name = table.name.lower()
    if _SYSTEM.match(name) or name not in allowed:
        known = ", ".join(sorted(allowed)[:8])
        _refuse(
            f"The table {table.name} may not be read. Allowed are: {known}.",
            f"不允许读取表 {table.name}。允许的表：{known}。",
        )
    found.append(name)


def _check_joins(statement: exp.Query, nodes: list[exp.Expr]) -> None:
    joins = [node for node in nodes if isinstance(node, exp.Join)]
    if len(joins) > MOST_JOINS:
        _refuse(f"It joins more than {MOST_JOINS} times.", f"JOIN 超过 {MOST_JOINS} 次。")
    for join in joins:
        condition = join.args.get("on")
        pairs = [] if condition is None else [
            each for each in condition.find_all(exp.EQ) if _of_two_tables(each)
        ]  # fmt: skip
        if not pairs and not join.args.get("using"):
            _refuse("A join needs a condition that holds two columns equal.", "JOIN 必须有两列相等的条件。")


def _of_two_tables(pair: exp.EQ) -> bool:
    left, right = pair.left, pair.right
    if not (isinstance(left, exp.Column) and isinstance(right, exp.Column)):
        return False
    return left.table != right.table or not left.table


def _check_columns(statement: exp.Query, tables: Mapping[str, Mapping[str, str]]) -> None:
    named = {name.lower() for columns in tables.values() for name in columns}
    named |= {each.alias.lower() for each in statement.find_all(exp.Alias)}
    named |= {each.alias.lower() for each in statement.find_all(exp.CTE)}
    for column in statement.find_all(exp.Column):
        if isinstance(column.this, exp.Identifier) and column.name.lower() not in named:
            _refuse(f"There is no column {column.name}.", f"没有列 {column.name}。")


def _limited(statement: exp.Query, most_rows: int) -> int:
    """Give the statement a limit, or lower the one that it has; returns it."""
    for key in ("fetch", "sample", "locks", "into", "hint", "operation_modifiers"):
        if statement.args.get(key):
            _refuse(f"{key.upper()} is not allowed.", f"不允许 {key.upper()}。")
    said = statement.args.get("limit")
    count = most_rows
    if said is not None:
        value = said.expression if isinstance(said, exp.Limit) else None
        if not isinstance(value, exp.Literal) or value.is_string or not value.name.isdigit():
            raise QueryProblem("LIMIT must be a plain number.", "LIMIT 必须是普通数字。")
        count = min(int(value.name), most_rows)
    statement.limit(count, copy=False)
    return count
