"""Tokens, for whoever administers them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import StringConstraints

from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes, ServiceHere
from sre_copilot.api.problems import Problem
from sre_copilot.clock import rfc3339
from sre_copilot.errors import UsageError
from sre_copilot.store.alerting.audit import actor
from sre_copilot.store.tokens import Token

routes = Routes(tag="tokens")


class NewToken(Body):
    """What to make."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    role: Literal["viewer", "responder", "approver", "admin"] = "viewer"


@routes.get("/tokens", role="admin")
def tokens(service: ServiceHere) -> dict[str, Any]:
    """All tokens; the tokens themselves are not kept."""
    return {"items": [_view(token) for token in service.tokens.all()], "next": None}


@routes.post("/tokens", role="admin", status_code=201)
def create(service: ServiceHere, request: Request, new: NewToken) -> dict[str, Any]:
    """Make a token; it is in this answer and nowhere else."""
    token, plain = service.tokens.create(new.name, role=new.role, now=service.clock.now(), by=_who(request))
    return {**_view(token), "token": plain}


@routes.delete("/tokens/{key}", role="admin")
def revoke(service: ServiceHere, request: Request, key: str) -> dict[str, Any]:
    """Make a token worthless."""
    try:
        return _view(service.tokens.revoke(key, now=service.clock.now(), by=_who(request)))
    except UsageError as error:
        raise Problem(404, str(error), field="key") from None


def _who(request: Request) -> str:
    token: Token = request.state.token
    return actor(token)


def _view(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "created_at": rfc3339(token.created_at),
        "used_at": rfc3339(token.used_at),
        "revoked_at": rfc3339(token.revoked_at),
    }
