"""Slack: an incoming webhook, or `chat.postMessage` of a bot, which alone can answer in a thread."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Self

import orjson
from pydantic import Field, model_validator

from sre_copilot.action.exchange import Answer
from sre_copilot.action.notify.http import HttpSender, accepted
from sre_copilot.action.notify.notifier import Delivered, Message
from sre_copilot.action.notify.outcomes import failed, retry_after
from sre_copilot.action.notify.service import CALLING, Service, bot, called
from sre_copilot.action.notify.settings import HttpNotifierSettings, check_address
from sre_copilot.action.notify.text import cut, inert, key_line, line, links
from sre_copilot.settings.alerting.notify import SLACK_URL, Limit
from sre_copilot.settings.secret import Secret

HEADER = 150  # characters of a header block
BLOCK = 3000  # characters of the text of a section block
FIELDS, FIELD = 10, 2000  # fields of a section block, characters of one
BUTTONS = {"en": ("Approve", "Reject", "Reason of a rejection"), "zh": ("批准", "拒绝", "拒绝原因")}
_MENTION = re.compile(r"here|channel|everyone|[UW][A-Z0-9]{5,20}|S[A-Z0-9]{5,20}")
_AUTH = {
    "invalid_auth",
    "not_authed",
    "token_revoked",
    "token_expired",
    "account_inactive",
    "missing_scope",
    "no_permission",
    "access_denied",
}
_TRANSIENT = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
_LIMITED = {"ratelimited", "rate_limited", "message_limit_exceeded"}


class SlackSettings(HttpNotifierSettings):
    """What Slack can be told: `api_url` alone, or `bot_token` and `channel`."""

    api_url: Secret | None = None
    """Address of an incoming webhook; default: the variable `SLACK_WEBHOOK_URL`."""
    bot_token: Secret | None = None
    """Token of a bot (`xoxb-…`) with the scope `chat:write`: updates of an incident then stand in one thread."""
    channel: str = ""
    """Channel of the bot, by its id or name."""
    base_url: str = "https://slack.com/api"
    """Address of the Web API; another one only for a gateway of your own."""
    mentions: list[str] = Field(default_factory=list)
    """Who is mentioned when something begins or escalates: `here`, `channel`, ids of users (`U…`) or user groups (`S…`)."""
    mention_people: bool = True
    """Also mention who is on call, by the address `slack` of the person."""

    @model_validator(mode="before")
    @classmethod
    def _variable(cls, data: Any) -> Any:
        if (
            isinstance(data, Mapping)
            and not (data.get("api_url") or data.get("bot_token"))
            and os.environ.get(SLACK_URL)
        ):
            return {**data, "api_url": os.environ[SLACK_URL]}
        return data

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.bot_token is None and self.api_url is None:
            raise ValueError(f"api_url: is missing; give it, set {SLACK_URL}, or give bot_token and channel")
        if self.bot_token and not self.channel:
            raise ValueError("channel: is missing; a bot posts to a channel")
        url = self.base_url if self.bot_token or self.api_url is None else self.api_url.get_secret_value()
        key = "base_url" if self.bot_token else "api_url"
        check_address(url, key=key, allow_plaintext=self.allow_plaintext)
        for each in self.mentions:
            if not _MENTION.fullmatch(each):
                raise ValueError(
                    "mentions: holds what is neither here, channel, everyone nor an id (U…, W…, S…)"
                )
        return self


class SlackNotifier(Service[SlackSettings]):
    """One webhook, or one channel of a bot."""

    Settings = SlackSettings
    limits = (Limit(messages=1, seconds=1),)

    def __init__(self, settings: SlackSettings) -> None:
        self.settings = settings
        self._token = settings.bot_token.get_secret_value() if settings.bot_token else ""
        webhook = settings.api_url.get_secret_value() if settings.api_url else ""
        self._url = f"{settings.base_url.rstrip('/')}/chat.postMessage" if self._token else webhook
        self.bot = bot("slack", self._url, self._token, settings.channel)
        secret = self._token or self._url
        self._http = HttpSender(settings, secrets=[secret])

    def send(self, message: Message, *, timeout_s: float) -> Delivered:
        """Post one message; with a bot, the reference is its `ts`."""
        document = payload(message, self.settings)
        headers = {"content-type": "application/json; charset=utf-8"}
        if self._token:
            document |= {"channel": self.settings.channel}
            headers["authorization"] = f"Bearer {self._token}"
            if message.thread:
                document["thread_ts"] = message.thread
        judge = self._judge if self._token else accepted
        return self._http.post(
            self._url,
            orjson.dumps(document),
            timeout_s=timeout_s,
            key=message.key,
            headers=headers,
            judge=judge,
        )

    def _judge(self, answer: Answer) -> Delivered:
        """The Web API says with status 200 that it failed."""
        document = answer.document()
        if not isinstance(document, dict) or "ok" not in document:
            return failed(
                f"answered what is none of Slack's: {self._http.said(answer)}",
                retry=True,
                cause="serverError",
            )
        if document["ok"] is True:
            return Delivered(ok=True, reference=str(document.get("ts", "")))
        error = self._http.clean(str(document.get("error", "")))[:100]
        if error in _LIMITED:
            return failed(error, retry=True, cause="rateLimited", after_s=retry_after(answer.headers))
        if error in _TRANSIENT:
            return failed(error, retry=True, cause="serverError")
        return failed(error or "refused", retry=False, cause="authError" if error in _AUTH else "clientError")

    def close(self) -> None:
        """Close connections."""
        self._http.close()


def payload(message: Message, settings: SlackSettings) -> dict[str, Any]:
    """Blocks of plain text; only links and mentions of ours are Slack's markup."""
    lang = message.language
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(cut(line(message.title), limit=HEADER, language=lang))}
    ]
    fields = [
        _plain(cut(f"{line(name)}: {line(value)}", limit=FIELD, language=lang))
        for name, value in message.fields[:FIELDS]
    ]
    if fields:
        blocks.append({"type": "section", "fields": fields})
    if text := inert(message.text).strip():
        blocks.append({"type": "section", "text": _plain(cut(text, limit=BLOCK, language=lang))})
    if ours := " · ".join(f"<{_escape(url)}|{_escape(label[:100])}>" for url, label in links(message)):
        blocks.append(
            {
                "type": "section",
                "text": {
                    "type": "mrkdwn",
                    "text": ours[:BLOCK] if len(ours) <= BLOCK else _escape(line(message.title)),
                },
            }
        )
    blocks += _buttons(message)
    if mentioned := _mentions(message, settings):
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": mentioned}})
    blocks.append({"type": "context", "elements": [_plain(key_line(message)[:BLOCK])]})
    fallback = _escape(cut(line(message.title), limit=BLOCK, language=lang))
    return {
        "text": fallback,
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
        "link_names": False,
        "parse": "none",
    }


