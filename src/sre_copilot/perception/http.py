"""What all sources that speak HTTP share: client, authentication, retry, rate limit, and errors that teach.

Nothing that leaves this module (error, log, `Asked`) holds a credential: headers and the user part of URLs are never quoted,
and what a server answers is cut and has every known secret replaced.
"""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx
import orjson
from pydantic import Field, SecretStr, model_validator

from sre_copilot.errors import SourceAnswerError, SourceError, SourceRefused, SourceUnreachable
from sre_copilot.perception.pace import Pace, moment, tries
from sre_copilot.perception.source import SourceSettings
from sre_copilot.settings.secret import Secret

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
QUOTED = 300  # characters of a server's answer that an error repeats
LARGEST_ANSWER = 256 * 2**20  # bytes, unpacked: several times the largest page that any source asks for
LARGEST_ERROR = 2**16  # bytes of an answer that is an error: enough to quote it
LONGEST_ANSWER = 12  # times timeout_seconds, which holds for each piece of an answer: two minutes by default
PATIENCE_S = 30.0  # a longer Retry-After is not waited for: the tick has a minute

_CREDENTIAL = ("authorization", "cookie", "token", "key", "secret", "password")  # in the name of a header
_OF_THE_WIRE = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
_SHORT = 4  # a header's value of fewer characters is a tenant's number and no secret: hiding it would garble every message

Params = Mapping[str, Any]
T = TypeVar("T")


