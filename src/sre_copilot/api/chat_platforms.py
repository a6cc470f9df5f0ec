"""Decisions that chat platforms bring in: no token, but the platform's own signature."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse
from starlette.background import BackgroundTask

from sre_copilot.api.guard import PUBLIC, Routes
from sre_copilot.api.problems import Problem
from sre_copilot.api.shapes import chat_platforms as shapes
from sre_copilot.app.chat_inbound import Inbound, Replayed
from sre_copilot.decision.chat import request as asked
from sre_copilot.decision.chat.request import Handshake, Heard, Sealing, Unreadable, Unverified

routes = Routes(tag="chat", refusals=(401, 404, 409))
LARGEST_BODY = 256_000  # bytes: a button brings the whole message that it stands in
OFF: dict[int | str, dict[str, Any]] = {
    401: {"description": "The platform did not sign it, or not now."},
    404: {"description": "The platform is not configured (`decision.approval.chat`)."},
    409: {"description": "The same request came before."},
    413: {"description": "The body is too large."},
}


class Sealed(Response):
    """What WeCom is answered."""

    media_type = "application/xml"


@routes.post("/chat/slack", role=PUBLIC, shape=shapes.SlackAnswer, responses=OFF)
async def slack(request: Request) -> Response:
    """Take events, slash commands and buttons of a Slack app, signed by `X-Slack-Signature`."""
    return await _taken(request, "slack")


@routes.post("/chat/feishu", role=PUBLIC, shape=shapes.FeishuAnswer, responses=OFF)
async def feishu(request: Request) -> Response:
    """Take messages and buttons of a Feishu or Lark app, known by its token, and with an encrypt key by `X-Lark-Signature`."""
    return await _taken(request, "feishu")


@routes.post("/chat/dingtalk", role=PUBLIC, shape=shapes.DingTalkAnswer, responses=OFF)
async def dingtalk(request: Request) -> Response:
    """Take messages to an app robot of DingTalk, signed by `sign`."""
    return await _taken(request, "dingtalk")


@routes.get("/chat/wecom", role=PUBLIC, response_class=PlainTextResponse, responses=OFF)
async def wecom_asks(request: Request) -> Response:
    """Show WeCom that the address is ours: `echostr`, opened."""
    return await _taken(request, "wecom")


@routes.post("/chat/wecom", role=PUBLIC, response_class=Sealed, responses=OFF)
async def wecom(request: Request) -> Response:
    """Take messages to an app of WeCom, signed by `msg_signature`."""
    return await _taken(request, "wecom")


async def _taken(request: Request, name: str) -> Response:
    inbound: Inbound = request.app.state.inbound
    if name not in inbound.known:
        raise Problem(404, f"chat is not taken from {name}: configure decision.approval.chat.{name}")
    body = await request.body()
    if len(body) > LARGEST_BODY:
        raise Problem(413, f"body: may have at most {LARGEST_BODY:,} bytes", field="body")
    came = asked.Request(
        headers=dict(request.headers), query=dict(request.query_params), body=body, now=inbound.now()
    )
    return await run_in_threadpool(_answered, inbound, name, came)  # the store may let us wait, others not


def _answered(inbound: Inbound, name: str, came: asked.Request) -> Response:
    platform = inbound.known[name]
    try:
        found = platform.read(came)
        text = inbound.heard(name, found) if isinstance(found, Heard) else ""
    except Unverified as refused:
        inbound.turned_away(name, refused.claimed)
        raise Problem(401, str(refused), field=refused.field) from None
    except Unreadable as wrong:
        raise Problem(400, str(wrong), field=wrong.field) from None
    except Replayed as refused:
        raise Problem(409, str(refused)) from None
    if isinstance(found, Handshake):
        return Response(found.answer, media_type=found.media)
    sealing = Sealing(now=came.now, salt=secrets.token_bytes(16))
    answer = platform.answer(text, found, sealing)
    later = (
        BackgroundTask(inbound.replies.send, name, found, text)
        if text and found is not None and found.back != "body"
        else None
    )
    return Response(answer.body, media_type=answer.media, background=later)
