"""What all sources of logs share: which fields become which column, levels, structured lines, rules, and following.

`message` is always the line as it was written, whatever was read out of it: nothing is lost, and a search for the line in
its own system finds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import orjson
import polars as pl
import re2  # type: ignore[import-untyped]
from pydantic import Field, field_validator

from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.signals import Telemetry
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.source import Asked, Reading, SourceSettings

UNKNOWN_SERVICE = "unknown_service"
"""The service of a line that names none, as OpenTelemetry calls it."""

SERVICE = (
    "service.name", "service_name", "service", "kubernetes.labels.app_kubernetes_io/name", "app_kubernetes_io_name",
    "kubernetes.labels.app", "app", "application", "kubernetes.container.name", "kubernetes.container_name",
    "container.name", "container_name", "container", "job", "SYSLOG_IDENTIFIER", "process.name", "Provider.Name",
)  # fmt: skip
INSTANCE = (
    "service.instance.id", "service_instance_id", "kubernetes.pod.name", "kubernetes.pod_name", "k8s.pod.name",
    "k8s_pod_name", "pod", "instance", "host.name", "host_name", "hostname", "host", "agent.hostname", "node_name",
    "node", "Computer",
)  # fmt: skip
LEVEL = (
    "log.level", "level", "severity", "severity_text", "severityText", "detected_level", "loglevel", "log_level",
    "levelname", "lvl", "Level", "Severity", "@l", "priority", "PRIORITY",
)  # fmt: skip
TRACE_ID = ("trace.id", "trace_id", "traceId", "traceID", "traceid", "TraceId", "otelTraceID", "dd.trace_id")
SPAN_ID = ("span.id", "span_id", "spanId", "spanID", "spanid", "SpanId", "otelSpanID", "dd.span_id")
TIME = (
    "@timestamp", "timestamp", "time", "ts", "t", "datetime", "date", "Timestamp", "@t", "asctime", "eventTime",
    "TimeCreated.SystemTime", "instant.epochSecond", "created", "__REALTIME_TIMESTAMP", "ts_ns",
)  # fmt: skip
MESSAGE = ("message", "msg", "log", "event.original", "body", "MESSAGE", "@m", "Message", "short_message")

SCHEMA = {
    "ts_ns": pl.Int64, "service": pl.String, "instance": pl.String, "level": pl.String, "trace_id": pl.String,
    "span_id": pl.String, "message": pl.String,
}  # fmt: skip

Position = Mapping[str, Any]


class LogSettings(SourceSettings):
    """What every source of logs can be told."""

    service_fields: tuple[str, ...] = SERVICE
    """Fields (labels, in Loki) that may hold the service; the first that is there counts."""
    instance_fields: tuple[str, ...] = INSTANCE
    """Fields that may hold the pod, process or host."""
    level_fields: tuple[str, ...] = LEVEL
    """Fields that may hold the severity; a line without one is searched for a level word."""
    trace_id_fields: tuple[str, ...] = TRACE_ID
    """Fields that may hold the trace."""
    span_id_fields: tuple[str, ...] = SPAN_ID
    """Fields that may hold the span."""
    include: tuple[str, ...] = ()
    """Regular expressions (RE2, linear time); only lines in which one is found are kept. Empty keeps all."""
    exclude: tuple[str, ...] = ()
    """Regular expressions; lines in which one is found are left out."""
    keywords: tuple[str, ...] = ()
    """Words, in any case; only lines that hold one are kept. Empty keeps all."""
    max_lines: int = Field(default=200_000, ge=1)
    """Lines that one reading holds at most, about 200 MB while it is made; the rest is a gap that says so."""

    @field_validator("include", "exclude")
    @classmethod
    def _expressions(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for each in given:
            expression(each)
        return given


@runtime_checkable
class Followed(Protocol):
    """A source that can be asked for what is new; each line comes once, late ones too, as far as the source looks back.

    The first `poll` sets the mark (or reads on from where `resume` puts it); whoever polls calls `position` after it has
    stored what came and keeps the answer, a JSON document, for the next start.
    """

    def poll(self) -> Reading:
        """Return what came since the last poll, sorted by time."""
        ...

    def position(self) -> Position:
        """Where the next poll reads on."""
        ...

    def resume(self, position: Position) -> None:
        """Read on from where an earlier process stopped."""
        ...


class Row(NamedTuple):
    """One line in the columns of `logs`."""

    ts_ns: int | None
    service: str
    instance: str
    level: str
    trace_id: str
    span_id: str
    message: str


class Rules:
    """Which lines are kept."""

    def __init__(self, settings: LogSettings) -> None:
        self._include = [expression(each) for each in settings.include]
        self._exclude = [expression(each) for each in settings.exclude]
        words = "|".join(re2.escape(word) for word in settings.keywords)
        self._keywords = expression(f"(?i){words}") if words else None
        self.any = bool(self._include or self._exclude or self._keywords)

    def keeps(self, text: str) -> bool:
        """Whether a line is kept."""
        if self._keywords is not None and not self._keywords.search(text):
            return False
        if self._include and not any(each.search(text) for each in self._include):
            return False
        return not any(each.search(text) for each in self._exclude)


class Columns:
    """Fills the columns of a line out of fields (labels, a document) and out of the line itself."""

    def __init__(self, settings: LogSettings) -> None:
        self._service, self._instance = AnyField(settings.service_fields), AnyField(settings.instance_fields)
        self._level = AnyField(settings.level_fields)
        self._trace, self._span = AnyField(settings.trace_id_fields), AnyField(settings.span_id_fields)

    def row(
        self,
        ts_ns: int | None,
        line: str,
        *given: Mapping[str, Any],
        own: Mapping[str, Any] | None = None,
        service: str = "",
        instance: str = "",
    ) -> Row:
        """Return the row of a line; of `given`, earlier mappings go before later ones, and all before the line's `own` fields.

        `service` and `instance` stand in where no field names one.
        """
        fields = (*given, structured(line) if own is None else own)
        return Row(
            ts_ns,
            self._service.of(fields) or service or UNKNOWN_SERVICE,
            self._instance.of(fields) or instance,
            level_word(self._level.of(fields)) or level_in(line),
            self._trace.of(fields) or trace_in(line),
            self._span.of(fields),
            line,
        )


def expression(pattern: str) -> Any:
    """Compile a regular expression of linear time.

    Raises
    ------
    ValueError : when it cannot be read
    """
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        raise ValueError(f"'{pattern}' is no regular expression of RE2: {said}") from None


def dig(document: Mapping[str, Any], path: str) -> str:
    """The text of a field, nested or with dots in its name; '' when it is not there or no single value."""
    value = document.get(path)
    if value is None and "." in path:
        head, _, rest = path.partition(".")
        inner = document.get(head)
        return dig(inner, rest) if isinstance(inner, Mapping) else ""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


class AnyField:
    """Names under which one thing may be found, the likelier first."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._heads = frozenset(names) | {name.partition(".")[0] for name in names}

    def of(self, documents: Iterable[Mapping[str, Any]]) -> str:
        """The first of the names that a document holds; earlier documents go first."""
        for document in documents:
            if document and not self._heads.isdisjoint(document):
                for name in self._names:
                    if found := dig(document, name):
                        return found
        return ""


