"""Transactions out of a SQL database."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceError, SourceRefused, SourceUnreachable
from sre_copilot.perception import sql
from sre_copilot.perception.source import Reading
from sre_copilot.perception.sql import SqlSettings, SqlSource
from sre_copilot.perception.transactions.sql_guard import QueryError, parsed
from sre_copilot.testing.source_contract import NOW, SourceContract

QUERY = "SELECT at, shop, way, state, price, took FROM orders WHERE at >= :start AND at < :end"
SIGNALS = {
    "time": "at",
    "service": "shop",
    "channel": "way",
    "success": "CASE WHEN state = 'paid' THEN 1 ELSE 0 END",
    "amount": "price",
    "latency_ms": "took * 1000",
}


@dataclass
class Orders:
    path: Path
    url: str = ""
    page: int = 0

    def store(self, times: Sequence[int]) -> None:
        self.rows((when(ts), "shop", "web", "paid", 9.5, 0.2) for ts in times)

    def rows(self, rows: Any) -> None:
        with sqlite3.connect(self.path) as connection:
            connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.close()

    def source(self, **settings: Any) -> SqlSource:
        given = {"url": f"sqlite:///{self.path}", "query": QUERY, "signals": SIGNALS}
        return SqlSource(SqlSettings.model_validate(given | settings))

    def times(self, reading: Reading) -> list[int]:
        assert reading.telemetry.transactions is not None
        return reading.telemetry.transactions["ts"].to_list()


def when(ts: float) -> str:
    return datetime.fromtimestamp(ts, UTC).strftime("%Y-%m-%d %H:%M:%S")


@contextmanager
def orders(folder: Path) -> Iterator[Orders]:
    path = folder / "shop.db"
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE orders (at TEXT, shop TEXT, way TEXT, state TEXT, price REAL, took REAL)"
    )
    connection.close()
    yield Orders(path)


class TestSqlite(SourceContract):
    @contextmanager
    def system(self, folder: Path) -> Iterator[Orders]:
        with orders(folder) as running:
            yield running


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Orders]:
    with orders(tmp_path) as running:
        yield running


def test_rows_become_golden_signals_by_minute_and_channel(shop: Orders) -> None:
    shop.rows(
        [
            (when(NOW), "shop", "web", "paid", 10.0, 0.1),
            (when(NOW + 59), "shop", "web", "failed", 0.0, 0.3),
            (when(NOW + 30), "shop", "app", "paid", 5.0, None),
        ]
    )
    source = shop.source()
    table = source.read(Window(NOW, NOW + 60)).telemetry.transactions
    assert table is not None
    assert table.rows() == [(NOW, "shop", "app", 1, 1, 5.0, None), (NOW, "shop", "web", 2, 1, 10.0, 200.0)]


def test_rows_that_are_already_counted_are_added_and_their_latency_is_weighted(shop: Orders) -> None:
    shop.rows([(when(NOW), "shop", "web", 30, 29, 0.1), (when(NOW + 10), "shop", "web", 10, 10, 0.5)])
    signals = {
        "time": "at",
        "service": "shop",
        "volume": "state",
        "success": "price",
        "latency_ms": "took * 1000",
    }
    table = shop.source(signals=signals).read(Window(NOW, NOW + 60)).telemetry.transactions
    assert table is not None
    assert table.select("count", "success", "amount", "latency_ms").rows() == [(40, 39, None, 200.0)]


def test_rows_beyond_the_limit_are_told_and_no_interval_is_cut(shop: Orders) -> None:
    shop.store([NOW + 10 * i for i in range(12)])
    reading = shop.source(most_rows=8).read(Window(NOW, NOW + 120))
    table = reading.telemetry.transactions
    assert table is not None
    assert table.select("ts", "count").rows() == [(NOW, 6)]
    assert [gap.message.key for gap in reading.gaps] == ["sql.gap.cut"]


def test_a_row_without_a_time_is_left_out_and_told(shop: Orders) -> None:
    query = "SELECT CASE WHEN price > 9 THEN at END AS at, shop, way, state, price, took FROM orders WHERE at >= :start AND at < :end"
    shop.rows([(when(NOW), "shop", "web", "paid", 10.0, 0.1), (when(NOW), "shop", "web", "paid", 1.0, 0.1)])
    reading = shop.source(query=query).read(Window(NOW, NOW + 60))
    assert [gap.message.key for gap in reading.gaps] == ["sql.gap.rows"]
    assert shop.times(reading) == [NOW]


def test_times_of_the_database_are_read_in_its_time_zone(shop: Orders) -> None:
    shop.rows([(when(NOW + 8 * 3600), "shop", "web", "paid", 1.0, 0.1)])
    reading = shop.source(timezone="Asia/Shanghai").read(Window(NOW, NOW + 60))
    assert shop.times(reading) == [NOW]


def test_a_text_with_a_colon_in_the_query_is_no_parameter(shop: Orders) -> None:
    shop.rows([(when(NOW), "shop", "a :b", "paid", 1.0, 0.1)])
    query = QUERY + " AND way = 'a :b'"
    assert shop.times(shop.source(query=query).read(Window(NOW, NOW + 60))) == [NOW]


def test_masked_columns_hold_no_value_and_can_still_be_grouped(shop: Orders) -> None:
    shop.rows(
        (when(NOW + i), "shop", way, "paid", 1.0, 0.1)
        for i, way in enumerate(("partner-x", "partner-x", "app"))
    )
    table = (
        shop.source(mask=["channel"], mask_key="k" * 32).read(Window(NOW, NOW + 60)).telemetry.transactions
    )
    assert table is not None
    assert "partner-x" not in str(table)
    assert sorted(table["count"].to_list()) == [1, 2]


def test_a_query_that_runs_on_is_stopped(shop: Orders) -> None:
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT i AS at, 'a' AS shop FROM n WHERE i > 1e18 AND :start < :end"
    )
    source = shop.source(query=endless, signals={"time": "at"}, timeout_seconds=0.2, attempts=1)
    start = time.monotonic()
    with pytest.raises(SourceUnreachable) as caught:
        source.read(Window(NOW, NOW + 60))
    assert time.monotonic() - start < 5
    assert "timeout_seconds" in caught.value.remedy


def test_the_connection_refuses_to_write_even_what_was_not_parsed(shop: Orders) -> None:
    source = shop.source()
    for statement in (
        "INSERT INTO orders VALUES (1,1,1,1,1,1)",
        "PRAGMA query_only = OFF",
        "ATTACH 'x' AS y",
    ):
        with pytest.raises(SourceRefused):
            source._database.rows(statement, {})


def test_a_column_that_does_not_exist_is_named(shop: Orders) -> None:
    health = shop.source(signals={"time": "at", "amount": "prize"}).health()
    assert not health.ok
    assert "prize" in health.problem


def test_a_missing_file_is_no_new_database(tmp_path: Path) -> None:
    source = SqlSource(SqlSettings(url=f"sqlite:///{tmp_path / 'none.db'}", query=QUERY, attempts=1))
    with pytest.raises(SourceError):
        source.read(Window(0, 60))
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"query": "DELETE FROM orders"}, "query: is no SELECT"),
        ({"query": "SELECT 1; DROP TABLE orders"}, "query: holds 2 statements"),
        ({"query": "SELECT * FROM orders"}, "does not name :end, :start"),
        ({"query": "SELECT load_extension('x'), :start, :end"}, "calls load_extension()"),
        ({"url": "postgresql+psycopg://u@h/d", "query": "WITH x AS (DELETE FROM t WHERE a > :start AND a < :end RETURNING *) SELECT * FROM x"}, "holds DELETE"),
        ({"url": "postgresql+psycopg://u@h/d", "query": "SELECT pg_catalog.pg_sleep(9), :start, :end"}, "calls pg_sleep()"),
        ({"url": "postgresql+psycopg://u@h/d", "query": "SELECT * FROM t WHERE a > :start AND a < :end FOR UPDATE"}, "locks rows"),
        ({"signals": {"amount": "(SELECT 1)"}}, "signals.amount"),
        ({"signals": {"volume": "1 FROM orders --"}}, "signals.volume"),
        ({"url": "postgresql+psycopg://u:hunter2@h/d"}, "url: holds a password"),
        ({"url": "nonsense"}, "url: is no SQLAlchemy address"),
        ({"timezone": "Nowhere/Land"}, "timezone"),
    ],
)  # fmt: skip
def test_what_must_not_be_sent_is_refused_by_the_configuration(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SqlSettings.model_validate({"url": "sqlite:///x.db", "query": QUERY} | settings)
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value.errors(include_input=False))


@pytest.mark.parametrize(
    "call",
    ["pg_stat_reset()", "pg_catalog.pg_stat_reset()", '"pg_read_file"(\'x\')', "pg_log_backend_memory_contexts(1)", "PG_SLEEP(1)",
     "(WITH x AS (DELETE FROM orders RETURNING *) SELECT count(*) FROM x)", "1 INTO stolen", "1; COPY orders TO PROGRAM 'sh'",
     "1 FOR UPDATE", "lo_export(1, 'x')", "dblink('a', 'b')"],
)  # fmt: skip
def test_what_does_more_than_to_read_is_refused(call: str) -> None:
    query = f"SELECT at, {call} FROM orders WHERE at >= :start AND at < :end"  # noqa: S608 - what is tested
    with pytest.raises(QueryError):
        parsed(query, dialect="postgres")


def test_what_another_dialect_would_run_in_a_comment_is_not_sent() -> None:
    query = "SELECT at /*!50000 INTO OUTFILE '/tmp/x' */ FROM orders WHERE at >= :start AND at < :end"
    sent = sql.statement(
        SqlSettings.model_validate(
            {"url": "mysql://localhost/shop", "query": query, "signals": {"time": "at"}}
        )
    )
    assert "OUTFILE" not in sent


def test_a_database_that_drops_zones_is_asked_in_its_own_time() -> None:
    given = {"url": "mysql://localhost/shop", "query": QUERY, "signals": SIGNALS, "timezone": "Asia/Shanghai"}
    source = SqlSource(SqlSettings.model_validate(given))
    start = datetime(2024, 3, 5, 12, tzinfo=UTC).timestamp()
    assert source._bound(Window(start, start + 60))["start"] == datetime(2024, 3, 5, 20)  # noqa: DTZ001
    source.close()


def test_queries_are_held_to_their_rate(tmp_path: Path) -> None:
    with orders(tmp_path) as running:
        source = running.source(requests_per_second=4)
        begun = time.monotonic()
        for _ in range(8):
            source.read(Window(0, 60))
        source.close()
    assert time.monotonic() - begun >= 0.5
