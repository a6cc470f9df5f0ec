"""What it says about itself: log lines and Prometheus metrics.

Secrets have types that do not print themselves; besides, whatever looks like a credential in a log line is replaced.
"""

from __future__ import annotations

import logging
import logging.handlers
import re
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from sre_copilot.errors import SettingsError
from sre_copilot.settings.document import Logging

_WORDS = r"token|password|passwd|passphrase|secret|credential|api[-_]?key|access[-_]?key|authorization|cookie|session[-_]?id"
_SCHEME = re.compile(r"(?i)\b(bearer|basic|apikey|digest|negotiate)(\s+)(?!and\b|or\b|auth)([\w.~+/=-]{6,})")
_END = r"[\w-]{0,40}(?<!file)(?<!path)"  # where a secret lies is none
_NUMBER = r"(?!(?:(?<=tokens)|(?<=count)|(?<=length)|(?<=ttl))\\{0,3}['\"]?\s*[:=]\s*\d+(?![\w.]))"  # max_tokens=512
_CREDENTIAL = re.compile(
    rf"(?i)((?<![\w/-])[\w-]{{0,40}}(?:{_WORDS}){_END}(?=\\{{0,3}}['\"]?\s*:)"  # `/run/token: not found` names a file
    rf"|(?:{_WORDS}){_END}(?=\\{{0,3}}['\"]?\s*=))"
    rf"{_NUMBER}(\\{{0,3}}['\"]?\s*[:=]\s*\\{{0,3}}['\"]?)"
    r"(?!\*\*\*|(?:bearer|basic|apikey|digest|negotiate)\s|(?:true|false|null|none|not|was|the|and|yes|get|list|expired|missing|invalid)(?:[\s,;'\"]|$))"
    r"((?:[^\s'\",;&})\\]|\\(?!['\"])){3,})"
)
_IN_URL = re.compile(  # up to the last @ before the host
    r"((?<=\w)://[^\s:/@]{0,256}):([^\s@?#]{1,256}(?:@[^\s@?#/,;'\"]{0,128}){0,4})@"
)
_WRITTEN = (  # a credential as some tool or format writes it: what stands before it, and itself
    re.compile(rf"(?i)((?:{_WORDS})s?(?:\s[^<>]{{0,100}})?>)([^<]{{1,500}})(?=</)"),
    re.compile(
        r"(?i)(\bcurl\s[^\n|;]{0,200}?(?<=\s)(?:-[a-z]{0,4}u|--(?:proxy-)?user)[\s=]{0,3}['\"]?[^\s:'\"]{1,64}:)([^\s'\"]+)"
    ),
    re.compile(
        r"(\b(?:mysql|mariadb)[a-z-]{0,10}\s[^\n|;]{0,200}?(?<=\s)-p['\"]?)([^\s'\"]{3,})"  # -P is the port
    ),
    re.compile(
        rf"(?i)((?:{_WORDS}){_END}['\"]?[ \t]*:[ \t]*[|>][-+\d]{{0,2}}[ \t]*\r?\n([ \t]+)(?=\S))([^\n]+(?:\n\2[^\n]*)*)"
    ),
    re.compile(r"(?i)([?&](?:sig|signature|x-(?:amz|goog|oss)-signature)=)([^\s&'\"<>]{6,})"),
    re.compile(r"(?i)((?:api|access)[-_ ]?key\s{1,3})([0-9a-f]{12,}(?![\w-]))"),
)
_SECRET_NAME = re.compile(rf"(?i)(?:{_WORDS})$")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
FILE_BYTES = 10_000_000
FILES = 5
HIDDEN = "***"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
AUDIT = "sre_copilot.audit"
SHORTEST_SECRET = 4  # characters: a shorter one would blot out half of all words
_hidden: set[str] = set()