_PAIR = re.compile(r'(?:^|\s)([A-Za-z_@][\w.@/-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)')
_STARTS_WITH_PAIR = re.compile(r'\s*[A-Za-z_@][\w.@/-]*=(?:"|[^\s=])')
_NOTHING: Mapping[str, Any] = {}


def structured(line: str) -> Mapping[str, Any]:
    """Fields of a JSON line, or of a logfmt line of two pairs at least; none for any other line."""
    if line.startswith("{"):
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError:
            return _NOTHING
        return document if isinstance(document, dict) else _NOTHING
    if not _STARTS_WITH_PAIR.match(line):
        return _NOTHING
    pairs = _PAIR.findall(line)
    return {name: _unquoted(value) for name, value in pairs} if len(pairs) > 1 else _NOTHING


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    inner = value[1:-1]
    return re.sub(r"\\(.)", r"\1", inner) if "\\" in inner else inner


_BUNYAN = {"10": "trace", "20": "debug", "30": "info", "40": "warn", "50": "error", "60": "fatal"}
_SYSLOG = ("emerg", "alert", "crit", "error", "warning", "notice", "info", "debug")


def level_word(level: str) -> str:
    """A severity as written; numbers as the word that they stand for (bunyan and pino from 10 on, syslog below 8)."""
    if not level.isdigit():
        return "" if level == "unknown" else level
    return _SYSLOG[int(level)] if level in "01234567" else _BUNYAN.get(level, level)


_WORDS = "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|FATAL|CRITICAL|CRIT|ALERT|EMERG|PANIC"
_LEVEL = re.compile(
    rf"(?<![\w.-])({_WORDS})(?![\w.-])|\[(?:\w+:)?({_WORDS.lower()})\]|(?i:\blevel[\"']?[=:] ?[\"']?)(\w+)"
)
_KLOG = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d")
_KLOG_WORDS = {"I": "INFO", "W": "WARNING", "E": "ERROR", "F": "FATAL"}
HEAD = 160  # characters: a level stands before the statement, a word further on is part of a sentence


def level_in(line: str) -> str:
    """The level word at the head of a plain line; '' when there is none."""
    if found := _KLOG.match(line):
        return _KLOG_WORDS[found[1]]
    found = _LEVEL.search(line, 0, HEAD)
    return next(word for word in found.groups() if word) if found else ""


_TRACE = re.compile(r"(?i)\btrace[_.-]?id[\"']?\s*[=:]\s*[\"']?([0-9a-f]{16,32})\b")


def trace_in(line: str) -> str:
    """The trace that a plain line names; '' when there is none."""
    if "race" not in line and "RACE" not in line:  # searching costs more than looking
        return ""
    found = _TRACE.search(line)
    return found[1] if found else ""


def table_of(rows: Iterable[Row]) -> pl.DataFrame:
    """The table of lines, in an order that depends on the lines alone."""
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row").sort(list(SCHEMA))


def reading(
    rows: Iterable[Row], *, masker: Masker, gaps: Iterable[Gap] = (), asked: Iterable[Asked] = ()
) -> Reading:
    """The reading of a source of logs."""
    return Reading(
        telemetry=Telemetry(logs=masker(table_of(rows))), gaps=tuple(dict.fromkeys(gaps)), asked=tuple(asked)
    )


def gap(key: str, source: str, **params: str | float) -> Gap:
    """Something of the logs that could not be seen."""
    return Gap(modality="logs", message=Message(key=key, params=(("source", source), *params.items())))
