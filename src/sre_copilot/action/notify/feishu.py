"""Feishu and Lark: a card to a custom bot, signed where the bot asks for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from typing import Any, Self

import orjson
from pydantic import Field, model_validator

from sre_copilot.action.exchange import Answer
from sre_copilot.action.notify.http import HttpSender
from sre_copilot.action.notify.notifier import Delivered, Message
from sre_copilot.action.notify.outcomes import Codes, failed
from sre_copilot.action.notify.service import CALLING, Service, bot, called
from sre_copilot.action.notify.settings import HttpNotifierSettings, check_address
from sre_copilot.action.notify.text import cut, inert, json_octets, key_line, line, links
from sre_copilot.settings.alerting.notify import Limit
from sre_copilot.settings.secret import Secret

LARGEST = 20_000  # bytes of a body
_TEXT_BYTES = 100  # of the element around the text: 62 by count
TITLE = 200  # characters, for a phone
CODES = Codes(
    limited={11232, 11233, 230020, 99991400},
    busy={11213, 1500, 5000, 50000, 55001},  # errors of the service itself
    refused={19021, 19022, 19023},  # signature or time, address not allowed
)
_ID = re.compile(r"(?:ou|on)_[0-9A-Za-z]{5,64}|all")


class FeishuSettings(HttpNotifierSettings):
    """What Feishu can be told."""

    url: Secret
    """Address of the custom bot, `https://open.feishu.cn/open-apis/bot/v2/hook/…`."""
    secret: Secret | None = None
    """Secret of the bot's signature check."""
    mentions: list[str] = Field(default_factory=list)
    """Who is mentioned when something begins or escalates: `ou_…` ids, or `all`."""
    mention_people: bool = True
    """Also mention who is on call, by the address `feishu` of the person."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_address(self.url.get_secret_value(), key="url", allow_plaintext=self.allow_plaintext)
        if not all(_ID.fullmatch(each) for each in self.mentions):
            raise ValueError("mentions: holds what is neither an id (ou_…) nor all")
        return self


class FeishuNotifier(Service[FeishuSettings]):
    """One custom bot of one chat."""

    Settings = FeishuSettings
    limits = (Limit(messages=5, seconds=1), Limit(messages=100, seconds=60))

    def __init__(self, settings: FeishuSettings) -> None:
        self.settings = settings
        self._url = settings.url.get_secret_value()
        self._secret = settings.secret.get_secret_value() if settings.secret else ""
        self.bot = bot("feishu", self._url)
        self._http = HttpSender(settings, secrets=[self._url, *([self._secret] if self._secret else [])])

    def send(self, message: Message, *, timeout_s: float) -> Delivered:
        """Post one card."""
        signed = signature(self._secret, int(time.time())) if self._secret else {}
        body = payload(message, signed, self.settings)
        return self._http.post(self._url, body, timeout_s=timeout_s, key=message.key, judge=self._judge)

    def _judge(self, answer: Answer) -> Delivered:
        """Errors come with status 200 and a code in the body."""
        document = answer.document()
        code = document.get("code", document.get("StatusCode")) if isinstance(document, dict) else None
        said = f"code {code}: {self._http.said(answer)}"
        if code != 0 and "too many" in said.lower():
            return failed(said, retry=True, cause="rateLimited")
        return CODES.judged(code, said)

    def close(self) -> None:
        """Close connections."""
        self._http.close()


def signature(secret: str, now: int) -> dict[str, str]:
    """`timestamp` and `sign`: HMAC-SHA256 of nothing, with `timestamp\\nsecret` as the key."""
    digest = hmac.new(f"{now}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return {"timestamp": str(now), "sign": base64.b64encode(digest).decode()}


def payload(message: Message, signed: dict[str, str], settings: FeishuSettings) -> bytes:
    """The card as bytes, at most as large as the bot takes."""
    room = LARGEST - len(_bytes(message, "", signed, settings)) - _TEXT_BYTES
    text = cut(inert(message.text), limit=max(0, room), measure=json_octets, language=message.language)
    return _bytes(message, text, signed, settings)


def _bytes(message: Message, text: str, signed: dict[str, str], settings: FeishuSettings) -> bytes:
    lang = message.language
    colour = (
        "green"
        if message.state == "resolved"
        else {"critical": "red", "high": "red", "warning": "orange"}.get(message.severity, "blue")
    )
    fields = [
        {
            "is_short": len(value) < 30,
            "text": _plain(f"{line(name)}: {cut(line(value), limit=TITLE, language=lang)}"),
        }
        for name, value in message.fields
    ]
    elements: list[dict[str, Any]] = [{"tag": "div", "fields": fields}] if fields else []
    if text.strip():
        elements.append({"tag": "div", "text": _plain(text)})
    if mentioned := _mentions(message, settings):
        elements.append({"tag": "div", "text": {"tag": "lark_md", "content": mentioned}})
    if buttons := [
        {"tag": "button", "text": _plain(label[:50]), "type": "default", "url": url}
        for url, label in links(message)
    ]:
        elements.append({"tag": "action", "actions": buttons})
    elements.append({"tag": "note", "elements": [_plain(key_line(message))]})
    header = {"title": _plain(cut(line(message.title), limit=TITLE, language=lang)), "template": colour}
    card = {"config": {"wide_screen_mode": True}, "header": header, "elements": elements}
    return orjson.dumps({**signed, "msg_type": "interactive", "card": card})


def _mentions(message: Message, settings: FeishuSettings) -> str:
    if message.state not in CALLING:
        return ""
    ids = [*settings.mentions, *(called(message, "feishu", "lark") if settings.mention_people else [])]
    return "".join(f"<at id={each}></at>" for each in dict.fromkeys(ids[:50]) if _ID.fullmatch(each))


def _plain(text: str) -> dict[str, str]:
    return {"tag": "plain_text", "content": text or " "}
