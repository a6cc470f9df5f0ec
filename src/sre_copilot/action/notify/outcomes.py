"""Whether another attempt can help: one table by status code for all services that speak HTTP.

| answer | retry | cause |
|---|---|---|
| 2xx | delivered | |
| 3xx | no: a redirect is not followed | clientError |
| 401, 403, 407 | no | authError |
| 408, 425 | yes | timeout |
| 429 | yes, after `Retry-After` | rateLimited |
| other 4xx | no | clientError |
| 5xx | yes, after `Retry-After` | serverError |
| no answer in time | yes | timeout |
| no connection | yes | connection |
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sre_copilot.action.notify.notifier import Cause, Delivered

_TIMEOUT = frozenset({408, 425})
_AUTH = frozenset({401, 403, 407})


def failed(reason: str, *, retry: bool, cause: Cause, after_s: float | None = None) -> Delivered:
    """An attempt that came to nothing."""
    return Delivered(ok=False, retry=retry, retry_after_s=after_s, reason=reason, cause=cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """What a service's own codes mean, where errors come with status 200 and a number in the body."""

    limited: Collection[int]
    busy: Collection[int]
    refused: Collection[int]
    """Key, signature or robot is not accepted."""
    silent_s: float | None = None
    """So long nothing is taken from one that sent too much."""

    def judged(self, code: object, said: str) -> Delivered:
        """What a code means; 0 is success, and what is no number is a service out of order."""
        if code == 0:
            return Delivered(ok=True)
        if code in self.limited:
            return failed(said, retry=True, cause="rateLimited", after_s=self.silent_s)
        if not isinstance(code, int) or code in self.busy:
            return failed(said, retry=True, cause="serverError")
        return failed(said, retry=False, cause="authError" if code in self.refused else "clientError")


def by_status(status: int, headers: Mapping[str, str], said: str) -> Delivered:
    """What a status code means; `said` is what the service wrote, without secrets."""
    if 200 <= status < 300:
        return Delivered(ok=True)
    words = f"answered {status}" + (f": {said}" if said else "")
    if status < 400:
        return failed(
            f"{words}; redirects are not followed, configure the final address",
            retry=False,
            cause="clientError",
        )
    cause = _cause(status)
    retry = cause in ("timeout", "rateLimited", "serverError")
    return failed(words, retry=retry, cause=cause, after_s=retry_after(headers) if retry else None)


def _cause(status: int) -> Cause:
    if status in _AUTH:
        return "authError"
    if status in _TIMEOUT:
        return "timeout"
    if status == 429:
        return "rateLimited"
    return "serverError" if status >= 500 else "clientError"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the service asks to wait: a number, or the time until a date; None when it asks nothing that can be read."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit() and len(value) <= 9:
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
