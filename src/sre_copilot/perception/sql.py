"""Transactions out of a SQL database: one read-only query of a window, and which of its columns is volume, success, amount, latency."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import Field, field_validator, model_validator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlglot import exp

from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.signals import Modality, Telemetry, Window
from sre_copilot.errors import SourceError
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.querying import sql as querying
from sre_copilot.perception.source import Asked, Estimate, Health, Queried, Reading, SourceSettings
from sre_copilot.perception.transactions.golden_signals import summed
from sre_copilot.perception.transactions.sql_database import Database, Reach
from sre_copilot.perception.transactions.sql_guard import QueryError, expression, parsed, wrapped
from sre_copilot.perception.windows import within
from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section

DIALECTS = {"postgresql": "postgres", "sqlite": "sqlite", "mysql": "mysql", "mariadb": "mysql", "oracle": "oracle",
            "mssql": "tsql"}  # fmt: skip
Times = Literal["timestamp", "epoch", "milliseconds"]


class GoldenSignals(Section):
    """Which column, or expression over columns, of the query's rows is what."""

    time: str = "ts"
    """When: a timestamp, an ISO text, or epoch seconds or milliseconds."""
    service: str = "'shop'"
    """Which service; a column, or a name in single quotes."""
    channel: str = "''"
    """Way in: web, app, partner …; '' where there is none."""
    volume: str = "1"
    """Transactions that the row stands for; 1 where each row is one."""
    success: str = "1"
    """Those of them that succeeded, for example `CASE WHEN state = 'paid' THEN 1 ELSE 0 END`."""
    amount: str | None = None
    """Money moved by them; unknown when not given."""
    latency_ms: str | None = None
    """Their mean latency in milliseconds; unknown when not given."""


