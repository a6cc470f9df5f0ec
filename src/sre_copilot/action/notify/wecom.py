"""WeCom: plain text to a group robot."""

from __future__ import annotations

import re
from typing import Any, Self

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

LARGEST = 2048  # bytes of a text
CODES = Codes(
    limited={45009, 45033},
    silent_s=60.0,  # its limits are those of a minute
    busy={-1, 6000},
    refused={93000, 40001, 40014, 42001, 41001},  # no such robot, or its key
)
_ID = re.compile(r"@all|[\w.@-]{1,64}")


class WeComSettings(HttpNotifierSettings):
    """What WeCom can be told."""

    url: Secret
    """Address of the robot, `https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…`."""
    mentioned_list: list[str] = Field(default_factory=list)
    """User ids of those who are mentioned when something begins or escalates; `@all` for everybody."""
    mention_people: bool = True
    """Also mention who is on call, by the address `wecom` of the person."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_address(self.url.get_secret_value(), key="url", allow_plaintext=self.allow_plaintext)
        if not all(_ID.fullmatch(each) for each in self.mentioned_list):
            raise ValueError("mentioned_list: holds what is neither a user id nor @all")
        return self


class WeComNotifier(Service[WeComSettings]):
    """One robot of one group."""

    Settings = WeComSettings
    limits = (Limit(messages=20, seconds=60),)

    def __init__(self, settings: WeComSettings) -> None:
        self.settings = settings
        self._url = settings.url.get_secret_value()
        self.bot = bot("wecom", self._url)
        self._http = HttpSender(settings, secrets=[self._url])

    def send(self, message: Message, *, timeout_s: float) -> Delivered:
        """Post one text."""
        body = orjson.dumps(payload(message, self.settings))
        return self._http.post(self._url, body, timeout_s=timeout_s, key=message.key, judge=self._judge)

    def _judge(self, answer: Answer) -> Delivered:
        """Errors come with status 200 and a code in the body."""
        document = answer.document()
        code = document.get("errcode") if isinstance(document, dict) else None
        return CODES.judged(code, f"errcode {code}: {self._http.said(answer)}")

    def close(self) -> None:
        """Close connections."""
        self._http.close()


def payload(message: Message, settings: WeComSettings) -> dict[str, Any]:
    """A text of at most 2048 bytes; who is mentioned stands beside it."""
    text: dict[str, Any] = {"content": plain(message, limit=LARGEST, measure=octets)}
    if message.state in CALLING:
        people = called(message, "wecom") if settings.mention_people else []
        ids = [each for each in [*settings.mentioned_list, *people] if _ID.fullmatch(each)]
        text["mentioned_list"] = list(dict.fromkeys(ids))[:50]
    return {"msgtype": "text", "text": text}
