"""Scraping: every process's metrics at a fixed interval, kept as text and numbers until the recording is over."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Self

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lab.layout import SERVICES, Configuration

INTERVAL_S = 2
TIMEOUT_S = 1.0
_POSTGRES = """
SELECT count(*) AS pg_connections,
       count(*) FILTER (WHERE state = 'active') AS pg_connections_active,
       count(*) FILTER (WHERE state LIKE 'idle in%') AS pg_connections_idle_in_transaction,
       coalesce(max(extract(epoch FROM now() - xact_start)) FILTER (WHERE state <> 'idle'), 0) AS pg_longest_transaction_seconds,
       (SELECT count(*) FROM pg_locks WHERE NOT granted) AS pg_locks_waiting,
       (SELECT sum(xact_commit) FROM pg_stat_database) AS pg_commits_total,
       (SELECT sum(xact_rollback) FROM pg_stat_database) AS pg_rollbacks_total
FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one process answered at one time; `text` is Prometheus text, None when it did not answer."""

    ts: int
    text: str | None


class Scraper:
    """Asks every process at a fixed interval from a thread of its own while it is entered."""

    def __init__(self, configuration: Configuration) -> None:
        self.scrapes: dict[str, list[Scrape]] = {}
        self._ask: dict[str, Callable[[], str]] = {
            name: partial(_http, configuration.metrics_ports[name]) for name in SERVICES
        }
        self._ask["redis"] = partial(redis_text, configuration.redis_port)
        self._ask["postgres"] = partial(postgres_text, configuration.database)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(10)

    def _run(self) -> None:
        with ThreadPoolExecutor(len(self._ask)) as workers:
            tick = (int(time.time()) // INTERVAL_S + 1) * INTERVAL_S
            while not self._ended.wait(max(0.0, tick - time.time())):
                answers = workers.map(_safely, self._ask.values())
                for name, text in zip(self._ask, answers, strict=True):
                    self.scrapes.setdefault(name, []).append(Scrape(tick, text))
                tick = (
                    max(tick, int(time.time()) // INTERVAL_S * INTERVAL_S) + INTERVAL_S
                )  # a missed one stays missed


def _safely(ask: Callable[[], str]) -> str | None:
    try:
        return ask()
    except (urllib.error.URLError, OSError, redis.RedisError, psycopg.Error):
        return None


def _http(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=TIMEOUT_S) as answer:
        return str(answer.read().decode())


def redis_text(port: int) -> str:
    """What Redis tells about itself, as Prometheus text."""
    once = Retry(NoBackoff(), 0)  # a scrape that is late would be booked under a wrong time
    with redis.Redis(
        port=port, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=once
    ) as client:
        facts = client.info()
    wanted = {
        "redis_connected_clients": "connected_clients",
        "redis_commands_total": "total_commands_processed",
        "process_resident_memory_bytes": "used_memory_rss",
    }
    cpu = float(facts["used_cpu_sys"]) + float(facts["used_cpu_user"])
    return _lines({name: facts[key] for name, key in wanted.items()} | {"process_cpu_seconds_total": cpu})


def postgres_text(dsn: str) -> str:
    """What PostgreSQL tells about itself, as Prometheus text."""
    with psycopg.connect(dsn, connect_timeout=1, options="-c statement_timeout=900") as connection:
        cursor = connection.execute(_POSTGRES)
        row = cursor.fetchone() or ()
        return _lines(
            {column.name: value for column, value in zip(cursor.description or (), row, strict=True)}
        )


def _lines(values: dict[str, object]) -> str:
    return "".join(f"{name} {float(str(value))}\n" for name, value in values.items())
