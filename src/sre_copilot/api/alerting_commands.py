"""How a route carries out a command: by the inbox, once for each idempotency key, in the name of the token, refused with the reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response

from sre_copilot.api.guard import service_of
from sre_copilot.api.problems import Problem
from sre_copilot.app.alerting import Alerting
from sre_copilot.store.alerting.audit import actor
from sre_copilot.store.tokens import Token

REVISION = re.compile(r'\s*(?:W/)?"r?(\d{1,9})"\s*')
OUR_NAMES = {"startsAt": "starts_at", "endsAt": "ends_at", "createdBy": "created_by", "revision": "if-match"}
"""Fields that the room below calls as Alertmanager does, or that came in a header."""
IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", max_length=150, description="The same key is carried out once.")
]
IfMatch = Annotated[
    str,
    Header(
        alias="If-Match",
        max_length=100,
        description="The `ETag` that was read; 412 when it was changed meanwhile.",
    ),
]


def alerting_of(request: Request) -> Alerting:
    """What decides on alerts."""
    found: Alerting = service_of(request).alerting
    return found


AlertingHere = Annotated[Alerting, Depends(alerting_of)]


def who(request: Request) -> str:
    """Who asks: the name of the token."""
    token: Token = request.state.token
    return token.name


def carry_out(
    alerting: Alerting, request: Request, verb: str, arguments: Mapping[str, Any], *, key: str = ""
) -> Mapping[str, Any]:
    """Carry out a command and return its result; a refusal is a problem."""
    token: Token = request.state.token
    once = f"{token.id}/{key}" if key else ""
    outcome = alerting.commands.do(verb, arguments, who=token.name, key=once, actor=actor(token))
    if not outcome.ok:
        field = OUR_NAMES.get(outcome.field, outcome.field)
        said = f"{field}: {outcome.problem}" if field else outcome.problem
        raise Problem(outcome.status, said, field=field)
    return outcome.result


def revision_of(if_match: str) -> dict[str, int]:
    """The revision that a client has read, as an argument of a command; nothing when it says none."""
    if not if_match or if_match.strip() == "*":
        return {}
    found = REVISION.fullmatch(if_match)
    if found is None:
        raise Problem(412, f"If-Match: {if_match!r} is no ETag that this server gave", field="if-match")
    return {"revision": int(found[1])}


def tagged(response: Response, document: Mapping[str, Any]) -> None:
    """Give the answer the ETag of the record that it shows."""
    response.headers["ETag"] = f'"r{document["revision"]}"'