class HttpSettings(SourceSettings):
    """What a source that speaks HTTP can be told."""

    url: str
    """Base address, for example `https://prometheus.example:9090`; a path in it is kept."""
    bearer_token: Secret | None = None
    """Token of the `Authorization: Bearer` header."""
    username: str = ""
    """User of basic authentication."""
    password: Secret | None = None
    """Password of basic authentication."""
    ca_file: Path | None = None
    """Certificates to trust besides the system's own, PEM."""
    certificate_file: Path | None = None
    """Client certificate for mutual TLS, PEM."""
    key_file: Path | None = None
    """Key of the client certificate, PEM."""
    headers: dict[str, Secret] = Field(default_factory=dict)
    """Further headers, for example `X-Scope-OrgID` for a tenant."""
    allow_plaintext: bool = False
    """Send credentials over plain HTTP to another machine; off, for everyone between could read them."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("url: is no address; write it as http://HOST:PORT or https://HOST:PORT")
        if parts.username or parts.password:
            raise ValueError("url: holds a user or password; use the keys username and password for them")
        if parts.query or parts.fragment:
            raise ValueError("url: holds a query, which answers and errors would show; use headers for a key")
        secret = self.bearer_token or self.password or any(map(_is_credential, self.headers))
        if secret and parts.scheme == "http" and not (self.allow_plaintext or is_loopback(parts.hostname)):
            raise ValueError(
                "url: credentials would travel in clear; use https, or set allow_plaintext: true"
            )
        if bool(self.certificate_file) != bool(self.key_file):
            raise ValueError("certificate_file and key_file: each needs the other")
        return self


class _Again(Exception):  # noqa: N818 - a signal between two functions of this module
    """An answer that another try may change."""

    def __init__(self, error: SourceError, after_seconds: float | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.after_seconds = after_seconds


class HttpClient:
    """Speaks to one server; safe to share between the threads of one source."""

    def __init__(
        self, settings: HttpSettings, *, name: str, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.name = name
        self._settings = settings
        self._secrets = _secrets(settings)
        self._pace = Pace(settings.requests_per_second)
        self._client = httpx.Client(
            base_url=settings.url,
            auth=_basic(settings),
            headers=_headers(settings),
            timeout=settings.timeout_seconds,
            verify=_tls(settings, name),
            transport=transport,
            trust_env=False,
        )

    def get(self, path: str, params: Params | None = None) -> httpx.Response:
        """Ask with GET; raise `SourceError` when there is no usable answer after all tries."""
        return self.request("GET", path, params=params)

    def get_json(self, path: str, params: Params | None = None) -> Any:
        """Ask with GET for a JSON document."""
        return self.json(self.get(path, params))

    def post_json(self, path: str, body: Any, params: Params | None = None) -> Any:
        """Ask with POST and a JSON body for a JSON document."""
        headers = {"content-type": "application/json"}
        return self.json(
            self.request("POST", path, params=params, content=orjson.dumps(body), headers=headers)
        )

    def json(self, response: httpx.Response) -> Any:
        """Parse an answer."""
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise self.unreadable(response, f"is no JSON: {error}") from None

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Send one request, again where that can help, and return the answer with status 2xx.

        Raises
        ------
        SourceUnreachable : no connection or no answer in time
        SourceRefused : 401 and 403, and any other 4xx: asking again changes nothing
        SourceAnswerError : a 5xx after all tries
        """
        return self.receive(method, path, self.whole, **arguments)

    def receive(
        self,
        method: str,
        path: str,
        take: Callable[[httpx.Response], T],
        *,
        accept: frozenset[int] = frozenset(),
        **arguments: Any,
    ) -> T:
        """Send one request as `request` does and let `take` read the answer while it arrives, anew with each try.

        `accept` holds further statuses that `take` understands, and that are then no error.
        """
        try:
            for attempt in tries(_pause, attempts=self._settings.attempts):
                with attempt:
                    return self._once(method, path, take, accept, arguments)
        except _Again as last:
            raise last.error from None
        raise AssertionError("the loop above returns or raises")

    @contextmanager
    def stream(self, method: str, path: str, **arguments: Any) -> Iterator[httpx.Response]:
        """Open an answer that goes on (a watch, a tail); not tried again, for whoever follows knows where to resume."""
        self._keep_to_the_server(path)
        self._pace.wait()
        with self._translated(path), self._client.stream(method, path, **arguments) as response:
            if response.is_error:
                raise self._error(self._beginning(response))
            yield response

    def pieces(self, response: httpx.Response) -> Iterator[bytes]:
        """The content of an answer as it arrives, unpacked; raise `SourceAnswerError` when it is too much, or has no end."""
        size, until = 0, time.monotonic() + LONGEST_ANSWER * self._settings.timeout_seconds
        for piece in response.iter_bytes():
            size += len(piece)
            if size > LARGEST_ANSWER or time.monotonic() > until:
                what = (
                    f"is larger than {LARGEST_ANSWER >> 20} MB" if size > LARGEST_ANSWER else "does not end"
                )
                raise SourceAnswerError(
                    self.name,
                    f"the answer to {self._place(response)} {what}",
                    remedy="ask for less at a time",
                )
            yield piece

    def whole(self, response: httpx.Response) -> httpx.Response:
        """The answer with all of its content."""
        return _held(response, b"".join(self.pieces(response)))

    def unreadable(self, response: httpx.Response, problem: str) -> SourceAnswerError:
        """The error for an answer that is not what the interface promises."""
        return SourceAnswerError(
            self.name,
            f"the answer to {self._place(response)} {problem}: {self._said(response)}",
            remedy="check that url names the right system and no login page or proxy stands before it",
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def __repr__(self) -> str:
        return f"HttpClient({self.name})"

    def _once(
        self,
        method: str,
        path: str,
        take: Callable[[httpx.Response], T],
        accept: frozenset[int],
        arguments: Params,
    ) -> T:
        self._keep_to_the_server(path)
        self._pace.wait()
        try:
            with self._translated(path), self._client.stream(method, path, **arguments) as response:
                if response.is_success or response.status_code in accept:
                    return take(response)
                seen = self._beginning(response)
        except SourceUnreachable as error:
            raise _Again(error) from None
        if seen.status_code in TRANSIENT:
            raise _Again(self._error(seen), _retry_after(seen))
        raise self._error(seen)

    def _beginning(self, response: httpx.Response) -> httpx.Response:
        """An answer that is an error, with so much of its content as is worth quoting."""
        content = b""
        for piece in self.pieces(response):
            content += piece
            if len(content) > LARGEST_ERROR:
                break
        return _held(response, content[:LARGEST_ERROR])

    def _keep_to_the_server(self, path: str) -> None:
        """Refuse an address on another server, wherever it comes from: our credentials must not go there."""
        asked, own = httpx.URL(path), self._client.base_url
        if asked.is_absolute_url and (asked.scheme, asked.netloc) != (own.scheme, own.netloc):
            raise SourceRefused(
                self.name,
                f"the address {asked.host} is not that of this source",
                remedy="give a path, or set url",
            )

    @contextmanager
    def _translated(self, path: str) -> Iterator[None]:
        """Turn what httpx raises into sentences."""
        try:
            yield
        except httpx.TimeoutException:
            limit = self._settings.timeout_seconds
            raise SourceUnreachable(
                self.name,
                f"no answer to {path} within {limit:g} s",
                remedy="ask for less, or raise timeout_seconds",
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said = self.clean(str(error)) or type(error).__name__
            raise SourceUnreachable(
                self.name,
                f"no connection to {_host(self._settings.url)}: {said}",
                remedy="check ca_file, certificate_file, key_file and the name in url"
                if "ssl" in said.lower()
                else "check url, that the system runs, and that this machine may reach it",
            ) from None

    def _error(self, response: httpx.Response) -> SourceError:
        status, place, said = response.status_code, self._place(response), self._said(response)
        if status in {401, 403}:
            return SourceRefused(
                self.name,
                f"{place} answered {status}: {said}",
                remedy="check bearer_token or username and password, and what they may read",
            )
        if status == 429:
            return SourceAnswerError(
                self.name, f"{place} answered 429: {said}", remedy="lower requests_per_second"
            )
        if status < 500:
            return SourceRefused(
                self.name, f"{place} answered {status}: {said}", remedy="check url and query"
            )
        return SourceAnswerError(
            self.name, f"{place} answered {status}: {said}", remedy="look at the log of that system"
        )

    def _place(self, response: httpx.Response) -> str:
        return f"{response.request.method} {response.request.url.path}"

    def _said(self, response: httpx.Response) -> str:
        text = self.clean(response.text.strip())
        return text[:QUOTED] + ("…" if len(text) > QUOTED else "") or "nothing"

    def clean(self, text: str) -> str:
        """A text on one line, with `***` in the place of every secret of this connection."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return " ".join(text.split())


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _pause(error: Exception) -> bool | float:
    """Whether to try again, or after how many seconds."""
    if not isinstance(error, _Again):
        return False
    if error.after_seconds is None:
        return True
    return error.after_seconds if error.after_seconds <= PATIENCE_S else False


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return float(value)
    until = moment(value)
    return None if until is None else max(0.0, until - time.time())


def _held(response: httpx.Response, content: bytes) -> httpx.Response:
    """The answer with its content read, which is unpacked by now."""
    headers = [(k, v) for k, v in response.headers.raw if k.lower() not in _OF_THE_WIRE]
    return httpx.Response(response.status_code, headers=headers, content=content, request=response.request)


def _is_credential(header: str) -> bool:
    return any(word in header.lower() for word in _CREDENTIAL)


def _secrets(settings: HttpSettings) -> tuple[str, ...]:
    """What must never be shown, the longest first: the password also as basic authentication sends it."""
    given = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    if settings.username:
        password = settings.password.get_secret_value() if settings.password else ""
        given.append(base64.b64encode(f"{settings.username}:{password}".encode()).decode())
    headers = [value.get_secret_value() for value in settings.headers.values()]
    given += [value for value in headers if len(value) >= _SHORT]
    return tuple(sorted(filter(None, given), key=len, reverse=True))


def _basic(settings: HttpSettings) -> httpx.BasicAuth | None:
    if not settings.username:
        return None
    return httpx.BasicAuth(
        settings.username, settings.password.get_secret_value() if settings.password else ""
    )


def _headers(settings: HttpSettings) -> dict[str, str]:
    found = {name: value.get_secret_value() for name, value in settings.headers.items()}
    if settings.bearer_token:
        found["authorization"] = f"Bearer {settings.bearer_token.get_secret_value()}"
    return found


def _tls(settings: HttpSettings, name: str) -> ssl.SSLContext | bool:
    if urlsplit(settings.url).scheme != "https":
        return True
    try:
        context = ssl.create_default_context()
        if settings.ca_file:
            context.load_verify_locations(settings.ca_file)
        if settings.certificate_file:
            context.load_cert_chain(
                settings.certificate_file, settings.key_file, password=""
            )  # else it asks at the terminal
    except (OSError, ssl.SSLError) as error:
        raise SourceRefused(
            name,
            f"its certificates cannot be read: {error}",
            remedy="check ca_file, certificate_file, key_file",
        ) from None
    return context


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
