"""ServiceNow: configuration items and their relations by its Table API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import httpx
from pydantic import Field

from sre_copilot.domain.cmdb import CALLS, CONTAINS, RUNS_ON
from sre_copilot.domain.evidence import Gap
from sre_copilot.domain.signals import Modality, Window
from sre_copilot.perception.estate.rows import Rows, gap, reading_of, rows_of
from sre_copilot.perception.http import HttpClient, HttpSettings
from sre_copilot.perception.http_answers import healthy, understood
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.source import Asked, Health, Reading, SourceSettings

CLASSES = {
    "cmdb_ci_service": "service",
    "cmdb_ci_service_auto": "service",
    "cmdb_ci_service_discovered": "service",
    "cmdb_ci_appl": "service",
    "cmdb_ci_app_server": "service",
    "cmdb_ci_business_app": "service",
    "cmdb_ci_kubernetes_service": "service",
    "cmdb_ci_kubernetes_pod": "pod",
    "cmdb_ci_kubernetes_node": "host",
    "cmdb_ci_server": "host",
    "cmdb_ci_linux_server": "host",
    "cmdb_ci_win_server": "host",
    "cmdb_ci_vm_instance": "host",
}
"""What the classes of its data model are here; any that ends in a database's name is one, the others keep their own name."""
DATABASES = (
    "_db_instance",
    "_db_mssql_instance",
    "_db_mysql_instance",
    "_db_ora_instance",
    "_db_postgresql_instance",
)
KINDS = {
    "Depends on::Used by": (CALLS, False),
    "Uses::Used by": (CALLS, False),
    "Consumes::Consumed by": (CALLS, False),
    "Receives data from::Sends data to": (CALLS, False),
    "Sends data to::Receives data from": (CALLS, False),
    "Connects to::Connected by": (CALLS, False),
    "Runs on::Runs": (RUNS_ON, False),
    "Hosted on::Hosts": (RUNS_ON, False),
    "Instantiates::Instantiated by": (RUNS_ON, False),
    "Virtualized by::Virtualizes": (RUNS_ON, False),
    "Contains::Contained by": (CONTAINS, False),
    "Members::Member of": (CONTAINS, False),
    "Cluster::Cluster of": (CONTAINS, False),
    "Used by::Depends on": (CALLS, True),
    "Runs::Runs on": (RUNS_ON, True),
    "Hosts::Hosted on": (RUNS_ON, True),
    "Contained by::Contains": (CONTAINS, True),
}
"""Its types of relation, as parent::child: what they are here, and whether it is the child that depends."""
FIELDS = {
    "owner": "owned_by",
    "support_group": "support_group",
    "managed_by": "managed_by",
    "tier": "business_criticality",
    "environment": "environment",
    "address": "ip_address",
    "fqdn": "fqdn",
    "status": "operational_status",
    "os": "os",
    "version": "version",
    "location": "location",
}


class ServiceNowSettings(HttpSettings):
    """An instance, for example `https://example.service-now.com`; the account needs to read both tables."""

    item_table: str = Field(default="cmdb_ci", pattern=r"^\w+$")
    """Table of configuration items; a class of it (`cmdb_ci_service`) reads fewer."""
    item_query: str = "operational_status!=6"
    """Encoded query on items; the default leaves out what is retired. ServiceNow ignores a condition on a field that it has not."""
    relation_table: str = Field(default="cmdb_rel_ci", pattern=r"^\w+$")
    """Table of relations."""
    relation_query: str = ""
    """Encoded query on relations."""
    relation_kinds: dict[str, str] = Field(default_factory=dict)
    """Further types of relation (`Depends on::Used by`) and what they are here: `calls`, `runs_on`, `contains`, `routes_to`."""
    attributes: dict[str, str] = Field(default_factory=dict)
    """Further attributes by our names, and the fields that hold them."""
    page_size: int = Field(default=1000, ge=1, le=10_000)
    """Rows of one request; above 10,000 an instance cuts by itself."""


class _Table(NamedTuple):
    """All rows of a table, how it was asked for, and what of it is hidden from us."""

    rows: list[Mapping[str, Any]]
    asked: Asked
    gaps: tuple[Gap, ...]


