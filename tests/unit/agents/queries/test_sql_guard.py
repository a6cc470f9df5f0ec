"""SQL is refused unless all that it holds is known to be harmless."""

from __future__ import annotations

import pytest

from sre_copilot.agents.queries.sql.guard import check
from sre_copilot.agents.queries.written import QueryProblem

TABLES = ("orders", "customers")


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("SELECT * FROM orders, customers", "postgres"),
        ("SELECT * FROM orders CROSS JOIN customers", "postgres"),
        ("WITH a AS (SELECT * FROM staff), staff AS (SELECT 1) SELECT * FROM a", "postgres"),
        (
            "SELECT * FROM (WITH pg_user AS (SELECT 1) SELECT 1 AS id) q JOIN pg_user u ON u.id = q.id",
            "postgres",
        ),
        ('SELECT "pg_sleep"(3) FROM orders', "postgres"),
        ("SELECT 'orders'::regclass", "postgres"),
        ("SELECT current_setting('data_directory')", "postgres"),
        ("SELECT o.ctid FROM orders o", "postgres"),
        ("SELECT repeat('a', 100000000)", "postgres"),
        ("SELECT @@version", "mysql"),
        ("SELECT /*! SLEEP(9) */ 1", "mysql"),
        ("SELECT * FROM orders INTO OUTFILE '/tmp/a'", "mysql"),
        ("SELECT load_extension('a')", "sqlite"),
        ("SELECT * FROM sqlite_master", "sqlite"),
        ("SELECT * FROM orders LIMIT (SELECT 5)", "postgres"),
        ("SELECT * FROM orders FOR UPDATE", "postgres"),
        ("SELECT * FROM other.orders", "postgres"),
        ("EXPLAIN ANALYZE DELETE FROM orders", "postgres"),
        ("SELECT " + "(" * 400 + "1" + ")" * 400, "postgres"),
    ],
)
def test_what_may_do_harm_is_refused(sql: str, dialect: str) -> None:
    with pytest.raises(QueryProblem):
        check(sql, dialect=dialect, tables=TABLES)


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("SELECT count(*) FILTER (WHERE state = 'a') FROM orders", "postgres"),
        (
            "SELECT c.name, sum(o.amount) FROM orders o LEFT JOIN customers c ON c.id = o.customer_id GROUP BY 1 HAVING sum(o.amount) > 5",
            "postgres",
        ),
        ("WITH a AS (SELECT id FROM orders) SELECT count(*) FROM a", "postgres"),
        ("SELECT DATE_FORMAT(created_at, '%Y-%m') m, COUNT(*) FROM orders GROUP BY m", "mysql"),
        ("SELECT strftime('%H', created_at), count(*) FROM orders GROUP BY 1", "sqlite"),
        ("SELECT id FROM orders WHERE note = 'DROP TABLE orders; --'", "postgres"),
    ],
)
def test_what_only_reads_passes_with_a_limit(sql: str, dialect: str) -> None:
    found = check(sql, dialect=dialect, tables=TABLES)
    assert found.sql.endswith("LIMIT 1000")
    assert check(found.sql, dialect=dialect, tables=TABLES).sql == found.sql


def test_a_limit_is_lowered_and_comments_are_not_sent() -> None:
    found = check("SELECT id /* all */ FROM orders LIMIT 99999 -- now", dialect="postgres", tables=TABLES)
    assert found.sql == "SELECT id FROM orders LIMIT 1000"
    assert found.tables == ("orders",)
