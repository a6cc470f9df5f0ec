"""One document to one address, for answers that nobody waits for: no redirect, no second attempt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from sre_copilot.action.exchange import Answer, trusted
from sre_copilot.telemetry import log

TIMEOUT_S = 5.0  # whoever wrote waits for the answer; later it is of no use
LARGEST_ANSWER = 2**16  # bytes
_log = log(__name__)


def post(url: str, document: Mapping[str, Any], *, headers: Mapping[str, str] | None = None) -> Answer | None:
    """Post it as JSON; None when nobody answered. The address may be a secret and is in no message."""
    try:
        with (
            httpx.Client(follow_redirects=False, trust_env=False, verify=trusted(None)) as client,
            client.stream(
                "POST", url, json=dict(document), headers=dict(headers or {}), timeout=TIMEOUT_S
            ) as got,
        ):
            content = b""
            for piece in got.iter_bytes():
                content += piece
                if len(content) > LARGEST_ANSWER:
                    break
            lower = {name.lower(): value for name, value in got.headers.items()}
            return Answer(got.status_code, lower, content[:LARGEST_ANSWER])
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        _log.warning("an answer in chat was not delivered", problem=type(error).__name__)
        return None
