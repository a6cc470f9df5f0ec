"""A stand-in for ServiceNow's Table API: tables are read with paging, rows are added and changed, all in memory; notes become rows of `sys_journal_field`."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from sre_copilot.testing.servers.json_server import Request, Response, serving

LARGEST_PAGE = 10_000
JOURNALS = frozenset({"work_notes", "comments"})
Row = Mapping[str, Any]


@dataclass
class ServiceNowServer:
    """Where it listens, and its tables: rows by table; a value is a text or a map of `value` and `display_value`.

    `login`: user and password that are let in (None = everyone); `hidden`: ids of rows that count in a page but are not given, as rows
    are that the account may not see.
    """

    url: str = ""
    tables: dict[str, list[Row]] = field(default_factory=dict)
    login: tuple[str, str] | None = None
    hidden: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        self.asked.append(request.path)
        if self.login and request.headers.get("authorization") != _basic(*self.login):
            return _failed(401, "User Not Authenticated", "Required to provide Auth information")
        folder, _, table = request.path.rpartition("/")
        if request.method == "PATCH":
            return self._change(folder.rpartition("/")[2], table, orjson.loads(request.body))
        if folder not in ("/api/now/table", "/api/now/v2/table"):
            return _failed(400, "Requested URI does not represent any resource", request.path)
        if table not in self.tables:
            return _failed(400, f"Invalid table {table}", "")
        if request.method == "POST":
            return self._add(table, orjson.loads(request.body))
        return self._page(table, request)

    def _add(self, table: str, given: Mapping[str, Any]) -> Response:
        number = len(self.tables[table]) + 1
        row = {"sys_id": f"{number:032x}", "number": f"T{number:07d}", "state": "1", **given}
        self.tables[table].append(row)
        return Response({"result": row}, 201)

    def _change(self, table: str, sys_id: str, given: Mapping[str, Any]) -> Response:
        for place, row in enumerate(self.tables.get(table, [])):
            if _raw(row, "sys_id") == sys_id:
                rest = {name: value for name, value in given.items() if name not in JOURNALS}
                notes = [
                    {"element_id": sys_id, "element": name, "value": given[name]}
                    for name in given
                    if name in JOURNALS
                ]
                self.tables.setdefault("sys_journal_field", []).extend(notes)
                self.tables[table][place] = {**row, **rest}
                return Response({"result": self.tables[table][place]})
        return _failed(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")

    def _page(self, table: str, request: Request) -> Response:
        query = request.query
        limit = min(int(query.get("sysparm_limit") or LARGEST_PAGE), LARGEST_PAGE)
        offset = int(query.get("sysparm_offset") or 0)
        found = _selected(self.tables[table], query.get("sysparm_query", ""))
        fields = query.get("sysparm_fields", "")
        page = [
            _shown(row, fields.split(",") if fields else list(row), query)
            for row in found[offset : offset + limit]
            if _raw(row, "sys_id") not in self.hidden
        ]
        headers = {"X-Total-Count": str(len(found))}
        if offset + limit < len(found):
            following = urlencode({**query, "sysparm_limit": limit, "sysparm_offset": offset + limit})
            headers["Link"] = f'<{self.url}{request.path}?{following}>;rel="next"'
        return Response({"result": page}, headers=headers)


@contextmanager
def servicenow(*, login: tuple[str, str] | None = None) -> Iterator[ServiceNowServer]:
    """Run one with two empty tables while the context is open."""
    server = ServiceNowServer(tables={"cmdb_ci": [], "cmdb_rel_ci": []}, login=login)
    with serving(server.answer) as url:
        server.url = url
        yield server


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _failed(status: int, message: str, detail: str) -> Response:
    return Response({"error": {"message": message, "detail": detail}, "status": "failure"}, status)


def _selected(rows: list[Row], query: str) -> list[Row]:
    """Rows that meet every condition `field=value` and `field!=value`; a condition on an unknown field is ignored, as there."""
    found, order = list(rows), ""
    for part in filter(None, query.split("^")):
        if part.startswith("ORDERBY"):
            order = part.removeprefix("ORDERBY")
            continue
        if "LIKE" in part:
            name, _, value = part.partition("LIKE")
            found = [row for row in found if value in _raw(row, name)]
            continue
        name, unequal, value = part.partition("!=") if "!=" in part else part.partition("=")
        if any(name in row for row in rows):
            found = [row for row in found if (_raw(row, name) != value) == (unequal == "!=")]
    return sorted(found, key=lambda row: _raw(row, order)) if order else found


def _raw(row: Row, name: str) -> str:
    value = row.get(name, "")
    return str(value["value"]) if isinstance(value, Mapping) else str(value)


def _shown(row: Row, fields: list[str], query: Mapping[str, str]) -> dict[str, Any]:
    """The fields in the form that `sysparm_display_value` asks for."""
    form = query.get("sysparm_display_value", "false")
    found: dict[str, Any] = {}
    for name in fields:
        value = row.get(name, "")
        both = dict(value) if isinstance(value, Mapping) else {"value": value, "display_value": value}
        found[name] = both if form == "all" else both["display_value" if form == "true" else "value"]
    return found