class OwnMetrics:
    """Prometheus metrics of one process; names as the page “Its own metrics” lists them."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when a process began is its own metric
        self.registry = CollectorRegistry()
        name = "sre_copilot_"
        registry = self.registry
        self.ticks = Counter(f"{name}ticks", "Ticks of the watch", registry=registry)
        self.missed_ticks = Counter(f"{name}missed_ticks", "Ticks that were skipped", registry=registry)
        self.tick_seconds = Histogram(
            f"{name}tick_duration_seconds",
            "Time that a tick took",
            buckets=(0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60),
            registry=registry,
        )
        self.lag_seconds = Gauge(
            f"{name}lag_seconds", "Age of the newest tick that is done", registry=registry
        )
        self.source_lag_seconds = Gauge(
            f"{name}source_lag_seconds", "Time since a source last answered", ["source"], registry=registry
        )
        self.source_errors = Counter(
            f"{name}source_errors", "Reads that failed", ["source", "reason"], registry=registry
        )
        self.series = Gauge(f"{name}series", "Metric series that are watched", ["state"], registry=registry)
        self.anomalies_open = Gauge(f"{name}anomalies_open", "Anomalies that go on", registry=registry)
        self.anomalies = Counter(f"{name}anomalies", "Anomalies told", ["severity"], registry=registry)
        self.breaches_open = Gauge(f"{name}breaches_open", "Breaches that are expected", registry=registry)
        self.learned_seconds = Gauge(
            f"{name}baseline_learned_timestamp_seconds", "When normal was last learned", registry=registry
        )
        self.investigations = Counter(
            f"{name}investigations", "Investigations that ended", ["outcome"], registry=registry
        )
        self.investigation_seconds = Histogram(
            f"{name}investigation_duration_seconds", "Time that an investigation took", registry=registry
        )
        self.tool_calls = Counter(
            f"{name}tool_calls", "Calls of tools", ["tool", "outcome"], registry=registry
        )
        self.alerts_received = Counter(
            f"{name}alerts_received", "Alerts worked off", ["source"], registry=registry
        )
        self.alerts_failed = Counter(
            f"{name}alerts_failed",
            "Messages of the inbox that could not be worked off",
            ["source"],
            registry=registry,
        )
        self.alerts_firing = Gauge(f"{name}alerts_firing", "Alerts that fire", registry=registry)
        self.incidents_open = Gauge(f"{name}incidents_open", "Incidents that go on", registry=registry)
        self.warning_precision = Gauge(
            f"{name}warning_precision_ratio",
            "Real problems among the incidents that people were told of and judged; NaN while too few were judged",
            registry=registry,
        )
        self.incidents_judged = Gauge(
            f"{name}incidents_judged", "Incidents that people judged", ["verdict"], registry=registry
        )
        self.statistics_seconds = Gauge(
            f"{name}statistics_seconds",
            "Times of the last 30 days by figure; NaN while there are too few cases",
            ["figure", "statistic"],
            registry=registry,
        )
        self.statistics_ratio = Gauge(
            f"{name}statistics_ratio",
            "Shares of the last 30 days by figure; NaN while there are too few cases",
            ["figure"],
            registry=registry,
        )
        self.statistics_cases = Gauge(
            f"{name}statistics_cases", "Cases that a figure is of", ["figure"], registry=registry
        )
        self.leader = Gauge(f"{name}leader", "1 while this process decides on alerts", registry=registry)
        self.notifications = Counter(
            f"{name}notifications", "Messages to people", ["receiver_kind", "outcome"], registry=registry
        )
        self.notifications_failed = Counter(
            f"{name}notifications_failed",
            "Messages that could not be delivered",
            ["reason"],
            registry=registry,
        )
        self.notification_latency_seconds = Histogram(
            f"{name}notification_latency_seconds",
            "Time from the decision to tell somebody until it was delivered",
            buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600),
            registry=registry,
        )
        self.actions = Counter(
            f"{name}actions", "Attempts to act on other systems", ["action", "outcome"], registry=registry
        )
        self.plans = Gauge(f"{name}plans", "Plans by how they stand", ["status"], registry=registry)
        self.approvals_pending = Gauge(
            f"{name}approvals_pending", "Plans and steps that wait for a person", registry=registry
        )
        self.kill_switch = Gauge(
            f"{name}kill_switch", "1 while it stops what acts", ["state"], registry=registry
        )
        self.requests = Counter(
            f"{name}http_requests", "Requests answered", ["method", "route", "status"], registry=registry
        )

    def exposition(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self.registry)


def set_up_logging(settings: Logging, *, rotating: bool = True) -> None:
    """Write log lines to standard error, and to the file that is configured.

    Only one process may let the file rotate; others (`rotating=False`) add their lines to it.

    Raises
    ------
    SettingsError : when the file cannot be written
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if settings.file:
        try:
            settings.file.parent.mkdir(parents=True, exist_ok=True)
            most = FILE_BYTES if rotating else 0
            handlers.append(
                logging.handlers.RotatingFileHandler(settings.file, maxBytes=most, backupCount=FILES)
            )
        except OSError as error:
            raise SettingsError(
                f"logging.file ({settings.file}): cannot be written: {error.strerror}. Name another."
            ) from None
    shown = structlog.processors.JSONRenderer(ensure_ascii=False) if settings.format == "json" else _line
    trace = structlog.processors.format_exc_info
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, trace, redact, shown],
        foreign_pre_chain=[structlog.stdlib.add_log_level, _stamp],
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    root.setLevel(settings.level)
    logging.getLogger(AUDIT).setLevel(logging.INFO)  # written whatever the level of the others
    for noisy in ("httpx", "httpcore", "alembic", "numba", "mcp"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            _stamp,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def log(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module."""
    found: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return found


def audit(event: str, *, by: str, **what: str | int | float) -> None:
    """Write who did what to what, and when; `what` never holds a secret. What a person chose freely (`name`) stands last."""
    log(AUDIT).info(event, audit=True, by=by or "not known", **what)


def hide(secrets: Iterable[str]) -> None:
    """Never write these texts, wherever they stand."""
    _hidden.update(each for each in secrets if len(each) >= SHORTEST_SECRET)


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what is a secret or looks like a credential."""
    for key, value in event.items():
        if _SECRET_NAME.search(key):
            event[key] = HIDDEN
        elif not isinstance(value, bool | int | float | None):
            event[key] = clean(value if isinstance(value, str) else str(value))
    return event


def clean(text: str) -> str:
    """A text without secrets, and without what looks like a credential."""
    for secret in sorted(_hidden, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = _SCHEME.sub(rf"\1\2{HIDDEN}", _IN_URL.sub(rf"\1:{HIDDEN}@", text))
    for written in _WRITTEN:
        text = written.sub(rf"\1{HIDDEN}", text)
    return _CREDENTIAL.sub(rf"\1\2{HIDDEN}", text)


_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="at")


def _line(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    """One line for people: time, level, sentence, and what belongs to it."""
    moment, level, said = event.pop("at", ""), str(event.pop("level", "info")), event.pop("event", "")
    error = event.pop("exception", "")
    rest = " ".join(f"{key}={value}" for key, value in event.items())
    line = f"{moment} {level.upper():<7} {said}" + (f" ({rest})" if rest else "")
    shown = _CONTROL.sub(
        lambda found: found[0].encode("unicode_escape").decode(), line
    )  # one event, one line
    return f"{shown}\n{error}" if error else shown