class SqlSettings(SourceSettings):
    """What the source `sql` can be told."""

    url: str
    """SQLAlchemy address without a password, for example `postgresql+psycopg://reader@db.example/shop` or `sqlite:////data/shop.db`."""
    password: Secret | None = None
    """Password of the user in the address."""
    query: str
    """One SELECT that bounds its time by `:start` and `:end`."""
    signals: GoldenSignals = Field(default_factory=GoldenSignals)
    """Golden signals over the rows of the query."""
    parameters: Times = "timestamp"
    """What `:start` and `:end` are: timestamps (on SQLite texts `YYYY-MM-DD HH:MM:SS`), epoch seconds or milliseconds."""
    tables: tuple[str, ...] = ()
    """Tables that questions in words and queries of one's own may read; none by default."""
    timezone: str = "UTC"
    """Time zone of timestamps in the database that name none, such as `Asia/Shanghai`."""
    interval_seconds: int = Field(default=60, ge=1)
    """Rows are summed to intervals of this length; a minute, as all baselines."""
    most_rows: int = Field(default=100_000, ge=1)
    """Rows that are read at most, in order of time; what comes after is left out and told."""
    ca_file: Path | None = None
    """Certificate of the authority of the database's certificate, PEM; the system's when empty."""
    certificate_file: Path | None = None
    """Client certificate, PEM."""
    key_file: Path | None = None
    """Key of the client certificate, PEM."""
    allow_plaintext: bool = False
    """Reach a database on another machine without verified TLS; off, for everyone between could read along."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"timezone: '{value}' is unknown; write it as Asia/Shanghai or UTC") from None
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        url = address(self.url)
        if url.password:
            raise ValueError("url: holds a password; use the key password for it")
        if bool(self.certificate_file) != bool(self.key_file):
            raise ValueError("certificate_file and key_file: each needs the other")
        if url.get_backend_name() not in DIALECTS:
            raise ValueError(
                f"url: '{url.get_backend_name()}' is not known; use one of {', '.join(DIALECTS)}"
            )
        if url.get_backend_name() not in {"sqlite", "postgresql"} and not (
            _near(url) or self.allow_plaintext
        ):
            raise ValueError(
                "url: TLS to this kind of database is not verified here; set allow_plaintext: true to accept that"
            )
        statement(self)
        return self


def address(text: str) -> URL:
    """Parse an address; the error does not repeat it, for it may hold a password."""
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError(
            "url: is no SQLAlchemy address; write it as postgresql+psycopg://USER@HOST/DATABASE"
        ) from None


def _near(url: URL) -> bool:
    """The database is on this machine: by a socket, a file, or a loopback address."""
    host = url.host or str(url.query.get("host", ""))
    if not host or host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def statement(settings: SqlSettings) -> str:
    """The SQL that is sent: the query, and over its rows the golden signals.

    Raises
    ------
    ValueError : names the key and what is wrong with it
    """
    dialect = DIALECTS[address(settings.url).get_backend_name()]
    columns: dict[str, exp.Expr] = {}
    signals = settings.signals
    given = {"ts": signals.time, "service": signals.service, "channel": signals.channel, "count": signals.volume,
             "success": signals.success, "amount": signals.amount or "NULL", "latency_ms": signals.latency_ms or "NULL"}  # fmt: skip
    for name, text in given.items():
        try:
            columns[name] = expression(text, dialect=dialect)
        except QueryError as error:
            key = {"ts": "time", "count": "volume"}.get(name, name)
            raise ValueError(f"signals.{key}: {error}") from None
    try:
        query = parsed(settings.query, dialect=dialect)
    except QueryError as error:
        raise ValueError(f"query: {error}") from None
    return wrapped(query, columns, order="ts", limit=settings.most_rows + 1, dialect=dialect)


class SqlSource:
    """Reads one query of one database."""

    Settings: ClassVar[type[SqlSettings]] = SqlSettings
    modalities: ClassVar[tuple[Modality, ...]] = ("transactions",)
    languages: ClassVar[tuple[str, ...]] = ("sql",)

    def __init__(self, settings: SqlSettings) -> None:
        self._settings = self.settings = settings
        self._sql = statement(settings)
        url = address(settings.url)
        password = settings.password.get_secret_value() if settings.password else None
        reach = Reach(
            url=url.set(password=password) if password else url,
            timeout_seconds=settings.timeout_seconds,
            attempts=settings.attempts,
            requests_per_second=settings.requests_per_second,
            zone=settings.timezone,
            verified=not (settings.allow_plaintext or _near(url)),
            files=(settings.ca_file, settings.certificate_file, settings.key_file),
        )
        self._database = Database(reach, name=self.name)
        self._masker = Masker(settings)

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._settings.name or "sql"

    @property
    def interval_seconds(self) -> int:
        """Length of the intervals that its rows stand for."""
        return self._settings.interval_seconds

    def read(self, window: Window) -> Reading:
        """Return transactions by interval, service and channel."""
        start = time.monotonic()
        bound = self._bound(window)
        rows = self._database.rows(self._sql, bound)
        table, gaps = self._table(rows)
        asked = Asked(
            source=self.name,
            text=f"{self._sql.replace(_ESCAPED, ':')} -- :start = {bound['start']}, :end = {bound['end']}",
            target=self._database.shown,
            window=window,
            step_seconds=self._settings.interval_seconds,
            rows=len(rows),
            seconds=time.monotonic() - start,
        )
        return Reading(
            telemetry=within(Telemetry(transactions=self._masker(table)), window), gaps=gaps, asked=(asked,)
        )

    def _bound(self, window: Window) -> dict[str, object]:
        """`:start` and `:end`, widened to whole intervals, so that none is read in part."""
        length = self._settings.interval_seconds
        first = window.start // length * length
        last = -(-window.end // length) * length
        written = _WRITTEN[self._settings.parameters]
        zone = ZoneInfo(self._settings.timezone)
        values = {"start": written(first), "end": written(last)}
        return {name: self._told(value, zone) for name, value in values.items()}

    def _told(self, value: object, zone: ZoneInfo) -> object:
        """A parameter as its database compares it: only PostgreSQL minds the zone of a timestamp, others drop it in silence."""
        if not isinstance(value, datetime) or self._database.backend == "postgresql":
            return value
        local = value.astimezone(zone).replace(tzinfo=None)
        return local.strftime("%Y-%m-%d %H:%M:%S") if self._database.backend == "sqlite" else local

    def _table(self, rows: Sequence[Sequence[Any]]) -> tuple[pl.DataFrame, tuple[Gap, ...]]:
        """Rows summed to intervals; a row that cannot be read is left out and told."""
        zone = ZoneInfo(self._settings.timezone)
        read = [found for row in rows if (found := _row(row, zone)) is not None]
        gaps = []
        if len(read) < len(rows):
            params = (("count", len(rows) - len(read)),)
            gaps.append(Gap(modality="transactions", message=Message(key="sql.gap.rows", params=params)))
        if len(rows) > self._settings.most_rows and read:
            last = (
                max(row[0] for row in read)
                // self._settings.interval_seconds
                * self._settings.interval_seconds
            )
            read = [
                row for row in read if row[0] < last
            ]  # the interval that the limit cut would look like a drop
            shown = datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            params_cut = (("count", self._settings.most_rows), ("since", shown))
            gaps.append(Gap(modality="transactions", message=Message(key="sql.gap.cut", params=params_cut)))
        table = pl.DataFrame(read, schema=_ROW, orient="row")
        return summed(table, interval_seconds=self._settings.interval_seconds), tuple(gaps)

    def health(self) -> Health:
        """Connect, and run the query over no time at all."""
        try:
            version = self._database.version()
            now = time.time()
            self._database.rows(self._sql, self._bound(Window(now, now)))
            skew = self._database.clock_skew()
        except SourceError as error:
            return Health(source=self.name, ok=False, problem=error.problem, remedy=error.remedy)
        permissions = (
            "+query",
            "+read-only transaction" if self._database.guarded else "-read-only transaction",
        )
        return Health(
            source=self.name, ok=True, version=version, clock_skew_seconds=skew, permissions=permissions
        )

    def run_query(self, text: str, window: Window, *, limit: int, timeout_seconds: float) -> Queried:
        """Run one SELECT over the tables of the setting `tables`; the time-out is that of the source."""
        return querying.run(
            self._database,
            text,
            window,
            tables=self._settings.tables,
            dialect=self._dialect,
            limit=limit,
            masker=self._masker,
        )

    def dry_run(self, text: str, window: Window) -> Estimate:
        """Ask the planner."""
        return querying.dry_run(self._database, text, tables=self._settings.tables, dialect=self._dialect)

    def known(self) -> Mapping[str, Any]:
        """Columns of the tables that are listed."""
        return querying.known(self._database, self._settings.tables, self._dialect)

    @property
    def _dialect(self) -> str:
        return DIALECTS[self._database.backend]

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def __repr__(self) -> str:
        return f"SqlSource({self.name})"


_ESCAPED = r"\:"
_ROW = {"ts": pl.Float64, "service": pl.String, "channel": pl.String, "count": pl.Float64, "success": pl.Float64,
        "amount": pl.Float64, "latency_ms": pl.Float64}  # fmt: skip
_WRITTEN: dict[Times, Callable[[float], object]] = {
    "timestamp": lambda ts: datetime.fromtimestamp(ts, UTC),
    "epoch": lambda ts: ts,
    "milliseconds": lambda ts: round(ts * 1000),
}
Row = tuple[float, str, str, float, float, float | None, float | None]


def _row(row: Sequence[Any], zone: ZoneInfo) -> Row | None:
    """One row in plain types, or None when its time, service, volume or success says nothing."""
    ts, service, channel, count, success, amount, latency = row
    try:
        when, volume, good = epoch(ts, zone), float(count), float(success)
        money, took = (None if each is None else float(each) for each in (amount, latency))
    except (TypeError, ValueError):
        return None
    if service in (None, "") or not (0 <= volume < math.inf and 0 <= good < math.inf):  # NaN is neither
        return None
    return when, str(service), "" if channel is None else str(channel), volume, good, money, took


def epoch(value: object, zone: ZoneInfo) -> float:
    """A time of a database in epoch seconds; one without a zone is in `zone`."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=zone)).timestamp()
    number = float(value)  # type: ignore[arg-type]  # whatever else a driver returns: Decimal, int
    return number / 1000 if number > 1e11 else number
