"""SQL in words, whatever it does."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sre_copilot.agents.queries.explaining.explained import Explained, Findings
from sre_copilot.domain.knowledge import Lang
from sre_copilot.perception.transactions.sql_guard import QueryError, check_reads


def explain(query: str, lang: Lang, *, dialect: str = "postgres") -> Explained:
    """SQL in words; several statements one after another."""
    found = Findings(lang)
    try:
        statements = [each for each in sqlglot.parse(query, dialect=dialect) if each is not None]
    except (SqlglotError, RecursionError, ValueError) as error:
        found.problem(
            f"It cannot be parsed as SQL ({dialect}): {str(error)[:120]}",
            f"无法解析为 SQL（{dialect}）：{str(error)[:120]}",
        )
        return found.explained("sql")
    for each in statements:
        _statement(each, found)
    if len(statements) > 1:
        found.danger(
            "low",
            f"Holds {len(statements)} statements, one after another.",
            f"包含 {len(statements)} 条依次执行的语句。",
        )
    return found.explained("sql")


def _statement(node: exp.Expr, found: Findings) -> None:
    tables = ", ".join(dict.fromkeys(each.sql() for each in node.find_all(exp.Table))) or "-"
    if isinstance(node, exp.Select | exp.SetOperation | exp.Subquery):
        _reads(node, tables, found)
    elif isinstance(node, exp.Update | exp.Delete):
        _changes(node, tables, found)
    elif isinstance(node, exp.Insert | exp.Merge):
        found.say(f"Writes rows into {tables}.", f"向 {tables} 写入数据。")
        found.danger("medium", f"Writes data ({node.key.upper()}).", f"写入数据（{node.key.upper()}）。")
    elif isinstance(node, exp.Drop | exp.TruncateTable):
        found.say(f"Removes {tables} or all that is in it.", f"删除 {tables} 或清空其内容。")
        found.danger(
            "critical", f"{node.key.upper()} destroys data for good.", f"{node.key.upper()} 会永久删除数据。"
        )
    elif isinstance(node, exp.Alter | exp.Create):
        found.say(
            f"Changes the structure of the database ({node.key.upper()} {tables}).",
            f"修改数据库结构（{node.key.upper()} {tables}）。",
        )
        found.danger(
            "high" if isinstance(node, exp.Alter) else "medium",
            "Changes the structure, and may lock tables.",
            "修改结构，可能锁表。",
        )
    elif isinstance(node, exp.Grant | exp.Set | exp.Command | exp.Copy | exp.Kill | exp.Attach):
        found.say(f"Runs {node.sql()[:80]}, which is no query.", f"执行 {node.sql()[:80]}，这不是查询。")
        found.danger(
            "high",
            "Changes privileges, settings, files or the server itself.",
            "会改变权限、设置、文件或服务器本身。",
        )
    else:
        found.say(f"Runs {node.key.upper()}.", f"执行 {node.key.upper()}。")
        found.danger("medium", f"{node.key.upper()} is no plain query.", f"{node.key.upper()} 不是普通查询。")


def _reads(node: exp.Expr, tables: str, found: Findings) -> None:
    found.say(f"Reads from {tables}.", f"读取 {tables}。")
    select = node.find(exp.Select)
    for join in node.find_all(exp.Join):
        on = join.args.get("on")
        found.say(
            f"Joins {join.this.sql()}" + (f" where {on.sql()}." if on else "."),
            f"关联 {join.this.sql()}" + (f"（{on.sql()}）。" if on else "。"),
        )
        if on is None and not join.args.get("using"):
            found.danger(
                "medium",
                "Cost: a join without a condition pairs every row with every row.",
                "开销：无条件 JOIN 会产生笛卡尔积。",
            )
    if select is not None:
        _clauses(select, found)
    try:
        check_reads(node)
    except QueryError as error:
        found.danger("high", f"It {error}.", f"语句{error}。")


def _clauses(select: exp.Select, found: Findings) -> None:
    chosen = ", ".join(each.sql() for each in select.expressions)
    found.say(f"Gives {chosen}.", f"返回 {chosen}。")
    for key, en, zh in (
        ("where", "Only rows where {0}.", "仅限 {0} 的行。"),
        ("having", "Only groups where {0}.", "仅限 {0} 的分组。"),
    ):
        if part := select.args.get(key):
            found.say(en.format(part.this.sql()), zh.format(part.this.sql()))
    if group := select.args.get("group"):
        said = ", ".join(each.sql() for each in group.expressions)
        found.say(f"One row for each {said}.", f"按 {said} 分组，每组一行。")
    if order := select.args.get("order"):
        said = ", ".join(each.sql() for each in order.expressions)
        found.say(f"Ordered by {said}.", f"按 {said} 排序。")
    limit = select.args.get("limit")
    if limit is not None:
        found.say(
            f"At most {limit.expression.sql() if limit.expression else '?'} rows.",
            f"最多 {limit.expression.sql() if limit.expression else '?'} 行。",
        )
    elif select.args.get("where") is None and select.find(exp.Table) is not None:
        found.danger(
            "low",
            "Cost: neither WHERE nor LIMIT; the whole table is read.",
            "开销：没有 WHERE 和 LIMIT，会读取整张表。",
        )
    if select.args.get("locks"):
        found.danger("medium", "Locks the rows that it reads.", "会锁定读取的行。")


def _changes(node: exp.Expr, tables: str, found: Findings) -> None:
    where = node.args.get("where")
    verb, verb_zh = ("Deletes", "删除") if isinstance(node, exp.Delete) else ("Changes", "修改")
    if where is None:
        found.say(f"{verb} every row of {tables}.", f"{verb_zh} {tables} 的所有行。")
        found.danger("critical", f"{verb} all rows: there is no WHERE.", f"没有 WHERE：会{verb_zh}所有行。")
        return
    found.say(
        f"{verb} rows of {tables} where {where.this.sql()}.",
        f"{verb_zh} {tables} 中满足 {where.this.sql()} 的行。",
    )
    found.danger("high", f"{verb} data.", f"{verb_zh}数据。")
