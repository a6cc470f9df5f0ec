"""Sessions of questions: each belongs to the token that began it, and nobody else, whatever the role, learns that it is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Request
from pydantic import StringConstraints

from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes, ServiceHere
from sre_copilot.api.problems import Problem
from sre_copilot.api.views import Cursor, Limit, listing
from sre_copilot.clock import rfc3339

routes = Routes(tag="sessions", refusals=(409,))


class NewSession(Body):
    """What to call it."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=300)] = ""


@routes.get("/sessions", role="viewer")
def sessions(
    service: ServiceHere, request: Request, *, cursor: Cursor = None, limit: Limit = 100
) -> dict[str, Any]:
    """The sessions of the token, the last used first."""
    page = service.sessions.page(owner=request.state.token.id, cursor=cursor, limit=limit)
    return listing(page, _session)


@routes.post("/sessions", role="viewer", status_code=201)
def begin(service: ServiceHere, request: Request, new: NewSession) -> dict[str, Any]:
    """Begin a session; `POST /chat` without one begins one too."""
    row = service.sessions.open(owner=request.state.token.id, title=new.title, now=service.clock.now())
    return _session(row)


@routes.get("/sessions/{key}", role="viewer")
def one_session(
    service: ServiceHere, request: Request, key: str, *, cursor: Cursor = None, limit: Limit = 100
) -> dict[str, Any]:
    """A session with its questions and answers, the earliest first."""
    owner = request.state.token.id
    row = service.sessions.get(key, owner=owner)
    if row is None:
        raise _missing(key)
    page = service.sessions.turns(key, owner=owner, cursor=cursor, limit=limit)
    return {**_session(row), "turns": listing(page, _turn)}


@routes.delete("/sessions/{key}", role="viewer")
def end(service: ServiceHere, request: Request, key: str) -> dict[str, Any]:
    """Delete a session with all that was asked in it."""
    if not service.sessions.remove(key, owner=request.state.token.id):
        raise _missing(key)
    return {"id": key, "deleted": True}


def _missing(key: str) -> Problem:
    return Problem(404, f"there is no session '{key}'", field="key")


def _session(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "title": row["title"],
        "opened_at": rfc3339(row["opened_at"]),
        "updated_at": rfc3339(row["updated_at"]),
    }


def _turn(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": row["id"], "at": rfc3339(row["at"]), "question": row["question"], "answer": row["answer"]}
