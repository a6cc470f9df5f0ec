"""Receivers to test notifiers against: they count, delay, fail, answer late, and drop a repeated key, as a real receiver would.

with http_receiver("slack") as slack:
    slack.misbehave("late", seconds=0.5)       # takes the message, and answers when nobody waits any more
    ...
    assert slack.total == 2 and slack.kept == 1 and slack.repeated == 1

`smtp_receiver()` is a mail server; it needs `aiosmtpd`.
"""

from __future__ import annotations

import email
import email.policy
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Literal

from sre_copilot.testing.servers.json_server import Request, Response, serving

Manner = Literal["status", "body", "late", "silent", "lost"]
SILENCE_S = 20.0  # longer than any time-out that a test waits for


@dataclass(frozen=True, slots=True)
class Received:
    """One request or mail as it came in. `new` is whether its key was not known."""

    key: str
    new: bool
    at: float
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    mail: EmailMessage | None = None
    recipients: tuple[str, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class _Manner:
    kind: Manner
    status: int = 503
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class ReceiverLog:
    """What a receiver got, and how it shall behave."""

    def __init__(self) -> None:
        self.url = ""
        self.all: list[Received] = []
        self.refused = 0
        """Requests that were not taken: whoever sent them was told so, or waits."""
        self._manners: list[_Manner] = []
        self._keys: set[str] = set()
        self._lock = threading.Lock()
        self._over = threading.Event()

    @property
    def total(self) -> int:
        """Messages that were taken, repetitions too."""
        return len(self.all)

    @property
    def kept(self) -> int:
        """Messages that people see: each key once."""
        return len(self._keys)

    @property
    def repeated(self) -> int:
        """Messages that came again with a key that was known, and were dropped."""
        return self.total - self.kept

    @property
    def seen(self) -> list[Received]:
        """What people see, in its order."""
        return [each for each in self.all if each.new]

    def misbehave(
        self,
        kind: Manner,
        *,
        times: int = 1,
        status: int = 503,
        document: Any = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Answer the next `times` messages otherwise.

        `status`: not taken, with this status; `body`: not taken, with status 200 and this document; `late`: taken, and answered after `seconds`;
        `silent`: not taken, and not answered; `lost`: taken, and answered with this status as if it were not.
        """
        manner = _Manner(kind, status, document, headers or {}, seconds)
        with self._lock:
            self._manners += [manner] * times

    def behave(self) -> None:
        """Forget what was asked for."""
        with self._lock:
            self._manners.clear()

    def _next(self) -> _Manner | None:
        with self._lock:
            return self._manners.pop(0) if self._manners else None

    def _take(self, key: str, **what: Any) -> None:
        with self._lock:
            new = key not in self._keys
            self._keys.add(key)
            self.all.append(Received(key=key, new=new, at=time.time(), **what))

    def _pause(self, seconds: float) -> None:
        self._over.wait(seconds)


def _slack(log: ReceiverLog, request: Request) -> Response:
    if request.path.endswith("/chat.postMessage"):
        return Response({"ok": True, "channel": "C1", "ts": f"1700000000.{log.total:06}"})
    return Response(text="ok")


DIALECTS: Mapping[str, Callable[[ReceiverLog, Request], Response]] = {
    "webhook": lambda log, request: Response(text=""),
    "slack": _slack,
    "pagerduty": lambda log, request: Response(
        {
            "status": "success",
            "message": "Event processed",
            "dedup_key": json.loads(request.body)["dedup_key"],
        },
        status=202,
    ),
    "teams": lambda log, request: Response(text="", status=202),
    "feishu": lambda log, request: Response({"code": 0, "msg": "success", "data": {}}),
    "dingtalk": lambda log, request: Response({"errcode": 0, "errmsg": "ok"}),
    "wecom": lambda log, request: Response({"errcode": 0, "errmsg": "ok"}),
    "json": lambda log, request: Response({"ok": True}),
}
"""How each platform says that it took a message."""


@contextmanager
def http_receiver(dialect: str = "webhook") -> Iterator[ReceiverLog]:
    """A receiver on loopback that answers as a platform does; its address is `url`."""
    log = ReceiverLog()

    def answer(request: Request) -> Response:
        return _answered(log, DIALECTS[dialect], request)

    with serving(answer) as url:
        log.url = url
        try:
            yield log
        finally:
            log._over.set()


def _answered(
    log: ReceiverLog, usual: Callable[[ReceiverLog, Request], Response], request: Request
) -> Response:
    manner = log._next()
    if manner is None or manner.kind in ("late", "lost"):
        log._take(key_of(request), headers=request.headers, body=request.body, query=request.query)
    if manner is None:
        return usual(log, request)
    if manner.kind == "late":
        log._pause(manner.seconds)
        return usual(log, request)
    if manner.kind == "lost":
        return Response({}, status=manner.status)
    log.refused += 1
    if manner.kind == "silent":
        log._pause(SILENCE_S)
        return Response({}, status=503)
    status = 200 if manner.kind == "body" else manner.status
    return Response(manner.document or {}, status=status, headers=manner.headers)


def key_of(request: Request) -> str:
    """The key of a message: in its header, or in the text, where it stands last."""
    if key := request.headers.get("idempotency-key"):
        return key
    text = request.body.decode("utf-8", "replace")
    for mark in ("Key: ", "编号: "):
        if mark in text:
            return text.rpartition(mark)[2].split("\\n")[0].split('"')[0].strip()
    return text


class MailLog(ReceiverLog):
    """What a mail server got; `host` and `port` are where it listens."""

    def __init__(self) -> None:
        super().__init__()
        self.host = "127.0.0.1"
        self.port = 0
        self.logins: list[str] = []

    @property
    def smarthost(self) -> str:
        """`HOST:PORT`."""
        return f"{self.host}:{self.port}"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - a name of aiosmtpd
        """Take a mail, or not; its key is its `Message-ID`."""
        import asyncio  # noqa: PLC0415

        manner = self._next()
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        if manner is None or manner.kind in ("late", "lost"):
            recipients = tuple(envelope.rcpt_tos)
            self._take(str(mail["Message-ID"]), mail=mail, body=envelope.content, recipients=recipients)
        else:
            self.refused += 1
        if manner is not None and manner.kind in ("late", "silent"):
            await asyncio.sleep(manner.seconds or SILENCE_S)
        if manner is None or manner.kind == "late":
            return "250 taken"
        return (
            f"{manner.status} not now"
            if manner.status < 500 or manner.kind == "lost"
            else f"{manner.status} refused"
        )


@contextmanager
def smtp_receiver(
    *, login: tuple[str, str] | None = None, tls: ssl.SSLContext | None = None, implicit: bool = False
) -> Iterator[MailLog]:
    """A mail server on loopback, with STARTTLS or implicit TLS where a context is given, and a login where one is given."""
    from aiosmtpd.controller import Controller  # noqa: PLC0415 - only who tests mail needs it
    from aiosmtpd.smtp import AuthResult, LoginPassword  # noqa: PLC0415

    log = MailLog()

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else ("", "")
        log.logins.append(given[0])
        return AuthResult(success=given == login, handled=given == login)

    options: dict[str, Any] = {"authenticator": authenticate, "auth_required": True} if login else {}
    options |= {"auth_require_tls": tls is not None and not implicit}
    options |= {"ssl_context": tls} if implicit else {"tls_context": tls}
    controller = Controller(log, hostname=log.host, port=free_port(), **options)
    controller.start()
    log.port = controller.port
    try:
        yield log
    finally:
        controller.stop(no_assert=True)


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
