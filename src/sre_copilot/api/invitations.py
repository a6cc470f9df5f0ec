"""Links for people with a browser."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from sre_copilot.api.guard import Routes, sessions_of
from sre_copilot.clock import rfc3339

routes = Routes(tag="invitations")


@routes.post("/invitations", role="viewer", status_code=201)
def invite(request: Request) -> dict[str, Any]:
    """Make a link to the page for people; it works once, within a minute, for whoever the token belongs to."""
    word, until = sessions_of(request).links.make(request.state.token.id)
    return {"path": f"/open?code={word}", "expires_at": rfc3339(until)}
