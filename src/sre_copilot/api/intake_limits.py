"""How much a way in takes: bytes of a body, requests and alerts a second."""

from __future__ import annotations

import math
from typing import Any

import orjson
from fastapi import Request

from sre_copilot.alerts.intake.pagerduty import LARGEST_BODY as LARGEST_PAGERDUTY
from sre_copilot.api.problems import Problem
from sre_copilot.settings.alerting.intake import Intake

ENQUEUE = "/v2/enqueue"
PREFIXES = ("/api/v1/intake/", "/api/intake/", "/api/v2/alerts", "/alerts/event/")


def largest_body(path: str, intake: Intake) -> int | None:
    """Most bytes that may be sent to a path where alerts come in; None for any other path."""
    if path == ENQUEUE:
        return LARGEST_PAGERDUTY
    return intake.largest_body_bytes if path.startswith(PREFIXES) else None


async def read_body(request: Request, *, largest: int) -> bytes:
    """The body as it was sent; one that is longer is given up where it becomes so, whatever length was stated."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() not in ("", "identity"):
        raise Problem(415, f"content-encoding: {encoding[:40]} is not read; send the body as it is", field="content-encoding")  # fmt: skip
    parts: list[bytes] = []
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > largest:
            raise Problem(413, f"body: may have at most {largest:,} bytes; send fewer at once", field="body")
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def decoded(body: bytes) -> Any:
    """The JSON of a body; the decoder itself bounds how deep it may be nested."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"body: is no JSON: {error}", field="body") from None


class Bucket:
    """A bucket of tokens: as many as `burst` may go at once, `rate` of them come back each second.

    >>> bucket = Bucket(rate=10, burst=2)
    >>> bucket.take(2, now=0.0), bucket.take(1, now=0.0), bucket.take(1, now=0.1)
    (0.0, 0.1, 0.0)
    """

    def __init__(self, *, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at: float | None = None

    def take(self, count: float, *, now: float) -> float:
        """Take so many; when they are not there, take none and return the seconds until they are."""
        if self._at is not None:
            self._left = min(self._burst, self._left + max(0.0, now - self._at) * self._rate)
        self._at = now
        if count <= self._left:
            self._left -= count
            return 0.0
        return (count - self._left) / self._rate


def slow_down(name: str, what: str, seconds: float) -> Problem:
    """The answer to who sends too much."""
    after = max(1, math.ceil(seconds))
    return Problem(
        429,
        f"the way in '{name}' takes no more {what} now; send it again in {after} s (alerting.intake.entries.{name}.rate)",
        headers={"Retry-After": str(after)},
    )