class ServiceNowSource:
    """Reads both tables page by page and names items by their names."""

    Settings: ClassVar[type[SourceSettings]] = ServiceNowSettings
    modalities: ClassVar[tuple[Modality, ...]] = ("topology",)

    def __init__(self, settings: ServiceNowSettings) -> None:
        self.settings = settings
        self._masker = Masker(settings)
        self._client = HttpClient(settings, name=self.name)

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.settings.name or "servicenow"

    def read(self, window: Window) -> Reading:
        """Return items and relations as they are now."""
        fields = {**FIELDS, **self.settings.attributes}
        wanted = ("sys_id", "name", "sys_class_name", *fields.values())
        items = self._table(self.settings.item_table, self.settings.item_query, wanted)
        ends = ("sys_id", "parent", "child", "type")
        links = self._table(self.settings.relation_table, self.settings.relation_query, ends)
        with understood(self.name, self.settings.relation_table):
            rows = self._rows(items.rows, links.rows, fields)
        return reading_of(
            rows, masker=self._masker, asked=(items.asked, links.asked), gaps=(*items.gaps, *links.gaps)
        )

    def health(self) -> Health:
        """Ask for one row of each table."""
        found = Health(source=self.name, ok=True)
        for table in (self.settings.item_table, self.settings.relation_table):
            path = f"/api/now/table/{table}?sysparm_limit=1&sysparm_fields=sys_id"
            found = healthy(self._client, path, check=self._is_answer, reads="topology")
            if not found.ok:
                return found
        return found

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _is_answer(self, response: httpx.Response) -> str:
        self._result(response)
        return ""

    def _result(self, response: httpx.Response) -> list[Mapping[str, Any]]:
        document = self._client.json(response)
        if not isinstance(document, dict) or not isinstance(document.get("result"), list):
            raise self._client.unreadable(response, "holds no list 'result'")
        rows: list[Mapping[str, Any]] = document["result"]
        return rows

    def _table(self, table: str, query: str, fields: tuple[str, ...]) -> _Table:
        """Read a whole table.

        A page that is shorter than asked for need not be the last: rows that the account may not see count in it.
        """
        path = f"/api/now/table/{table}"
        params: dict[str, Any] = {
            "sysparm_query": "^".join(filter(None, (query, "ORDERBYsys_id"))),
            "sysparm_fields": ",".join(dict.fromkeys(fields)),
            "sysparm_display_value": "all",
            "sysparm_exclude_reference_link": "true",
            "sysparm_limit": self.settings.page_size,
            "sysparm_offset": 0,
        }
        rows: list[Mapping[str, Any]] = []
        while True:
            response = self._client.get(path, params)
            page = self._result(response)
            rows += page
            total = _total(response)
            params = {**params, "sysparm_offset": params["sysparm_offset"] + self.settings.page_size}
            if not self._goes_on(response, len(page), params["sysparm_offset"], total):
                break
        asked = Asked(
            source=self.name,
            text=f"GET {path}?sysparm_query={params['sysparm_query']}",
            target=table,
            rows=len(rows),
        )
        hidden = total is not None and total > len(rows)
        gaps = (gap("gap.topology.hidden", what=table, total=total or 0, read=len(rows)),) if hidden else ()
        return _Table(rows, asked, gaps)

    def _goes_on(self, response: httpx.Response, rows: int, offset: int, total: int | None) -> bool:
        if "link" in response.headers:
            return "next" in response.links
        return offset < total if total is not None else rows == self.settings.page_size

    def _rows(
        self, items: list[Mapping[str, Any]], links: list[Mapping[str, Any]], fields: Mapping[str, str]
    ) -> Rows:
        names = {_raw(item, "sys_id"): _shown(item, "name") for item in items}
        entities = [
            {
                "name": _shown(item, "name"),
                "kind": _kind(_raw(item, "sys_class_name")),
                "attributes": {ours: _shown(item, theirs) for ours, theirs in fields.items()}
                | {"sys_id": _raw(item, "sys_id")},
            }
            for item in items
        ]
        relations = [self._relation(link, names) for link in links]
        return rows_of(entities, relations, source=self.name, what=self.settings.item_table)

    def _relation(self, link: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
        """A relation between names; an end that was not read is named as the relation shows it."""
        parent = names.get(_raw(link, "parent")) or _shown(link, "parent")
        child = names.get(_raw(link, "child")) or _shown(link, "child")
        said = _shown(link, "type")
        kind, turned = KINDS.get(said, (said.partition("::")[0].lower().replace(" ", "_"), False))
        kind = self.settings.relation_kinds.get(said, kind)
        return {"caller": child if turned else parent, "callee": parent if turned else child, "kind": kind}


def _kind(name: str) -> str:
    return CLASSES.get(name) or ("database" if name.endswith(DATABASES) else name.removeprefix("cmdb_ci_"))


def _raw(row: Mapping[str, Any], field: str) -> str:
    value = row.get(field) or ""
    return str(value.get("value") or "") if isinstance(value, Mapping) else str(value)


def _shown(row: Mapping[str, Any], field: str) -> str:
    value = row.get(field) or ""
    return (
        str(value.get("display_value") or value.get("value") or "")
        if isinstance(value, Mapping)
        else str(value)
    )


def _total(response: httpx.Response) -> int | None:
    value = response.headers.get("x-total-count", "")
    return int(value) if value.isdigit() else None
