"""A stand-in for Zabbix: the methods of its JSON-RPC API that a reader of metrics calls, over items that a test stores.

with zabbix_server() as zabbix:
    item = zabbix.add_item("shop-1", "system.cpu.util", tags={"service": "shop"})
    zabbix.add_value(item, clock=1_700_000_000, value=12.5)

As the original does, it answers errors with status 200, writes all numbers as texts, keeps the history of each type of value apart (a question for
the wrong type finds nothing), includes both ends of a stretch of time, and refuses a token in the wrong place for its version.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.testing.servers.json_server import Request, Response, serving

TOKEN = "token-of-the-stand-in"  # noqa: S105 - it guards nothing
Row = dict[str, Any]


class _Refused(Exception):  # noqa: N818 - a signal within this module
    def __init__(self, code: int, message: str, data: str) -> None:
        super().__init__(data)
        self.answer = {"code": code, "message": message, "data": data}


@dataclass
class ZabbixServer:
    """What it holds, which version it plays, and what it was asked."""

    version: str = "7.0.5"
    token: str = TOKEN
    url: str = ""
    asked: list[tuple[str, Any]] = field(default_factory=list)
    hosts: dict[str, Row] = field(default_factory=dict)
    items: dict[str, Row] = field(default_factory=dict)
    history: list[Row] = field(default_factory=list)
    trends: list[Row] = field(default_factory=list)

    def add_item(
        self,
        host: str,
        key: str,
        *,
        value_type: int = 0,
        tags: Mapping[str, str] | None = None,
        group: str = "Servers",
    ) -> str:
        """Store an item of a host, and the host where it is new; return the item's id."""
        known = [h for h in self.hosts.values() if h["host"] == host]
        entry = known[0] if known else self._new_host(host, tags or {}, group)
        item = str(20_000 + len(self.items))
        self.items[item] = {
            "itemid": item,
            "hostid": entry["hostid"],
            "key_": key,
            "value_type": str(value_type),
            "units": "",
        }
        return item

    def add_value(self, item: str, *, clock: int, value: float | str) -> None:
        """Store a value of an item."""
        self.history.append({"itemid": item, "clock": str(clock), "value": str(value), "ns": "0"})

    def add_trend(self, item: str, *, clock: int, average: float) -> None:
        """Store the average of the hour that begins at `clock`."""
        row = {"num": "60", "value_min": str(average), "value_max": str(average), "value_avg": str(average)}
        self.trends.append({"itemid": item, "clock": str(clock), **row})

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        if request.path.rpartition("/")[2] != "api_jsonrpc.php":
            return Response(status=404, text="not found")
        try:
            body = json.loads(request.body)
        except ValueError:
            return Response(_error(None, -32700, "Parse error", "Invalid JSON."))
        try:
            result = self._call(body, request.headers.get("authorization", ""))
        except _Refused as refused:
            return Response({"jsonrpc": "2.0", "error": refused.answer, "id": body.get("id")})
        return Response({"jsonrpc": "2.0", "result": result, "id": body.get("id")})

    def _call(self, body: Row, authorization: str) -> Any:
        method, params = body.get("method", ""), body.get("params", {})
        self.asked.append((method, params))
        if method == "apiinfo.version":
            if authorization or "auth" in body:
                raise _Refused(
                    -32602,
                    "Invalid params.",
                    'The "apiinfo.version" method must be called without authorization.',
                )
            return self.version
        self._authorise(body, authorization)
        methods: dict[str, Callable[[Row], Any]] = {
            "host.get": self._hosts,
            "hostgroup.get": self._groups,
            "item.get": self._items,
            "history.get": self._history,
            "trend.get": self._trends,
        }
        if method not in methods:
            raise _Refused(-32601, "Method not found.", f'Incorrect API "{method.partition(".")[0]}".')
        return methods[method](params)

    def _authorise(self, body: Row, authorization: str) -> None:
        version = tuple(int(part) for part in self.version.split(".")[:2])
        if "auth" in body and version >= (7, 2):
            raise _Refused(-32600, "Invalid request.", 'Invalid parameter "/": unexpected parameter "auth".')
        header = authorization.removeprefix("Bearer ") if version >= (6, 4) else ""
        if self.token not in {header, body.get("auth")}:
            raise _Refused(-32602, "Invalid params.", "Not authorized.")

    def _new_host(self, host: str, tags: Mapping[str, str], group: str) -> Row:
        listed = [{"tag": tag, "value": value} for tag, value in tags.items()]
        entry: Row = {
            "hostid": str(10_000 + len(self.hosts)),
            "host": host,
            "name": host,
            "tags": listed,
            "group": group,
        }
        self.hosts[entry["hostid"]] = entry
        return entry

    def _hosts(self, params: Row) -> Any:
        wanted = {each["tag"] for each in params.get("tags", ())}
        found = [
            {"hostid": host["hostid"], "host": host["host"], "name": host["name"], "tags": host["tags"]}
            for host in self.hosts.values()
            if not wanted or wanted & {tag["tag"] for tag in host["tags"]}
        ]
        return str(len(found)) if params.get("countOutput") else found

    def _groups(self, params: Row) -> list[Row]:
        names = sorted({host["group"] for host in self.hosts.values()})
        wanted = params.get("filter", {}).get("name", names)
        return [{"groupid": str(i), "name": name} for i, name in enumerate(names) if name in wanted]

    def _items(self, params: Row) -> list[Row]:
        groups = {group["groupid"]: group["name"] for group in self._groups({})}
        allowed = {groups.get(str(each)) for each in params.get("groupids", groups)}
        patterns = params.get("search", {}).get("key_", ["*"])
        types = {str(each) for each in params.get("filter", {}).get("value_type", range(6))}
        found = [
            {**item, "hosts": [_short(host)]}
            for item in self.items.values()
            for host in [self.hosts[item["hostid"]]]
            if host["group"] in allowed
            and item["value_type"] in types
            and any(fnmatch.fnmatchcase(item["key_"], _plain(pattern)) for pattern in patterns)
        ]
        return found[: int(params.get("limit", len(found)))]

    def _history(self, params: Row) -> list[Row]:
        kind = str(params.get("history", 3))
        rows = [
            row for row in _between(self.history, params) if self.items[row["itemid"]]["value_type"] == kind
        ]
        if "clock" in params.get("sortfield", ()):
            rows.sort(key=lambda row: int(row["clock"]), reverse=params.get("sortorder") == "DESC")
        return rows[: int(params.get("limit", len(rows)))]

    def _trends(self, params: Row) -> list[Row]:
        return _between(self.trends, params)


@contextmanager
def zabbix_server(*, version: str = "7.0.5", token: str = TOKEN) -> Iterator[ZabbixServer]:
    """Run a stand-in while the context is open."""
    server = ZabbixServer(version=version, token=token)
    with serving(server.answer) as url:
        server.url = url
        yield server


def _between(rows: list[Row], params: Row) -> list[Row]:
    wanted = {str(each) for each in params.get("itemids", ())}
    first, last = int(params.get("time_from", 0)), int(params.get("time_till", 2**31))
    return [row for row in rows if row["itemid"] in wanted and first <= int(row["clock"]) <= last]


def _short(host: Row) -> Row:
    return {name: host[name] for name in ("hostid", "host", "name")}


def _plain(pattern: str) -> str:
    """A pattern in which `*` alone is special."""
    return "".join(f"[{c}]" if c in "?[" else c for c in pattern)


def _error(number: Any, code: int, message: str, data: str) -> Row:
    return {"jsonrpc": "2.0", "error": {"code": code, "message": message, "data": data}, "id": number}
