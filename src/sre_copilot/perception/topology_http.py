"""Any system that tells the estate as JSON over HTTP, by a mapping of its fields to ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
from pydantic import AfterValidator, Field

from sre_copilot.domain.cmdb import CALLS
from sre_copilot.domain.signals import Modality, Window
from sre_copilot.errors import SourceAnswerError
from sre_copilot.perception.estate.json_path import each_value, parse, values
from sre_copilot.perception.estate.rows import Rows, reading_of, rows_of, text
from sre_copilot.perception.http import HttpClient, HttpSettings
from sre_copilot.perception.http_answers import healthy
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.source import Asked, Health, Reading, SourceSettings
from sre_copilot.settings.section import Section

MOST_PAGES = 10_000  # of one question; more are a system that always names a next page


def _path(value: str) -> str:
    parse(value)
    return value


Path = Annotated[str, AfterValidator(_path)]
"""A path into the answer, for example `data.items[*].name`."""


class EntityMapping(Section):
    """Where entities are found in an answer, and what of a row is what."""

    path: str
    """Path of the address, for example `/api/services`; a query may be part of it."""
    items: Path = "$[*]"
    """Where the rows are in the answer."""
    name: Path = "name"
    """The entity's name, within a row."""
    kind: Path | None = None
    """Its kind, within a row."""
    default_kind: str = "service"
    """Its kind where the row says none."""
    aliases: Path | None = None
    """Other names of it, within a row."""
    attributes: dict[str, Path] = Field(default_factory=dict)
    """Attributes by our names (`owner`, `tier`, `environment` …), each with its place in a row."""


class RelationMapping(Section):
    """Where relations are found in an answer; where an end leads to several names, each is a relation."""

    path: str
    """Path of the address; the same as that of the entities is asked once more."""
    items: Path = "$[*]"
    """Where the rows are in the answer."""
    caller: Path = "caller"
    """What depends, within a row."""
    callee: Path = "callee"
    """What is depended on, within a row."""
    kind: Path | None = None
    """How, within a row."""
    kinds: dict[str, str] = Field(default_factory=dict)
    """The system's own words for how, and ours: `calls`, `runs_on`, `contains`, `routes_to`."""
    default_kind: str = CALLS
    """How, where the row does not say it."""


class TopologyHttpSettings(HttpSettings):
    """The mapping, and how long answers are cut into pages."""

    entities: EntityMapping | None = None
    """Where entities are found; may be left out when only relations are wanted."""
    relations: RelationMapping | None = None
    """Where relations are found."""
    paging: Literal["none", "link", "next", "offset"] = "none"
    """`link`: by the `Link` header; `next`: by a field of the answer; `offset`: by counting rows."""
    next: Path = "next"
    """The field that holds the address of the next page, or its mark where `next_parameter` is set."""
    next_parameter: str = ""
    """The parameter that takes the mark of the next page."""
    offset_parameter: str = "offset"
    """The parameter that takes how many rows to skip."""
    limit_parameter: str = "limit"
    """The parameter that takes how many rows to send."""
    page_size: int = Field(default=500, ge=1)
    """Rows of one page, for `offset`."""


