"""The answers that are no success, as `/openapi.json` describes them: which there are for a route, and how they look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sre_copilot.api.problems import MEDIA_TYPE

Answers = dict[int | str, dict[str, Any]]
DESCRIPTIONS: Mapping[int, str] = {
    400: "It cannot be used as it is; the detail says why.",
    401: "A token is needed, or the one that was sent is not known or was revoked.",
    403: "The role of the token is not enough.",
    404: "There is none of this name.",
    409: "As it stands now this cannot be done; the detail says why.",
    411: "The length of the body must be stated.",
    412: "It was changed since the `ETag` in `If-Match` was read; read it again.",
    413: "The body is too large.",
    415: "The body must be JSON, and be said to be: `Content-Type: application/json`.",
    422: "What was sent cannot be read; each field is named.",
    429: "Too much at once; `Retry-After` says when to try again.",
    503: "It cannot be answered now: the store or what works commands off does not answer. Send it again.",
}
TEXT = {"type": "string"}
PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": TEXT,
        "instance": TEXT,
        "errors": {"type": "array", "items": {"type": "object", "properties": {"field": TEXT, "problem": TEXT}}},
    },
}  # fmt: skip


def answers(
    method: str, path: str, *, public: bool, more: Iterable[int], also: Iterable[str], given: Answers
) -> Answers:
    """All answers of a route that are documented; `more` are statuses of its room, `also` media types that problems have there, `given` is what it says itself."""
    statuses = {400, 422, 503, *([] if public else [401, 403]), *([404] if "{" in path else [])}
    if method != "GET":
        statuses |= {411, 413, 415, *more}
    content = {MEDIA_TYPE: {"schema": dict(PROBLEM)}, **{media: {} for media in also}}
    whole: Answers = {
        status: {"description": DESCRIPTIONS[status], "content": content} for status in sorted(statuses)
    }
    for status, said in given.items():
        shown = content if isinstance(status, int) and status >= 400 else {}
        whole[status] = {**({"content": shown} if shown else {}), **said}
    return whole
