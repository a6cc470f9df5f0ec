"""Questions to the team: one answer, or its events as they come."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import Field, StringConstraints

from sre_copilot.agents.answer import Listener
from sre_copilot.agents.toolkit.inert import inert
from sre_copilot.api.approvals import approving_of
from sre_copilot.api.asking import RESPONSES, Calls, DeskHere, answered, respond
from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes, ServiceHere
from sre_copilot.api.problems import Problem
from sre_copilot.api.views import Language
from sre_copilot.app.approving import Approving
from sre_copilot.app.desk import Desk
from sre_copilot.app.incident_chat import IncidentChat, wish_of
from sre_copilot.app.plan_chat import decided_in_chat
from sre_copilot.app.workflow_chat import chat_of
from sre_copilot.errors import UsageError
from sre_copilot.store.tokens import Token

routes = Routes(tag="chat", refusals=(404,))


class Question(Body):
    """What is asked."""

    ask: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100_000)]
    session_id: str = Field(
        default="", max_length=32, description="Go on in this session; a new one where it is empty."
    )
    lang: Language | None = Field(
        default=None, description="Language of the answer (default: the question's)."
    )
    conversation_history: list[Any] | None = Field(
        default=None,
        description="Not read: a session holds the conversation. Taken so that clients of other agents need no change.",
    )
    model: str | None = Field(default=None, description="Not read: the configuration chooses the model.")


@routes.post("/chat", role="viewer", responses=RESPONSES, response_model=None)
def chat(service: ServiceHere, desk: DeskHere, request: Request, question: Question) -> Response:
    """Ask the team; with `Accept: text/event-stream` its work is told as it goes on.

    A question that a workflow is made for is answered with the offer to start it, in `follow_up_actions`; `RUN WORKFLOW id name=value`, or a yes to the one offer, starts it.
    `APPROVE PLAN-…` and `REJECT PLAN-… reason` decide on a plan as whoever the token belongs to. `write the report of INC-7` and `make a workflow of INC-7` are answered from the records.

    Events: `intent`, `plan`, `note`, `start_tool_calling`, `tool_calling_result`, `finding`, `hypothesis`, `claim`, `refuted`, and at the end `ai_answer_end` or `error`.
    """
    longest = service.settings.chat.max_question_characters
    if len(question.ask) > longest:
        raise Problem(
            422, f"ask: has {len(question.ask):,} characters; at most {longest:,} are read", field="ask"
        )
    token: Token = request.state.token
    key = _session(desk, question, token, service.settings.chat.max_turns)
    door = approving_of(request)
    return respond(
        request, desk, lambda listen: _answer(desk, door, question, key, token=token, listen=listen)
    )


def _answer(
    desk: Desk, door: Approving, question: Question, key: str, *, token: Token, listen: Listener
) -> dict[str, Any]:
    key = key or desk.session("", owner=token.id, text=question.ask)
    calls, chat = Calls(listen), chat_of(desk.service)
    decided = decided_in_chat(door, question.ask, token=token, lang=question.lang)
    if decided is not None:
        desk.keep(key, question.ask, decided, owner=token.id)
        return {"session_id": key, **answered(decided, calls)}
    asked = wish_of(question.ask)
    if asked is not None:
        teller = IncidentChat(desk.service, desk.equipment.speaker)
        told_of = teller.answer(asked, text=question.ask, token=token, lang=question.lang)
        desk.keep(key, question.ask, told_of, owner=token.id)
        return {"session_id": key, **answered(told_of, calls)}
    turn = desk.service.sessions.last(key, owner=token.id)
    wish = chat.wish(question.ask, before=turn["question"] if turn else "") if chat else None
    if chat is not None and wish is not None:
        cause = f"chat/{key}/{turn['id'] if turn else 0}"
        answer = chat.start(wish, text=question.ask, token=token, cause=cause, lang=question.lang)
        desk.keep(key, question.ask, answer, owner=token.id)
        return {"session_id": key, **answered(answer, calls)}
    answer = desk.ask_in(
        key, question.ask, owner=token.id, role=token.role, lang=question.lang, listen=calls.hear
    )
    told = answered(answer, calls)
    offers = chat.offers(question.ask) if chat is not None else ()
    if offers:
        told["follow_up_actions"] = [each.action(token.role, answer.lang) for each in offers]
        told["analysis"] += "".join(f"\n\n{inert(each.said(token.role, answer.lang))}" for each in offers)
    return {"session_id": key, **told}


def _session(desk: Desk, question: Question, token: Token, most: int) -> str:
    """The session that is named, when it is the token's own and has room; '' for a new one."""
    if not question.session_id:
        return ""
    try:
        key = desk.session(question.session_id, owner=token.id, text=question.ask)
    except UsageError as error:
        raise Problem(404, str(error), field="session_id") from None
    if len(desk.service.sessions.turns(key, owner=token.id, limit=most).rows) >= most:
        raise Problem(
            409, f"session_id: the session has {most} questions; begin a new one", field="session_id"
        )
    return key
