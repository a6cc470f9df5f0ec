"""Slack: events, slash commands and buttons of an app, signed over time and raw body."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from sre_copilot.decision.approval.text import ID
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
    short,
    stamp,
    text_at,
)
from sre_copilot.settings.acting.approval_chat import SlackChat

TOLERANCE_S = 300.0  # as Slack advises
MOST_FIELDS = 100  # of a form: Slack sends a dozen
SIGNATURE, TIMESTAMP = "x-slack-signature", "x-slack-request-timestamp"
BUTTONS: Mapping[str, str] = {"sre_copilot_approve": "approve", "sre_copilot_reject": "reject"}
"""`action_id` of the buttons of a message, and what each means; its value is the id of the plan."""
REASON = "sre_copilot_reason"
"""Block and action of the field in which a reason is written."""
WRITTEN = {"", "file_share", "thread_broadcast"}
"""Subtypes of messages that a person wrote just now; edits, deletions and bots have others."""


class Slack:
    """One Slack app."""

    def __init__(self, settings: SlackChat) -> None:
        self._settings = settings
        self._secret = settings.signing_secret.get_secret_value().encode()

    def read(self, request: Request) -> Heard | Handshake | None:
        """What a request brings."""
        try:
            self._verify(request)
        except Unverified as refused:
            raise Unverified(str(refused), field=refused.field, claimed=self._claimed(request)) from None
        return self._parsed(request)

    def answer(self, text: str, heard: Heard | None, sealing: Sealing) -> Answer:
        """A slash command is answered in the body, to its sender alone; all else by a message."""
        if not text or heard is None or heard.back != "body":
            return Answer()
        return Answer(body=orjson.dumps({"response_type": "ephemeral", "text": escaped(text)}))

    def _verify(self, request: Request) -> None:
        moment, given = request.headers.get(TIMESTAMP, ""), request.headers.get(SIGNATURE, "")
        if not given:
            raise Unverified(f"{SIGNATURE}: is missing; only Slack may ask here", field=SIGNATURE)
        stamp(moment, now=request.now, tolerance_s=TOLERANCE_S, field=TIMESTAMP)
        signed = b"v0:" + moment.encode() + b":" + request.body
        made = "v0=" + hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
        if not same(given, made):
            raise Unverified(f"{SIGNATURE}: does not fit the body and the signing secret", field=SIGNATURE)

    def _claimed(self, request: Request) -> Heard | None:
        """What an unsigned request says, for the audit alone."""
        try:
            found = self._parsed(request)
        except Unreadable:
            return None
        return found if isinstance(found, Heard) else None

    def _parsed(self, request: Request) -> Heard | Handshake | None:
        if request.body.lstrip()[:1] == b"{":
            return self._event(request, document(request.body))
        form = _form(request.body)
        if "payload" in form:
            return self._pressed(request, document(form["payload"].encode(), field="payload"))
        if "command" in form:
            return self._command(request, form)
        if "ssl_check" in form:
            return None
        raise Unreadable("body: is neither an event, nor a slash command, nor a button of Slack")

    def _event(self, request: Request, found: Mapping[str, Any]) -> Heard | Handshake | None:
        if found.get("type") == "url_verification":
            challenge = text_at(found, "challenge", longest=LONGEST_TEXT)
            return Handshake(answer=orjson.dumps({"challenge": challenge}))
        event = at(found, "event")
        if found.get("type") != "event_callback" or not isinstance(event, Mapping) or _is_not_written(event):
            return None
        sender, channel, moment = (text_at(event, name) for name in ("user", "channel", "ts"))
        if not (channel and moment):
            raise Unreadable("event: has no channel or no ts", field="event")
        team = text_at(event, "user_team") or text_at(event, "team") or text_at(found, "team_id")
        return self._heard(
            request,
            sender=self._member(sender, team),
            text=_unescaped(text_at(event, "text", longest=LONGEST_TEXT)),
            event=f"message/{channel}/{moment}",  # a mention is sent as two events of one message
            direct=event.get("type") == "app_mention" or event.get("channel_type") == "im",
            back="message",
            where=channel,
            thread=text_at(event, "thread_ts") or moment,
        )

    def _command(self, request: Request, form: Mapping[str, str]) -> Heard:
        sender = self._member(text_at(form, "user_id"), text_at(form, "team_id"))
        text = _unescaped(text_at(form, "text", longest=LONGEST_TEXT))
        key = text_at(form, "trigger_id") or request.headers.get(SIGNATURE, "")
        return self._heard(request, sender=sender, text=text, event=f"command/{short(key)}")

    def _pressed(self, request: Request, found: Mapping[str, Any]) -> Heard | None:
        actions = found.get("actions")
        if found.get("type") != "block_actions" or not isinstance(actions, list):
            return None
        ours = [each for each in actions if text_at(each, "action_id") in BUTTONS]
        if not ours:
            return None
        plan = text_at(ours[0], "value")
        if not ID.fullmatch(plan):
            raise Unreadable("actions.value: is no id of a plan", field="payload")
        verdict = BUTTONS[text_at(ours[0], "action_id")]
        reason = text_at(found, "state", "values", REASON, REASON, "value", longest=LONGEST_TEXT // 2)
        key = text_at(found, "trigger_id") or text_at(ours[0], "action_ts") + plan
        team = text_at(found, "user", "team_id") or text_at(found, "team", "id")
        return self._heard(
            request,
            sender=self._member(text_at(found, "user", "id"), team),
            text=decision_text(verdict, plan, reason),
            event=f"button/{short(key)}",
            back="address",
            where=text_at(found, "response_url", longest=1000),
        )

    def _heard(self, request: Request, **what: Any) -> Heard:
        return Heard(signature=request.headers.get(SIGNATURE, ""), signed_anew=True, **what)

    def _member(self, sender: str, team: str) -> str:
        """Who sends; '' where that is a member of another workspace."""
        wanted = self._settings.workspace
        return sender if not wanted or team == wanted else ""


def escaped(text: str) -> str:
    """A text that Slack shows as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _is_not_written(event: Mapping[str, Any]) -> bool:
    """Whether it is anything but a message that a person wrote just now."""
    bot = any(event.get(name) for name in ("bot_id", "bot_profile", "edited", "hidden"))
    return (
        event.get("type") not in {"message", "app_mention"} or bot or text_at(event, "subtype") not in WRITTEN
    )


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except (UnicodeDecodeError, ValueError):
        raise Unreadable("body: is neither JSON nor a form") from None
