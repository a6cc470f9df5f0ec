"""Loki: lines by LogQL.

Pages go forward in time. A page begins at the time of the last line of the page before it, and the lines that were given
already are left out, so that of many lines at one nanosecond none is lost and none comes twice.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote

from pydantic import Field, SecretStr

from sre_copilot.domain.evidence import Gap
from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceError, SourceRefused
from sre_copilot.perception.http import HttpClient
from sre_copilot.perception.http_answers import checked, understood
from sre_copilot.perception.lines.rows import gap
from sre_copilot.perception.lines.store import LogStore, Pages, StoreSettings
from sre_copilot.perception.lines.times import Times
from sre_copilot.perception.querying import logql as querying
from sre_copilot.perception.source import Asked, Estimate, Health, Queried
from sre_copilot.perception.windows import nanoseconds

CATEGORIZE = {"X-Loki-Response-Encoding-Flags": "categorize-labels"}
"""Asks for structured metadata apart from the labels of a stream."""
LONGEST = 16  # times the page that is asked for where many lines share one nanosecond
RECENT_S = 3600.0  # looked at to learn labels and fields
SERVER_LIMIT = 5000  # Loki's own default of max_entries_limit_per_query


class LokiSettings(StoreSettings):
    """The address is that of Loki or of its gateway, without `/loki/api`."""

    selector: str = '{service_name=~".+"}'
    """LogQL log query: a stream selector, and line filters where wanted. At least one matcher must not match the empty text."""
    tenant: str = ""
    """Value of the `X-Scope-OrgID` header, where Loki serves several tenants."""
    page_lines: int = Field(default=SERVER_LIMIT, ge=1)
    """Lines a request asks for; not above Loki's `max_entries_limit_per_query`, 5,000 by default."""


class Entry(NamedTuple):
    """One line as Loki gives it: time, line, labels of its stream, structured metadata."""

    ts_ns: int
    line: str
    labels: Mapping[str, str]
    metadata: Mapping[str, str]

    @property
    def fields(self) -> tuple[Mapping[str, str], ...]:
        """Structured metadata is of the line, labels are of its stream."""
        return self.metadata, self.labels

    @property
    def identity(self) -> str:
        """What tells it from all others: Loki keeps a line once a stream and nanosecond."""
        content = repr((self.ts_ns, self.line, sorted(self.labels.items()), sorted(self.metadata.items())))
        return hashlib.blake2b(content.encode(), digest_size=10).hexdigest()


@dataclass(frozen=True, slots=True)
class Statistics:
    """How much a selector covers, by Loki's index: lets one see the size of an answer before asking for it."""

    streams: int
    chunks: int
    entries: int
    bytes: int


