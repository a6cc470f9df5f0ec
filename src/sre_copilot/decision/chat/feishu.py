"""Feishu and Lark: messages and buttons of cards, known by the app's token, and with an encrypt key signed and sealed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from sre_copilot.decision.approval.text import ID
from sre_copilot.decision.chat.cipher import NotSealed, decoded, opened
from sre_copilot.decision.chat.request import (
    LONGEST_TEXT,
    Answer,
    Handshake,
    Heard,
    Request,
    Sealing,
    Unreadable,
    Unverified,
    at,
    decision_text,
    document,
    same,
    stamp,
    text_at,
)
from sre_copilot.settings.acting.approval_chat import FeishuChat

TOLERANCE_S = (
    3600.0  # an event that was not taken is sent again for hours; a decision of an hour ago is asked for anew
)
SIGNATURE = "x-lark-signature"
BLOCK = 16  # bytes of the cipher, and of what padding fills up to
VERDICTS = ("approve", "reject")


class Feishu:
    """One app."""

    def __init__(self, settings: FeishuChat) -> None:
        self._token = settings.verification_token.get_secret_value()
        self._key = settings.encrypt_key.get_secret_value() if settings.encrypt_key else ""
        self._aes = hashlib.sha256(self._key.encode()).digest()

    def read(self, request: Request) -> Heard | Handshake | None:
        """What a request brings."""
        found = self._opened(request) if self._key else document(request.body)
        shaking = found.get("type") == "url_verification"
        given = (
            text_at(found, "token")
            if shaking
            else text_at(found, "header", "token") or text_at(found, "token")
        )
        if not same(given, self._token):
            claimed = None if shaking else _claimed(found)
            raise Unverified(
                "token: is not the verification token of the app", field="token", claimed=claimed
            )
        if shaking:
            challenge = text_at(found, "challenge", longest=LONGEST_TEXT)
            return Handshake(answer=orjson.dumps({"challenge": challenge}))
        if found.get("schema") != "2.0":  # older events name neither their id nor their time
            return None
        _check_age(found, request.now)
        return _heard(found, signature=request.headers.get(SIGNATURE, "") if self._key else "")

    def answer(self, text: str, heard: Heard | None, sealing: Sealing) -> Answer:
        """A button is answered by a toast; a message by a message."""
        if not text or heard is None or heard.back != "body":
            return Answer(body=b"{}")
        return Answer(body=orjson.dumps({"toast": {"type": "info", "content": text}}))

    def _opened(self, request: Request) -> Mapping[str, Any]:
        """The event of a request that is signed. Only the first question, whether the address is ours, comes without a signature: sealed, and with the token within.

        Raises
        ------
        Unverified : also where it is not sealed as agreed, for the same answer tells nobody how it failed
        """
        signed = self._is_signed(request)
        if SIGNATURE in request.headers and not signed:
            raise _unsigned()
        try:
            outer = document(request.body)
            raw = decoded(text_at(outer, "encrypt", longest=len(request.body)))
            found = document(opened(raw[BLOCK:], key=self._aes, start=raw[:BLOCK], block=BLOCK))
        except (NotSealed, Unreadable) as error:
            if signed and isinstance(error, Unreadable):
                raise
            raise _unsigned() from None
        if not signed and found.get("type") != "url_verification":
            raise _unsigned()
        return found

    def _is_signed(self, request: Request) -> bool:
        headers = request.headers
        moment, nonce = headers.get("x-lark-request-timestamp", ""), headers.get("x-lark-request-nonce", "")
        signed = (moment + nonce + self._key).encode("utf-8", "replace") + request.body
        given = headers.get(SIGNATURE, "")
        return bool(moment and nonce) and same(given, hashlib.sha256(signed).hexdigest())


def _unsigned() -> Unverified:
    said = f"{SIGNATURE}: is missing, or does not fit the body and the encrypt key"
    return Unverified(said, field=SIGNATURE)


def _check_age(found: Mapping[str, Any], now: float) -> None:
    """The time of an event is in milliseconds, that of a button in microseconds."""
    moment = text_at(found, "header", "create_time")
    unit = 1_000_000 if len(moment) >= 16 else 1_000
    stamp(moment, now=now, tolerance_s=TOLERANCE_S, field="header.create_time", unit=unit)


def _claimed(found: Mapping[str, Any]) -> Heard | None:
    """What an event without the token says, for the audit alone."""
    try:
        return _heard(found, signature="")
    except Unreadable:
        return None


def _heard(found: Mapping[str, Any], *, signature: str) -> Heard | None:
    kind, event = text_at(found, "header", "event_type"), text_at(found, "header", "event_id")
    if kind not in {"im.message.receive_v1", "card.action.trigger"}:
        return None
    if not event:
        raise Unreadable("header.event_id: is missing", field="header.event_id")
    made = _message if kind == "im.message.receive_v1" else _pressed
    return made(found.get("event"), f"event/{event}", signature)


def _message(found: Any, event: str, signature: str) -> Heard | None:
    message = at(found, "message")
    if text_at(message, "message_type") != "text" or text_at(found, "sender", "sender_type") not in {
        "",
        "user",
    }:
        return None
    content = document(text_at(message, "content", longest=10 * LONGEST_TEXT).encode(), field="content")
    return Heard(
        sender=text_at(found, "sender", "sender_id", "open_id"),
        text=text_at(content, "text", longest=LONGEST_TEXT),
        event=event,
        signature=signature,
        direct=text_at(message, "chat_type") == "p2p" or bool(at(message, "mentions")),
        back="message",
        where=text_at(message, "message_id"),
    )


def _pressed(found: Any, event: str, signature: str) -> Heard | None:
    """A button whose value is `{"decision": "approve", "plan": "PLAN-…"}`; the reason stands in the field `reason` of its form."""
    verdict = text_at(found, "action", "value", "decision")
    plan = text_at(found, "action", "value", "plan")
    if verdict not in VERDICTS:
        return None
    if not ID.fullmatch(plan):
        raise Unreadable("action.value.plan: is no id of a plan", field="action.value.plan")
    reason = text_at(found, "action", "form_value", "reason", longest=LONGEST_TEXT // 2)
    sender = text_at(found, "operator", "open_id")
    return Heard(sender=sender, text=decision_text(verdict, plan, reason), event=event, signature=signature)
