"""What routes that ask the team share: who is admitted, what is answered, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import StreamingResponse

from sre_copilot.agents.answer import Answer, Event, Listener
from sre_copilot.api.problems import Problem
from sre_copilot.api.streaming import MEDIA_TYPE, stream, tool_event, wants_stream
from sre_copilot.api.views import Json
from sre_copilot.app.desk import Desk
from sre_copilot.incidents.answers import markdown
from sre_copilot.incidents.answers.document import document
from sre_copilot.store.tokens import Token

RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer; with `Accept: text/event-stream` its events as they come.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            MEDIA_TYPE: {"schema": {"type": "string"}},
        },
    },
    429: {"description": "Too many questions, or too many at once; `Retry-After` says when to try again."},
}


def desk_of(request: Request) -> Desk:
    """Where the server is asked."""
    desk: Desk = request.app.state.desk
    return desk


DeskHere = Annotated[Desk, Depends(desk_of)]
Work = Callable[[Listener], Mapping[str, Any]]


def admit(desk: Desk, token: Token) -> None:
    """Begin a piece of work.

    Raises
    ------
    Problem : 429 where there is too much of it
    """
    if refused := desk.limits.admit(token.id):
        seconds = str(max(1, round(refused.retry_after_s)))
        raise Problem(429, f"{refused.problem}; try again in {seconds} s", headers={"Retry-After": seconds})


@contextmanager
def admitted(desk: Desk, token: Token) -> Iterator[None]:
    """A piece of work from its beginning to its end."""
    admit(desk, token)
    try:
        yield
    finally:
        desk.limits.release(token.id)


def respond(request: Request, desk: Desk, work: Work) -> Response:
    """Answer at once, or event by event, as the client asks for."""
    token: Token = request.state.token
    if not wants_stream(request.headers.get("accept", "")):
        with admitted(desk, token):
            return Json(work(lambda told: None))
    return streamed(request, desk, work)


def streamed(request: Request, desk: Desk, work: Work) -> Response:
    """Answer event by event."""
    token: Token = request.state.token
    admit(desk, token)
    events = stream(work, lambda: desk.limits.release(token.id))
    return StreamingResponse(events, media_type=MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})


class Calls:
    """Notes the calls of tools while it hands every event on."""

    def __init__(self, listen: Listener) -> None:
        self._listen = listen
        self.made: list[dict[str, Any]] = []

    def hear(self, told: Event) -> None:
        """Take an event."""
        if told.kind == "tool_result":
            said = tool_event(told)
            self.made.append(
                {"tool_name": told.agent, "description": said["agent"], "result": said["result"]}
            )
        self._listen(told)


def answered(answer: Answer, calls: Calls) -> dict[str, Any]:
    """An answer with the fields that clients of other agents read, and our document; what it claims is told before."""
    told = document(answer)
    for claim in answer.claims:
        calls.hear(
            Event(kind="claim", agent="copilot", text=claim.text, data={"findings": list(claim.finding_ids)})
        )
    return {
        "analysis": markdown.render(told),
        "tool_calls": calls.made,
        "follow_up_actions": [],
        "answer": told,
    }