class LokiSource(LogStore):
    """Reads the lines that a selector names."""

    Settings = LokiSettings
    languages: ClassVar[tuple[str, ...]] = ("logql",)

    def __init__(self, settings: LokiSettings, *, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        super().__init__(settings, HttpClient(_with_tenant(settings), name=self.name), clock=clock)

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.settings.name or "loki"

    def labels(self, window: Window | None = None) -> tuple[str, ...]:
        """Names of the labels that are in use."""
        return tuple(self._listed("/loki/api/v1/labels", window))

    def label_values(self, label: str, window: Window | None = None) -> tuple[str, ...]:
        """Values of one label."""
        return tuple(self._listed(f"/loki/api/v1/label/{quote(label, safe='')}/values", window))

    def series(self, window: Window | None = None) -> tuple[Mapping[str, str], ...]:
        """Labels of the streams that the selector names."""
        matcher = {"match[]": stream_selector(self.settings.selector)}
        return tuple(self._listed("/loki/api/v1/series", window, matcher))

    def statistics(self, window: Window) -> Statistics:
        """Ask the index how much the selector covers in the window."""
        params = {"query": stream_selector(self.settings.selector), **_bounds(window)}
        with understood(self.name, INDEX_STATS):
            said = checked(self._client, INDEX_STATS, params, dict)
            return Statistics(*(int(said.get(key, 0)) for key in ("streams", "chunks", "entries", "bytes")))

    def run_query(self, text: str, window: Window, *, limit: int, timeout_seconds: float) -> Queried:
        """Run a log or metric query over the window."""
        return querying.run(
            self._client, text, window, limit=limit, timeout_seconds=timeout_seconds, masker=self._masker
        )

    def dry_run(self, text: str, window: Window) -> Estimate:
        """Ask the index how much the query's streams hold."""
        found = text.find("{")
        return querying.dry_run(self._client, stream_selector(text[max(0, found) :]), window)

    def known(self) -> Mapping[str, Any]:
        """Labels, and fields of recent lines."""
        now = time.time()
        return querying.known(self._client, self.settings.selector, Window(now - RECENT_S, now + 1.0))

    def health(self) -> Health:
        """Ask for version and labels."""
        try:
            names = self.labels()
            version = self._version()
        except SourceError as error:
            return Health(source=self.name, ok=False, problem=error.problem, remedy=error.remedy)
        if not names:
            problem, remedy = "it holds no line yet", "check that an agent pushes to it, and tenant"
            return Health(source=self.name, ok=True, version=version, problem=problem, remedy=remedy)
        return Health(source=self.name, ok=True, version=version, permissions=("+read labels",))

    def _version(self) -> str:
        try:
            return str(checked(self._client, BUILDINFO, None, dict).get("version", ""))
        except SourceError:  # gateways often do not pass it on
            return ""

    def _listed(self, path: str, window: Window | None, params: Mapping[str, str] | None = None) -> list[Any]:
        response = self._client.get(path, {**(params or {}), **(_bounds(window) if window else {})})
        data = self._client.json(response)
        if not isinstance(data, dict) or data.get("status", "success") != "success":
            raise self._client.unreadable(response, "is no answer of Loki")
        found = data.get("data") or []
        if not isinstance(found, list):
            raise self._client.unreadable(response, "holds no list")
        return found

    def _pages(self, window: Window) -> Pages:
        return _Pages(self, window)

    def _page(self, start_ns: int, end_ns: int, limit: int) -> tuple[list[Entry], list[str]]:
        params = {
            "query": self.settings.selector, "start": start_ns, "end": end_ns, "limit": limit, "direction": "forward",
        }  # fmt: skip
        response = self._client.request("GET", QUERY_RANGE, params=params, headers=CATEGORIZE)
        document = self._client.json(response)
        try:
            return sorted(entries(document), key=lambda each: each.ts_ns), list(
                document.get("warnings") or []
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._client.unreadable(response, f"holds no streams ({error})") from None


QUERY_RANGE, INDEX_STATS = "/loki/api/v1/query_range", "/loki/api/v1/index/stats"
BUILDINFO = "/loki/api/v1/status/buildinfo"


@dataclass
class _Pages:
    """The entries of a window, page after page."""

    source: LokiSource
    window: Window
    gaps: list[Gap] = field(default_factory=list)

    def __iter__(self) -> Iterator[Entry]:
        start, end = nanoseconds(self.window)
        limit, given = self.source.settings.page_lines, set[str]()
        while start < end:
            page = self._ask(start, end, limit)
            inside = [each for each in page or () if start <= each.ts_ns < end]
            fresh = [each for each in inside if each.ts_ns > start or each.identity not in given]
            yield from fresh
            if page is not None and len(page) < limit:
                return
            last = inside[-1].ts_ns if inside else start
            if last > start:
                start, given = last, {each.identity for each in inside if each.ts_ns == last}
                limit = self.source.settings.page_lines
            else:  # a whole page at one nanosecond: a longer one may hold all of it
                given |= {each.identity for each in fresh}
                start, limit = self._beyond(start, limit, refused=page is None)

    def asked(self, rows: int, seconds: float) -> Asked:
        """The query, as it can be run again."""
        settings = self.source.settings
        return Asked(
            source=self.source.name, text=settings.selector, target=QUERY_RANGE, window=self.window, rows=rows,
            seconds=seconds,
        )  # fmt: skip

    def _ask(self, start: int, end: int, limit: int) -> list[Entry] | None:
        """One page; None when it is longer than the server allows."""
        try:
            page, warnings = self.source._page(start, end, limit)
        except SourceRefused as error:
            if limit > self.source.settings.page_lines:
                return None
            if "limit" in error.problem:
                raise SourceRefused(error.source, error.problem, remedy="lower page_lines") from None
            raise
        self.gaps += [gap("gap.logs_warned", self.source.name, said=said[:300]) for said in warnings]
        return page

    def _beyond(self, start: int, limit: int, *, refused: bool) -> tuple[int, int]:
        if not refused and limit < LONGEST * self.source.settings.page_lines:
            return start, 2 * limit
        self.gaps.append(gap("gap.logs_crowded", self.source.name, count=limit))
        return start + 1, self.source.settings.page_lines


def entries(document: Mapping[str, Any]) -> Iterator[Entry]:
    """Decode streams: of an answer to a query, of a message of a tail, of a push, of the old API.

    Without `categorize-labels` structured metadata is part of the labels; with it the labels of a stream hold both too,
    and are reduced to those that it is stored under.

    Raises
    ------
    KeyError, TypeError, ValueError : when the document is something else
    """
    data = document.get("data", document)
    if data.get("resultType", "streams") != "streams":
        raise ValueError(f"its result is a {data['resultType']}")
    for stream in data["result"] if "resultType" in data else data["streams"]:
        yield from _old_entries(stream) if "entries" in stream else _entries(stream)


def _entries(stream: Mapping[str, Any]) -> Iterator[Entry]:
    labels = stream["stream"]
    for stamp, line, *further in stream["values"]:
        if not isinstance(line, str):
            raise ValueError("a line is no text")
        told = further[0] if further else {}
        metadata = told.get("structuredMetadata", {})
        drawn = {**metadata, **told.get("parsed", {})}
        kept = {k: v for k, v in labels.items() if drawn.get(k) != v} if drawn else labels
        yield Entry(int(stamp), line, kept, drawn)


_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def _old_entries(stream: Mapping[str, Any]) -> Iterator[Entry]:
    labels = dict(_LABEL.findall(stream["labels"]))
    for each in stream["entries"]:
        ts_ns = Times().of(each["ts"])
        if ts_ns is None:
            raise ValueError(f"'{each['ts']}' is no time")
        yield Entry(ts_ns, each["line"], labels, {})


def stream_selector(query: str) -> str:
    """The braces of a log query, without the filters after them: all that the index understands."""
    quoted, escaped = "", False
    for place, letter in enumerate(query):
        if quoted:
            quoted = "" if letter == quoted and not escaped else quoted
            escaped = letter == "\\" and not escaped and quoted == '"'
        elif letter in '"`':
            quoted = letter
        elif letter == "}":
            return query[: place + 1].strip()
    return query.strip()


def _bounds(window: Window) -> dict[str, int]:
    start, end = nanoseconds(window)
    return {"start": start, "end": end}


def _with_tenant(settings: LokiSettings) -> LokiSettings:
    """The tenant goes as a header, like any other."""
    if not settings.tenant:
        return settings
    headers = {**settings.headers, "X-Scope-OrgID": SecretStr(settings.tenant)}
    return settings.model_copy(update={"headers": headers})
