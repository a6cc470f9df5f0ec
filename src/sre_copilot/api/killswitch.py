"""The kill switch: stops all that acts, for every worker."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Request
from pydantic import Field

from sre_copilot.action.switch import Standing
from sre_copilot.api.actions import Desk
from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes
from sre_copilot.api.shapes import acting as shapes
from sre_copilot.clock import rfc3339
from sre_copilot.store.alerting.audit import actor

routes = Routes(tag="actions")


class Turn(Body):
    """Why the switch is turned."""

    reason: Annotated[str, Field(min_length=1, max_length=1000)]


@routes.get("/killswitch", role="viewer", shape=shapes.KillSwitch)
def killswitch(desk: Desk) -> dict[str, Any]:
    """How the switch stands, and whether a crash holds up what begins by itself."""
    return _row(desk.standing())


@routes.post("/killswitch/on", role="responder", shape=shapes.KillSwitch)
def on(desk: Desk, request: Request, turn: Turn) -> dict[str, Any]:
    """Throw it: whoever may respond may stop."""
    return _row(desk.switch.throw(who=actor(request.state.token), reason=turn.reason))


@routes.post("/killswitch/off", role="approver", shape=shapes.KillSwitch)
def off(desk: Desk, request: Request, turn: Turn) -> dict[str, Any]:
    """Let plans begin again, and release what a crash has held up."""
    return _row(desk.switch.reset(who=actor(request.state.token), reason=turn.reason))


def _row(standing: Standing) -> dict[str, Any]:
    return {**asdict(standing), "at": rfc3339(standing.at), "held_at": rfc3339(standing.held_at)}