class TopologyHttpSource:
    """Asks for entities and relations, page by page."""

    Settings: ClassVar[type[SourceSettings]] = TopologyHttpSettings
    modalities: ClassVar[tuple[Modality, ...]] = ("topology",)

    def __init__(self, settings: TopologyHttpSettings) -> None:
        self.settings = settings
        self._masker = Masker(settings)
        self._client = HttpClient(settings, name=self.name)

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.settings.name or "topology_http"

    def read(self, window: Window) -> Reading:
        """Return all that the system says; it knows no times."""
        rows, asked = Rows(), []
        for mapping in self._mappings():
            items = [item for page in self._pages(mapping) for item in page]
            asked.append(
                Asked(source=self.name, text=f"GET {mapping.path}", target=mapping.path, rows=len(items))
            )
            if isinstance(mapping, EntityMapping):
                entities = [_entity(item, mapping) for item in items]
                rows += rows_of(entities, (), source=self.name, what=mapping.path)
            else:
                relations = [link for item in items for link in _relations(item, mapping)]
                rows += rows_of((), relations, source=self.name, what=mapping.path)
        return reading_of(rows, masker=self._masker, asked=asked)

    def health(self) -> Health:
        """Ask for the first page of each."""
        found = Health(
            source=self.name, ok=False, problem="nothing is mapped", remedy="set entities or relations"
        )
        for mapping in self._mappings():
            found = healthy(self._client, mapping.path, check=self._is_json, reads="topology")
            if not found.ok:
                return found
        return found

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _mappings(self) -> list[EntityMapping | RelationMapping]:
        return [each for each in (self.settings.entities, self.settings.relations) if each is not None]

    def _is_json(self, response: httpx.Response) -> str:
        self._client.json(response)
        return ""

    def _pages(self, mapping: EntityMapping | RelationMapping) -> Iterator[list[Any]]:
        """The rows of each page, until the system names no further one."""
        first, _, query = mapping.path.partition("?")
        always = dict(parse_qsl(query))
        address, params = first, {**always, **self._first()}
        seen: set[str] = set()
        rows, before = 0, None
        while len(seen) < MOST_PAGES:
            response = self._client.get(address, params or None)
            document = self._client.json(response)
            items = values(document, mapping.items)
            if items and items == before:  # it does not know the parameter, and sends the same page each time
                break
            before = items
            yield items
            rows += len(items)
            following = self._next(response, document, rows if items else None)
            if following is None:
                return
            address, params = following if following[0] else (first, {**always, **following[1]})
            if f"{address}{params}" in seen:
                break
            seen.add(f"{address}{params}")
        raise SourceAnswerError(
            self.name, f"{mapping.path} names a next page without end", remedy="check paging and next"
        )

    def _first(self) -> dict[str, Any]:
        if self.settings.paging != "offset":
            return {}
        return {self.settings.limit_parameter: self.settings.page_size, self.settings.offset_parameter: 0}

    def _next(
        self, response: httpx.Response, document: Any, rows: int | None
    ) -> tuple[str, dict[str, Any]] | None:
        """Address and parameters of the next page; an empty address is the first one's. None: there is no further page.

        A page that is shorter than asked for need not be the last: rows may be hidden. Only an empty one is.
        """
        settings = self.settings
        if settings.paging == "offset" and rows is not None:
            return "", {**self._first(), settings.offset_parameter: rows}
        if settings.paging == "link":
            link = response.links.get("next", {}).get("url")
            return (self._own(response, link), {}) if link else None
        mark = (
            next((text(each) for each in values(document, settings.next)), "")
            if settings.paging == "next"
            else ""
        )
        if not mark:
            return None
        return (
            ("", {settings.next_parameter: mark})
            if settings.next_parameter
            else (self._own(response, mark), {})
        )

    def _own(self, response: httpx.Response, link: str) -> str:
        """A link to the same server; to another one our credentials must not go."""
        found = urljoin(str(response.request.url), link)
        here, there = urlsplit(str(response.request.url)), urlsplit(found)
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            raise self._client.unreadable(response, f"names a next page on another server, {there.netloc}")
        return found


def _entity(item: Any, mapping: EntityMapping) -> Mapping[str, Any]:
    return {
        "name": _first_of(item, mapping.name),
        "kind": _first_of(item, mapping.kind) or mapping.default_kind,
        "aliases": [text(each) for each in each_value(item, mapping.aliases)] if mapping.aliases else [],
        "attributes": {key: _joined(item, path) for key, path in mapping.attributes.items()},
    }


def _relations(item: Any, mapping: RelationMapping) -> list[tuple[str, str, str]]:
    """Each caller with each callee; an item that names no callee is no relation, and one without a caller lacks a name."""
    word = _first_of(item, mapping.kind)
    kind = mapping.kinds.get(word, word) or mapping.default_kind
    callers = [text(each) for each in each_value(item, mapping.caller)] or [""]
    return [(caller, text(callee), kind) for caller in callers for callee in each_value(item, mapping.callee)]


def _first_of(item: Any, path: str | None) -> str:
    return next((text(each) for each in each_value(item, path)), "") if path else ""


def _joined(item: Any, path: str) -> str:
    return ", ".join(filter(None, (text(each) for each in each_value(item, path))))
