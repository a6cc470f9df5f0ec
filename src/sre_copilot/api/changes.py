"""What was changed: told by pipelines, shown to people."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import orjson
from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from sre_copilot.api.guard import PUBLIC, Routes, ServiceHere, authenticated, may_see
from sre_copilot.api.problems import Problem
from sre_copilot.api.views import Cursor, Hours, Limit, change, listing
from sre_copilot.app.serving import Service
from sre_copilot.incidents.watch.journal import change_row
from sre_copilot.perception.changes import parse_change
from sre_copilot.settings.section import at_least

routes = Routes(tag="changes", refusals=(401, 403))
SIGNATURE = "x-hub-signature-256"


@routes.get("/changes", role="viewer")
def changes(
    service: ServiceHere, request: Request, *, hours: Hours = 24, cursor: Cursor = None, limit: Limit = 100
) -> dict[str, Any]:
    """Changes of the last hours, the latest first."""
    page = service.changes.page(since=service.clock.now() - hours * 3600, cursor=cursor, limit=limit)
    return listing(page, lambda row: change(row, may_see=may_see(request, row["source"])))


@routes.post("/changes", role=PUBLIC, status_code=202)
async def receive(service: ServiceHere, request: Request) -> dict[str, Any]:
    """Take the webhook of a pipeline; it needs a token of a responder, or the configured secret's signature.

    The same change told twice is one. The page “Tell SRE Copilot what was changed” shows the payloads.
    """
    body = await request.body()
    return await run_in_threadpool(_taken, service, request, body)  # the store may let us wait, others not


def _taken(service: Service, request: Request, body: bytes) -> dict[str, Any]:
    _admit(service, request, body)
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"body: is no JSON: {error}", field="body") from None
    now = service.clock.now()
    found = parse_change(payload, dict(request.headers))
    rows = [change_row(each, at=now) for each in found]
    new = service.changes.save(rows)
    return {"received": len(rows), "new": new, "ids": [row["id"] for row in rows]}


def _admit(service: Service, request: Request, body: bytes) -> None:
    """Let a signed request through, or one with the token of a responder."""
    secret = service.settings.server.change_webhook_secret
    given = request.headers.get(SIGNATURE, "")
    if secret and given:
        expected = "sha256=" + hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), given.encode("latin-1", "replace")):
            raise Problem(
                401, "X-Hub-Signature-256: does not fit server.change_webhook_secret", field=SIGNATURE
            )
        return
    token = authenticated(request)
    if not at_least(token.role, "responder"):
        raise Problem(
            403, f"this needs the role responder; the token '{token.name}' has the role {token.role}"
        )
