"""What Elasticsearch and OpenSearch have in common: a point in time, pages by `search_after`, and documents as lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple, Self
from urllib.parse import quote, urlsplit

import orjson
from pydantic import Field, SecretStr, model_validator

from sre_copilot.domain.evidence import Gap
from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceError
from sre_copilot.perception.http import HttpClient, is_loopback
from sre_copilot.perception.http_answers import checked, understood
from sre_copilot.perception.lines.rows import MESSAGE, AnyField, gap
from sre_copilot.perception.lines.store import LogStore, Pages, StoreSettings
from sre_copilot.perception.lines.times import Times, from_number
from sre_copilot.perception.querying import search as querying
from sre_copilot.perception.source import Asked, Estimate, Health, Queried
from sre_copilot.perception.windows import nanoseconds
from sre_copilot.settings.secret import Secret

LENIENT = {"ignore_unavailable": "true", "allow_no_indices": "true"}
DATES = frozenset({"date", "date_nanos"})


class SearchSettings(StoreSettings):
    """What a source that searches documents can be told; the defaults fit ECS, Filebeat, Logstash and Fluentd."""

    index: str = "logs-*,filebeat-*,logstash-*,fluentd-*"
    """Index names, patterns and data streams, separated by commas."""
    query: str = ""
    """Lucene query, for example `kubernetes.namespace:shop AND NOT log.level:debug`; empty takes all."""
    filter: dict[str, Any] = Field(default_factory=dict)
    """A clause of the query language in JSON, for what `query` cannot say; both must hold."""
    time_field: str = "@timestamp"
    """Field of the time, of type `date` or `date_nanos`."""
    message_fields: tuple[str, ...] = MESSAGE
    """Fields that may hold the line; of a document without one the whole document is the line."""
    tiebreak: str = ""
    """Field that orders documents of one time; empty takes `_shard_doc` (Elasticsearch) or `_id` (OpenSearch)."""
    page_lines: int = Field(default=5000, ge=1, le=10_000)
    """Documents a request asks for; at most 10,000, the servers' own `index.max_result_window`."""
    keep_alive: str = Field(default="1m", pattern=r"^\d+[smh]$")
    """How long the server keeps a point in time between two pages; it is closed after the last one."""
    api_key: Secret | None = None
    """Key of the `Authorization: ApiKey` header, as the server encodes it."""

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        if self.api_key is None:
            return self
        if self.bearer_token or self.username:
            raise ValueError("api_key: give one of api_key, bearer_token, and username with password")
        if self.url.startswith("http://") and not (
            self.allow_plaintext or is_loopback(urlsplit(self.url).hostname or "")
        ):
            raise ValueError(
                "url: credentials would travel in clear; use https, or set allow_plaintext: true"
            )
        return self


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where the two differ: how a point in time is opened and closed, and what orders documents of one time."""

    distribution: str
    open_path: str
    id_key: str
    close_path: str
    tiebreak: str
    listed: bool

    def closing(self, identity: str) -> dict[str, Any]:
        """The body that closes a point in time."""
        return {self.id_key: [identity] if self.listed else identity}


class SearchSource(LogStore):
    """Reads documents of one time field; a subclass brings its dialect."""

    Settings: ClassVar[type[SearchSettings]] = SearchSettings
    languages: ClassVar[tuple[str, ...]] = ("elasticsearch",)
    dialect: ClassVar[Dialect]

    def __init__(self, settings: SearchSettings, *, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        super().__init__(settings, HttpClient(_with_key(settings), name=self.name), clock=clock)
        self._documents = Documents(settings)
        self._index = quote(settings.index, safe=",*:")

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.settings.name or self.dialect.distribution

    def run_query(self, text: str, window: Window, *, limit: int, timeout_seconds: float) -> Queried:
        """Run a search; the configured `query` and `filter` and the window hold besides."""
        return querying.run(
            self._client, self.settings.index, text, clauses=clauses(self.settings, window), limit=limit, timeout_seconds=timeout_seconds,
            masker=self._masker, lenient=LENIENT, window=window,
        )  # fmt: skip

    def dry_run(self, text: str, window: Window) -> Estimate:
        """Count the documents that a search meets."""
        return querying.dry_run(self._client, self.settings.index, text, clauses(self.settings, window))

    def known(self) -> Mapping[str, Any]:
        """Fields of the indices."""
        return querying.known(self._client, self.settings.index, LENIENT)

    def health(self) -> Health:
        """Ask what it is, whether the indices are there, and whether their time field is a date."""
        try:
            with understood(self.name, "/"):
                version = checked(self._client, "/", None, dict).get("version") or {}
                number = str(version.get("number", ""))
                problem, remedy = self._other_kind(str(version.get("distribution", "elasticsearch")))
            if not problem:
                problem, remedy = self._unfit_indices()
        except SourceError as error:
            return Health(source=self.name, ok=False, problem=error.problem, remedy=error.remedy)
        ok = not problem or problem.startswith("no index")
        return Health(source=self.name, ok=ok, version=number, problem=problem, remedy=remedy)

    def _other_kind(self, distribution: str) -> tuple[str, str]:
        if distribution == self.dialect.distribution:
            return "", ""
        return f"it is {distribution}, not {self.dialect.distribution}", f"set type: {distribution}"

    def _unfit_indices(self) -> tuple[str, str]:
        kinds = self._time_kinds()
        if kinds is None:
            return f"no index matches '{self.settings.index}'", "check index, and that an agent writes to it"
        if not kinds:
            return f"no index has a field {self.settings.time_field}", "check time_field"
        if wrong := kinds - DATES:
            kind = ", ".join(sorted(wrong))
            return (
                f"{self.settings.time_field} is of type {kind} in some index",
                "map it as date, or set time_field",
            )
        return "", ""

    def _time_kinds(self) -> set[str] | None:
        """Types of the time field in the indices; None when no index matches."""
        path = f"/{self._index}/_field_caps"
        with understood(self.name, path):
            said = checked(self._client, path, {"fields": self.settings.time_field, **LENIENT}, dict)
            fields = said["fields"]
            if not said.get("indices"):
                return None
            return set(fields.get(self.settings.time_field, {})) - {"unmapped"}

    def _pages(self, window: Window) -> Pages:
        return _Pages(self, window)

    @contextmanager
    def _point_in_time(self) -> Iterator[str]:
        path = f"/{self._index}/{self.dialect.open_path}"
        response = self._client.request(
            "POST", path, params={"keep_alive": self.settings.keep_alive, **LENIENT}
        )
        said = self._client.json(response)
        identity = said.get(self.dialect.id_key) if isinstance(said, dict) else None
        if not isinstance(identity, str):
            raise self._client.unreadable(response, "names no point in time")
        try:
            yield identity
        finally:
            self._close(identity)

    def _close(self, identity: str) -> None:
        body = orjson.dumps(self.dialect.closing(identity))
        headers = {"content-type": "application/json"}
        try:
            self._client.request("DELETE", self.dialect.close_path, content=body, headers=headers)
        except SourceError:  # it ends by itself after keep_alive
            return


@dataclass
class _Pages:
    """The documents of a window, page after page, as they were at one point in time."""

    source: SearchSource
    window: Window
    gaps: list[Gap] = field(default_factory=list)

    def __iter__(self) -> Iterator[Hit]:
        with understood(self.source.name, "/_search"):
            yield from self._found()

    def _found(self) -> Iterator[Hit]:
        settings, name = self.source.settings, self.source.name
        kinds = self.source._time_kinds()
        if kinds is None:
            self.gaps.append(gap("gap.logs_no_index", name, index=settings.index))
            return
        start, end = nanoseconds(self.window)
        untimed = 0
        with self.source._point_in_time() as point:
            for found in self._hits(point, mixed=len(kinds) > 1):
                hit = self.source._documents.hit(found)
                if hit is None:
                    untimed += 1
                elif start <= hit.ts_ns < end:
                    yield hit
        if untimed:
            self.gaps.append(gap("gap.logs_untimed", name, count=untimed))

    def asked(self, rows: int, seconds: float) -> Asked:
        """The query, as it can be run again without a point in time."""
        body = {name: part for name, part in self._body("").items() if name != "pit"}
        return Asked(
            source=self.source.name, text=orjson.dumps(body).decode(), target=f"/{self.source.settings.index}/_search",
            window=self.window, rows=rows, seconds=seconds,
        )  # fmt: skip

    def _hits(self, point: str, *, mixed: bool) -> Iterator[Mapping[str, Any]]:
        body = self._body(point)
        if mixed:  # milliseconds of some indices and nanoseconds of others cannot be compared
            body["sort"][0][self.source.settings.time_field]["numeric_type"] = "date"
        while True:
            said = self._page(body)
            hits = said["hits"]["hits"]
            yield from hits
            if len(hits) < self.source.settings.page_lines:
                return
            body["search_after"] = hits[-1]["sort"]
            body["pit"]["id"] = said.get("pit_id", point)

    def _page(self, body: dict[str, Any]) -> dict[str, Any]:
        client = self.source._client
        headers = {"content-type": "application/json"}
        response = client.request("POST", "/_search", content=orjson.dumps(body), headers=headers)
        said = client.json(response)
        if not isinstance(said, dict) or not isinstance((said.get("hits") or {}).get("hits"), list):
            raise client.unreadable(response, "holds no hits")
        self.gaps += [each for each in missing(said, self.source.name) if each not in self.gaps]
        return said

    def _body(self, point: str) -> dict[str, Any]:
        settings = self.source.settings
        tiebreak = settings.tiebreak or self.source.dialect.tiebreak
        return {
            "size": settings.page_lines,
            "pit": {"id": point, "keep_alive": settings.keep_alive},
            "track_total_hits": False,
            "query": {"bool": {"filter": clauses(settings, self.window)}},
            "sort": [
                {settings.time_field: {"order": "asc", "unmapped_type": "date"}},
                {tiebreak: {"order": "asc"}},
            ],
        }


class Hit(NamedTuple):
    """One document, and the line that it is."""

    identity: str
    ts_ns: int
    line: str
    document: Mapping[str, Any]

    @property
    def fields(self) -> tuple[Mapping[str, Any], ...]:
        """The document."""
        return (self.document,)


class Documents:
    """Finds time and line of documents."""

    def __init__(self, settings: SearchSettings) -> None:
        self._message = AnyField(settings.message_fields)
        self._time = AnyField((settings.time_field,))
        self._times = Times(UTC)

    def hit(self, found: Mapping[str, Any]) -> Hit | None:
        """What the server found; None when it has no time."""
        document = found.get("_source") or {}
        if not isinstance(document, Mapping):
            raise ValueError("a document is no object")
        ts_ns = self._time_of(document, found.get("sort"))
        if ts_ns is None:
            return None
        line = self._message.of((document,)) or _written(document)
        return Hit(f"{found.get('_index', '')}/{found.get('_id', '')}", ts_ns, line, document)

    def _time_of(self, document: Mapping[str, Any], sort: Any) -> int | None:
        """Nanoseconds: as the document says, else as the server sorts it."""
        text = self._time.of((document,))
        found = self._times.of(text) if text else None
        if found is None and isinstance(sort, list) and sort and isinstance(sort[0], int | float):
            return from_number(sort[0])
        return found


def _written(document: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(document).decode()
    except orjson.JSONEncodeError:  # nested deeper than it writes
        return str(document)


def clauses(settings: SearchSettings, window: Window) -> list[dict[str, Any]]:
    """What must hold: time, query, filter. Times go in whole milliseconds around the window; what lies outside is cut off later."""
    bounds = {
        "gte": _millisecond(window.start, up=False),
        "lt": _millisecond(window.end, up=True),
        "format": "strict_date_optional_time",
    }
    found: list[dict[str, Any]] = [{"range": {settings.time_field: bounds}}]
    if settings.query:
        found.append({"query_string": {"query": settings.query}})
    return [*found, settings.filter] if settings.filter else found


def missing(answer: Mapping[str, Any], source: str) -> list[Gap]:
    """What an answer says that it leaves out: shards that failed, and time that ran out."""
    found = []
    shards = answer.get("_shards") or {}
    if failed := int(shards.get("failed") or 0):
        reasons = [
            (each.get("reason") or {}).get("reason") or "unknown" for each in shards.get("failures") or ()
        ]
        said = "; ".join(dict.fromkeys(reasons))[:300] or "unknown"
        found.append(
            gap("gap.logs_shards", source, failed=failed, total=int(shards.get("total") or 0), said=said)
        )
    if answer.get("timed_out"):
        found.append(gap("gap.logs_timed_out", source))
    return found


def _millisecond(seconds: float, *, up: bool) -> str:
    milliseconds = -int(-seconds * 1000 // 1) if up else int(seconds * 1000 // 1)
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


def _with_key(settings: SearchSettings) -> SearchSettings:
    """The key goes as a header, like any other."""
    if settings.api_key is None:
        return settings
    header = SecretStr(f"ApiKey {settings.api_key.get_secret_value()}")
    return settings.model_copy(update={"headers": {**settings.headers, "Authorization": header}})
