"""DingTalk: plain text to a custom robot, signed where the robot asks for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from typing import Any, Self

import httpx
import orjson
from pydantic import Field, model_validator

from sre_copilot.action.exchange import Answer
from sre_copilot.action.notify.http import HttpSender
from sre_copilot.action.notify.notifier import Delivered, Message
from sre_copilot.action.notify.outcomes import Codes
from sre_copilot.action.notify.service import CALLING, Service, bot, called
from sre_copilot.action.notify.settings import HttpNotifierSettings, check_address
from sre_copilot.action.notify.text import octets, plain
from sre_copilot.settings.alerting.notify import Limit
from sre_copilot.settings.secret import Secret

LARGEST = 19_000  # bytes of the text: a body may have 20,000
CODES = Codes(
    limited={130101, 130102, 90018, 90030, 410100},
    silent_s=600.0,  # a robot that sent too much is silent for ten minutes
    busy={-1, 50000, 88},
    # sign, keyword or address; token; robot switched off
    refused={310000, 300001, 300005, 400101, 400102, 400105, 40014},
)
_MOBILE = re.compile(r"\+?[0-9-]{6,20}")


class DingTalkSettings(HttpNotifierSettings):
    """What DingTalk can be told."""

    url: Secret
    """Address of the robot, `https://oapi.dingtalk.com/robot/send?access_token=…`."""
    secret: Secret | None = None
    """Secret of the robot's signature (`SEC…`)."""
    keyword: str = ""
    """Word that the robot asks for in every message."""
    at_mobiles: list[str] = Field(default_factory=list)
    """Telephone numbers of those who are mentioned when something begins or escalates."""
    mention_people: bool = True
    """Also mention who is on call, by the address `dingtalk` or `phone` of the person."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_address(self.url.get_secret_value(), key="url", allow_plaintext=self.allow_plaintext)
        if not all(_MOBILE.fullmatch(each) for each in self.at_mobiles):
            raise ValueError("at_mobiles: holds what is no telephone number")
        return self


class DingTalkNotifier(Service[DingTalkSettings]):
    """One robot of one group."""

    Settings = DingTalkSettings
    limits = (Limit(messages=20, seconds=60),)

    def __init__(self, settings: DingTalkSettings) -> None:
        self.settings = settings
        self._url = settings.url.get_secret_value()
        self._secret = settings.secret.get_secret_value() if settings.secret else ""
        self.bot = bot("dingtalk", self._url)
        self._http = HttpSender(settings, secrets=[self._url, *([self._secret] if self._secret else [])])

    def send(self, message: Message, *, timeout_s: float) -> Delivered:
        """Post one text."""
        url = httpx.URL(self._url)
        if self._secret:
            url = url.copy_merge_params(signature(self._secret, round(time.time() * 1000)))
        body = orjson.dumps(payload(message, self.settings))
        return self._http.post(str(url), body, timeout_s=timeout_s, key=message.key, judge=self._judge)

    def _judge(self, answer: Answer) -> Delivered:
        """Errors come with status 200 and a code in the body."""
        document = answer.document()
        code = document.get("errcode") if isinstance(document, dict) else None
        return CODES.judged(code, f"errcode {code}: {self._http.said(answer)}")

    def close(self) -> None:
        """Close connections."""
        self._http.close()


def signature(secret: str, now_ms: int) -> dict[str, str]:
    """`timestamp` and `sign`: HMAC-SHA256 of `timestamp\\nsecret` with the secret as the key."""
    digest = hmac.new(secret.encode(), f"{now_ms}\n{secret}".encode(), hashlib.sha256).digest()
    return {"timestamp": str(now_ms), "sign": base64.b64encode(digest).decode()}


def payload(message: Message, settings: DingTalkSettings) -> dict[str, Any]:
    """A text; who is to be mentioned stands in `at`, and as `@number` at its end."""
    mobiles: list[str] = []
    if message.state in CALLING:
        people = called(message, "dingtalk", "phone") if settings.mention_people else []
        mobiles = list(
            dict.fromkeys(each for each in [*settings.at_mobiles, *people] if _MOBILE.fullmatch(each))
        )[:50]
    tail = "".join(f" @{each}" for each in mobiles)
    head = f"{settings.keyword} " if settings.keyword else ""
    room = LARGEST - octets(head) - octets(tail) - octets(tail)
    text = head + plain(message, limit=room, measure=octets) + (f"\n{tail.strip()}" if tail else "")
    return {"msgtype": "text", "text": {"content": text}, "at": {"atMobiles": mobiles, "isAtAll": False}}
