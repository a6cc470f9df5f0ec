"""What notifiers that speak HTTP share: a client that follows no redirect, and answers as `Delivered`.

Nothing that leaves this module holds a secret: addresses are never quoted, and every secret is replaced in what a service says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

import httpx

from sre_copilot.action.exchange import Answer, trusted
from sre_copilot.action.notify.notifier import Delivered
from sre_copilot.action.notify.outcomes import by_status, failed
from sre_copilot.action.notify.settings import HttpNotifierSettings
from sre_copilot.errors import SettingsError
from sre_copilot.telemetry import clean

LARGEST_ANSWER = 2**16  # bytes: services answer a few hundred
QUOTED = 200  # characters of an answer that a reason repeats
SHORTEST_SECRET = 4


Judge = Callable[[Answer], Delivered]


def accepted(answer: Answer) -> Delivered:
    """For services whose status code says everything."""
    return Delivered(ok=True)


class HttpSender:
    """Posts to the addresses of one configured notifier; safe to share between threads."""

    def __init__(self, settings: HttpNotifierSettings, *, secrets: Iterable[str]) -> None:
        self._secrets = tuple(sorted({*secrets, *_parts(secrets)}, key=len, reverse=True))
        proxy = settings.proxy.get_secret_value() if settings.proxy else None
        try:
            self._client = httpx.Client(
                follow_redirects=False,
                trust_env=False,
                proxy=proxy,
                verify=trusted(settings.ca_file),
                max_redirects=0,
            )
        except (ValueError, httpx.InvalidURL):
            raise SettingsError("proxy: is no address; write it as http://HOST:PORT") from None

    def post(
        self,
        url: str,
        body: bytes,
        *,
        timeout_s: float,
        key: str,
        headers: Mapping[str, str] | None = None,
        judge: Judge = accepted,
    ) -> Delivered:
        """Post once; `judge` reads an answer with status 2xx."""
        wanted = {"content-type": "application/json", "idempotency-key": _header(key), **(headers or {})}
        try:
            answer = self._post(url, body, wanted, timeout_s)
        except (httpx.TimeoutException, TimeoutError):
            return failed(f"no answer within {timeout_s:g} s", retry=True, cause="timeout")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return failed(
                f"no connection: {self.clean(str(error)) or type(error).__name__}",
                retry=True,
                cause="connection",
            )
        found = by_status(answer.status, answer.headers, self.said(answer))
        return judge(answer) if found.ok else found

    def _post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Answer:
        until, content = time.monotonic() + timeout_s, b""
        with self._client.stream("POST", url, content=body, headers=headers, timeout=timeout_s) as response:
            for piece in response.iter_bytes():
                content += piece
                if len(content) > LARGEST_ANSWER:
                    break
                if time.monotonic() > until:
                    raise TimeoutError
        lower = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, lower, content[:LARGEST_ANSWER])

    def said(self, answer: Answer) -> str:
        """What a service wrote, cut and without secrets."""
        return self.clean(answer.text)[:QUOTED]

    def clean(self, text: str) -> str:
        """A text on one line without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return clean(" ".join(text.split()))

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def __repr__(self) -> str:
        return "HttpSender()"


def _parts(secrets: Iterable[str]) -> set[str]:
    """Of addresses that are secrets: each part of the path and each value of the query, which a service may repeat alone."""
    found = set()
    for secret in secrets:
        if "://" in secret:
            url = httpx.URL(secret)
            found |= {part for part in url.path.split("/") if len(part) >= 8}
            found |= {value for value in url.params.values() if len(value) >= SHORTEST_SECRET}
            found |= {
                part for part in (url.password, url.raw_path.decode("ascii", "replace")) if len(part) >= 8
            }
    return found


def _header(key: str) -> str:
    """A key as a header can carry it."""
    return key if key.isascii() and key.isprintable() else key.encode("unicode_escape").decode()