def _buttons(message: Message) -> list[dict[str, Any]]:
    """How to decide on the plan that is asked for, where the app's buttons are taken; a rejection takes its reason from the field above."""
    plan = (message.data.get("recommendation") or {}).get("plan_id")
    if message.state != "approval" or not plan or "slack" not in (message.data.get("reply") or ()):
        return []
    approve, reject, reason = BUTTONS[message.language]
    field = {"type": "plain_text_input", "action_id": "sre_copilot_reason", "max_length": 1000}
    return [
        {"type": "input", "block_id": "sre_copilot_reason", "optional": True, "element": field, "label": _plain(reason)},
        {
            "type": "actions",
            "elements": [
                {"type": "button", "action_id": "sre_copilot_approve", "style": "primary", "text": _plain(approve), "value": str(plan)},
                {"type": "button", "action_id": "sre_copilot_reject", "style": "danger", "text": _plain(reject), "value": str(plan)},
            ],
        },
    ]  # fmt: skip


def _mentions(message: Message, settings: SlackSettings) -> str:
    if message.state not in CALLING:
        return ""
    ids = [*settings.mentions, *(called(message, "slack") if settings.mention_people else [])]
    return " ".join(dict.fromkeys(_mention(each) for each in ids if _MENTION.fullmatch(each)))[:BLOCK]


def _mention(who: str) -> str:
    if who in ("here", "channel", "everyone"):
        return f"<!{who}>"
    return f"<!subteam^{who}>" if who.startswith("S") else f"<@{who}>"


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text or " ", "emoji": False}


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "¦")
