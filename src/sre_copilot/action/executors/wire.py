"""One exchange over HTTP: no redirects, no proxies of the environment, certificates verified, over by the deadline, and each failure with what it means for an effect."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from sre_copilot.action.exchange import Answer, trusted
from sre_copilot.action.executor import ActionError, Call
from sre_copilot.action.executors.common import left

MOST_BYTES = 1_000_000  # of an answer; a state or a ticket is described in far less
POINTER_ABSENT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is asked."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    changes: bool = False


class Wire:
    """Speaks to one system; `name` begins every message, and no address or header is in any."""

    def __init__(self, name: str, *, timeout_s: float, ca_file: Path | None = None) -> None:
        self._name, self._timeout_s = name, timeout_s
        self._client = httpx.Client(follow_redirects=False, trust_env=False, verify=trusted(ca_file))

    def send(self, ask: Ask, call: Call | None) -> Answer:
        """Ask, and read the whole answer, whatever its status.

        Raises
        ------
        ActionError : no connection (effect `none`), or no answer in time (`unknown`, where something was to be changed)
        """
        seconds = left(call, self._name, most=self._timeout_s)
        if ask.changes and call is not None and call.cancelled():
            raise ActionError(f"{self._name}: called off before anything was changed", effect="none")
        try:
            return self._sent(ask, seconds)
        except (UnicodeError, httpx.InvalidURL, httpx.LocalProtocolError) as error:
            raise ActionError(f"{self._name}: the request cannot be written ({type(error).__name__}); correct address, headers and query", effect="none") from None  # fmt: skip
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise self._error(f"no connection ({type(error).__name__}); check the address, and that it runs", "none") from None  # fmt: skip
        except (httpx.HTTPError, TimeoutError) as error:
            effect = "unknown" if ask.changes else "none"
            raise self._error(f"no answer within {seconds:.1f} s ({type(error).__name__})", effect) from None

    def refused(self, answer: Answer, what: str, *, changes: bool = True) -> ActionError:
        """The error for a status that is none of success."""
        status = answer.status
        effect = "none" if not changes or (400 <= status < 500 and status != 408) else "unknown"
        hint = {401: "; check name and token", 403: "; check the rights of the account", 429: "; try later"}
        more = "; redirects are not followed" if 300 <= status < 400 else hint.get(status, "")
        retry = status in {408, 425, 429} or status >= 500
        return ActionError(f"{self._name}: {what}: HTTP {status}{more}", effect=effect, retry=retry)

    def _sent(self, ask: Ask, seconds: float) -> Answer:
        until, body = time.monotonic() + seconds, bytearray()
        content = None if ask.json is None else orjson.dumps(ask.json)
        headers = {"content-type": "application/json"} | dict(ask.headers) if content else dict(ask.headers)
        query = dict(ask.query) or None
        with self._client.stream(
            ask.method, ask.url, headers=headers, params=query, content=content, timeout=seconds
        ) as got:
            for part in got.iter_bytes():
                body += part
                if len(body) > MOST_BYTES or time.monotonic() > until:
                    raise TimeoutError
            return Answer(got.status_code, {name.lower(): value for name, value in got.headers.items()}, bytes(body))  # fmt: skip

    def _error(self, problem: str, effect: str) -> ActionError:
        return ActionError(f"{self._name}: {problem}", effect=effect, retry=True)


def pointed(document: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) leads to; `POINTER_ABSENT` when to nothing."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        elif isinstance(document, dict) and name in document:
            document = document[name]
        else:
            return POINTER_ABSENT
    return document
