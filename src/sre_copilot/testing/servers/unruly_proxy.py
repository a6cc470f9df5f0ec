"""A reverse proxy that misbehaves on demand, so that any HTTP source can be tested against a system that fails.

with unruly_proxy("http://127.0.0.1:9090") as proxy:
    proxy.misbehave("unavailable", times=2)     # 503 twice, then as the system itself
    httpx.get(proxy.url + "/-/ready")
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import httpx

Manner = Literal["unavailable", "overloaded", "unauthorised", "silent", "garbage", "hang up"]
HOP_BY_HOP = frozenset(
    {"connection", "transfer-encoding", "content-length", "content-encoding", "host", "accept-encoding"}
)
SILENCE_S = 30.0  # longer than any time-out that a test waits for


@dataclass
class UnrulyProxy:
    """What it stands before, where it listens, what it has been asked, and how it shall misbehave."""

    target: str
    url: str = ""
    asked: list[str] = field(default_factory=list)
    _manners: list[Manner] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def misbehave(self, manner: Manner, *, times: int = 1) -> None:
        """Answer the next `times` requests in this manner."""
        self._manners = [manner] * times

    def behave(self) -> None:
        """Forget what was asked for."""
        self._manners = []

    def next_manner(self) -> Manner | None:
        """Take the manner of the next answer."""
        return self._manners.pop() if self._manners else None


@contextmanager
def unruly_proxy(target: str) -> Iterator[UnrulyProxy]:
    """Run a proxy before `target` while the context is open."""
    proxy = UnrulyProxy(target)
    with httpx.Client(base_url=target, timeout=60.0, trust_env=False) as client:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy, client))
        server.daemon_threads = True
        proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy._over.set()
            server.shutdown()
            server.server_close()
            thread.join(5)


def _handler(proxy: UnrulyProxy, client: httpx.Client) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement

        def _answer(self) -> None:
            proxy.asked.append(f"{self.command} {self.path}")
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            manner = proxy.next_manner()
            if manner is None:
                self._pass_on(body)
            elif manner == "silent":
                proxy._over.wait(SILENCE_S)
                self.close_connection = True
            elif manner == "hang up":
                self.close_connection = True
            else:
                self._misbehave(manner)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - names of the base class

        def _pass_on(self, body: bytes) -> None:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
            response = client.request(self.command, self.path, content=body, headers=headers)
            kept = {k: v for k, v in response.headers.items() if k.lower() not in HOP_BY_HOP}
            self._send(response.status_code, response.content, kept)

        def _misbehave(self, manner: Manner) -> None:
            status = {"unavailable": 503, "overloaded": 429, "unauthorised": 401}.get(manner, 200)
            headers = {"Retry-After": "1"} if manner == "overloaded" else {}
            if manner == "unauthorised":  # a server may well quote what it was sent
                text = f"refused {self.headers.get('authorization', '')}"
            else:
                text = "<html>not what you asked for</html>" if manner == "garbage" else manner
            self._send(status, text.encode(), headers)

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
