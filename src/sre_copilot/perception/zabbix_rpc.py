"""JSON-RPC as Zabbix speaks it: errors come with status 200, and the token's place depends on the version."""

from __future__ import annotations

import itertools
import time
from typing import Any

import httpx
import orjson

from sre_copilot.errors import SourceError, SourceRefused
from sre_copilot.perception.http import HttpClient, HttpSettings
from sre_copilot.perception.pace import clock_skew

HEADER_SINCE = (6, 4)
"""First version that takes the token in a header; 7.2 and later take it nowhere else."""
_UNAUTHORISED = ("not authori", "session terminated", "api token", "re-login", "no permissions")


class ZabbixRpc:
    """Calls methods of one Zabbix."""

    def __init__(self, settings: HttpSettings, *, name: str) -> None:
        self.name = name
        self._token = settings.bearer_token.get_secret_value() if settings.bearer_token else ""
        self.path = "" if settings.url.endswith(".php") else "/api_jsonrpc.php"
        self._client = HttpClient(settings, name=name)
        self._numbers = itertools.count(1)
        self._in_header: bool | None = None
        self._asked: list[str] = []
        self._tags: dict[str, str] | None = None
        self.target = settings.url.rstrip("/") + self.path

    def __repr__(self) -> str:
        return f"ZabbixRpc({self.name})"

    def call(self, method: str, params: dict[str, Any]) -> Any:
        """Call a method that needs the token; raise `SourceError` with Zabbix's own words when it refuses."""
        if self._in_header is None:
            self.version_and_skew()
        self._asked.append(f"{method} {orjson.dumps(params).decode()}")
        body: dict[str, Any] = self._body(method, params)
        if not self._in_header and self._token:
            body["auth"] = self._token
        if method == "item.get":
            self._tags = None
        return self._result(method, self._post(body))

    def version_and_skew(self) -> tuple[str, float | None]:
        """Version, and by how many seconds its clock is ahead (by the header `Date`, in whole seconds)."""
        before = time.time()
        response = self._post(self._body("apiinfo.version", []), authorised=False)
        skew = clock_skew(response.headers.get("date", ""), before, time.time())
        version = str(self._result("apiinfo.version", response))
        self._in_header = _number(version) >= HEADER_SINCE
        return version, None if skew is None else round(skew, 1)

    def host_tags(self, tag: str) -> dict[str, str]:
        """Host id -> value of a tag of the host, remembered until items are asked for again."""
        if self._tags is None:
            hosts = self.call(
                "host.get",
                {"output": ["hostid"], "selectTags": "extend", "tags": [{"tag": tag, "operator": 4}]},
            )
            self._tags = {
                host["hostid"]: each["value"]
                for host in hosts
                for each in host.get("tags", ())
                if each["tag"] == tag and each["value"]
            }
        return self._tags

    def take_asked(self) -> list[str]:
        """What was asked since the last time, without any token."""
        asked, self._asked = self._asked, []
        return asked

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def _body(self, method: str, params: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "method": method, "params": params, "id": next(self._numbers)}

    def _post(self, body: dict[str, Any], *, authorised: bool = True) -> httpx.Response:
        """Send a request; the version is asked without a token, or Zabbix refuses to tell it."""
        headers = {"content-type": "application/json-rpc"}
        if not authorised or not self._in_header:
            headers["authorization"] = ""
        return self._client.request("POST", self.path, content=orjson.dumps(body), headers=headers)

    def _result(self, method: str, response: httpx.Response) -> Any:
        document = self._client.json(response)
        if not isinstance(document, dict) or not {"result", "error"} & document.keys():
            raise self._client.unreadable(response, "is no JSON-RPC")
        if "error" not in document:
            return document["result"]
        error = document["error"]
        said = self._client.clean(
            f"{error.get('message', '')} {error.get('data', '')} ({error.get('code', '')})"
        )
        raise self._refusal(method, said)

    def _refusal(self, method: str, said: str) -> SourceError:
        if any(words in said.lower() for words in _UNAUTHORISED):
            remedy = "check bearer_token: an API token that is enabled, not expired, and whose user may read the hosts"
        else:
            remedy = "compare with the API documentation of this version of Zabbix"
        return SourceRefused(self.name, f"{method} was refused: {said}", remedy=remedy)


def _number(version: str) -> tuple[int, int]:
    parts = [int(part) for part in version.split(".")[:2] if part.isdigit()]
    return (parts[0], parts[1]) if len(parts) == 2 else (0, 0)
