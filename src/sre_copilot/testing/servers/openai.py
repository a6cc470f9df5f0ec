"""An OpenAI-compatible endpoint that does what it is told, and misbehaves on demand.

    with openai_server(answer=calls("answer", {"service": "order"})) as server:
        server.misbehave("too many", times=2)     # 429 twice, then as it should
        LanguageModel(model="openai/any", url=server.url)

`server.asked` holds the bodies of the requests, `server.received` every byte that came in.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Manner = Literal[
    "silent",
    "trickle",
    "too many",
    "broken",
    "unavailable",
    "garbage",
    "odd",
    "empty",
    "huge",
    "cut",
    "hang up",
    "unauthorised",
    "no tools",
    "elsewhere",
]
Message = Mapping[str, Any]
Answering = Callable[[Mapping[str, Any]], Message]
SILENCE_S = 60.0  # longer than any time-out that a test waits for
_STATUS: dict[str, tuple[int, dict[str, Any]]] = {
    "too many": (429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}),
    "broken": (500, {"error": {"message": "internal error"}}),
    "unavailable": (503, {"error": {"message": "loading the model"}}),
    "unauthorised": (401, {"error": {"message": "the key is wrong", "code": "invalid_api_key"}}),
    "no tools": (400, {"error": {"message": "this model does not support tools"}}),
}


@dataclass
class OpenAIServer:
    """Where it listens, what it was asked, and how it shall misbehave."""

    answer: Answering
    url: str = ""
    context_tokens: int = 8192
    retry_after: str = ""
    redirect: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)
    times: list[float] = field(default_factory=list)
    _manners: list[Manner] = field(default_factory=list)
    _always: Manner | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def misbehave(self, manner: Manner, *, times: int | None = None) -> None:
        """Answer the next requests in this manner; all of them where no number is given."""
        self._manners = [manner] * (times or 0)
        self._always = manner if times is None else None

    def behave(self) -> None:
        """Forget what was asked for."""
        self._manners, self._always = [], None

    def next_manner(self) -> Manner | None:
        """Take the manner of the next answer."""
        return self._manners.pop() if self._manners else self._always

    def wait(self, seconds: float) -> bool:
        """Wait, or until it is over."""
        return self._over.wait(seconds)

    def end(self) -> None:
        """Let go of whoever still waits."""
        self._over.set()


def says(text: str) -> Answering:
    """It answers in words."""
    return lambda _: {"role": "assistant", "content": text}


def calls(tool: str, arguments: Mapping[str, Any]) -> Answering:
    """It calls a tool, always the same; asked with other tools than that, it calls the first of them."""

    def answered(body: Mapping[str, Any]) -> Message:
        names = [each["function"]["name"] for each in body.get("tools") or []]
        name = tool if tool in names or not names else names[0]
        return called(name, arguments if name == tool else {"word": "ready"})

    return answered


def circles(tool: str) -> Answering:
    """It calls a tool without end, each time with other arguments."""
    count = iter(range(10**9))
    return lambda _: called(tool, {"page": next(count)})


def called(tool: str, arguments: Mapping[str, Any]) -> Message:
    """A message that calls a tool."""
    function = {"name": tool, "arguments": json.dumps(arguments)}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": f"call-{time.monotonic_ns()}", "type": "function", "function": function}],
    }


@contextmanager
def openai_server(answer: Answering | None = None, *, context_tokens: int = 8192) -> Iterator[OpenAIServer]:
    """Run it while the context is open."""
    server = OpenAIServer(answer or says("hello"), context_tokens=context_tokens)
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    try:
        yield server
    finally:
        server.end()
        http.shutdown()
        http.server_close()
        thread.join(5)


def completion(message: Message, body: Mapping[str, Any]) -> dict[str, Any]:
    """The document around a message; a token is counted for every four characters."""
    sent, received = len(json.dumps(body)) // 4, max(1, len(json.dumps(message)) // 4)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": str(body.get("model", "any")),
        "choices": [
            {
                "index": 0,
                "message": dict(message),
                "finish_reason": "tool_calls" if message.get("tool_calls") else "stop",
            }
        ],
        "usage": {"prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received},
    }


def _handler(server: OpenAIServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            server.received += f"{self.command} {self.path}".encode()
            entry = {"id": "any", "object": "model", "max_model_len": server.context_tokens}
            self._whole(200, json.dumps({"object": "list", "data": [entry]}).encode())

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            server.received += str(self.headers).encode() + content
            body = json.loads(content)
            server.asked.append(body)
            server.times.append(time.monotonic())
            manner = server.next_manner()
            if manner is None:
                self._whole(200, json.dumps(completion(server.answer(body), body)).encode())
            else:
                self._badly(manner, body)

        def _badly(self, manner: Manner, body: Mapping[str, Any]) -> None:
            good = json.dumps(completion(server.answer(body), body)).encode()
            if manner in _STATUS:
                status, document = _STATUS[manner]
                self._whole(status, json.dumps(document).encode(), retry_after=server.retry_after)
            elif manner == "elsewhere":
                self._whole(307, b"", location=server.redirect)
            elif manner == "garbage":
                self._whole(200, b"<html><body>proxy error</body></html>", kind="text/html")
            elif manner == "odd":
                self._whole(200, b'{"choices": [{"message": 7}], "usage": "many"}')
            elif manner == "empty":
                self._whole(200, b"")
            else:
                self._slowly(manner, good)

        def _slowly(self, manner: Manner, good: bytes) -> None:
            if manner == "silent":
                server.wait(SILENCE_S)
            elif manner == "cut":
                self._head(200, len(good), "application/json")
                self.wfile.write(good[: len(good) // 2])
            elif manner == "trickle":
                self._head(200, 10**9, "application/json")
                while not server.wait(0.05):
                    self._piece(b" ")
            elif manner == "huge":
                self._head(200, 10**9, "application/json")
                while self._piece(b" " * 2**20):
                    pass
            self.close_connection = True

        def _piece(self, piece: bytes) -> bool:
            try:
                self.wfile.write(piece)
            except OSError:
                return False
            return True

        def _whole(
            self,
            status: int,
            content: bytes,
            *,
            kind: str = "application/json",
            retry_after: str = "",
            location: str = "",
        ) -> None:
            headers = {"retry-after": retry_after, "location": location}
            self._head(status, len(content), kind, {key: each for key, each in headers.items() if each})
            self._piece(content)

        def _head(
            self, status: int, length: int, kind: str, headers: Mapping[str, str] | None = None
        ) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(length))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
