"""Feishu, DingTalk and WeCom against receivers that speak their dialects."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from contextlib import AbstractContextManager
from typing import Any

import pytest
from tests.unit.action.notify.bench import ACTIVE, SIGNING, made

from sre_copilot.action.notify.service import Service
from sre_copilot.testing.notifier_contract import SECRET, NotifierContract
from sre_copilot.testing.receivers import Received, ReceiverLog, http_receiver


class TestFeishu(NotifierContract):
    most = 20_000

    def receiver(self) -> AbstractContextManager[ReceiverLog]:
        return http_receiver("feishu")

    def notifier(self, receiver: ReceiverLog) -> Service[Any]:
        return made(
            "feishu",
            url=f"{receiver.url}/open-apis/bot/v2/hook/{SECRET}",
            secret=SIGNING,
            mentions=["ou_abcdef"],
        )

    def not_ours(self, received: Received) -> str:
        card = received.document["card"]
        marked = [
            each["text"]["content"]
            for each in card["elements"]
            if each.get("text", {}).get("tag") == "lark_md"
        ]
        assert marked == ["<at id=ou_abcdef></at>"]
        return " ".join(ACTIVE.findall(json.dumps(card, ensure_ascii=False)))

    def test_it_is_signed_as_the_bot_asks(self, at: ReceiverLog) -> None:
        self.send(at)
        body = at.all[0].document
        digest = hmac.new(f"{body['timestamp']}\n{SIGNING}".encode(), b"", hashlib.sha256).digest()
        assert body["sign"] == base64.b64encode(digest).decode()
        assert body["msg_type"] == "interactive"

    @pytest.mark.parametrize(
        ("code", "retry", "cause"),
        [
            (11232, True, "rateLimited"),
            (19021, False, "authError"),
            (19001, False, "clientError"),
            (11213, True, "serverError"),
        ],
    )
    def test_an_error_with_status_200_is_an_error(
        self, at: ReceiverLog, code: int, retry: bool, cause: str
    ) -> None:
        at.misbehave("body", document={"code": code, "msg": "no"})
        found = self.send(at)
        assert (found.ok, found.retry, found.cause) == (False, retry, cause)


class TestDingTalk(NotifierContract):
    most = 20_000

    def receiver(self) -> AbstractContextManager[ReceiverLog]:
        return http_receiver("dingtalk")

    def notifier(self, receiver: ReceiverLog) -> Service[Any]:
        return made(
            "dingtalk",
            url=f"{receiver.url}/robot/send?access_token={SECRET}",
            secret=SIGNING,
            at_mobiles=["13800000000"],
        )

    def not_ours(self, received: Received) -> str:
        assert received.document["at"] == {"atMobiles": ["13800000000"], "isAtAll": False}
        return " ".join(
            each for each in ACTIVE.findall(received.document["text"]["content"]) if each != "@13800000000"
        )

    def test_it_is_signed_as_the_robot_asks(self, at: ReceiverLog) -> None:
        self.send(at)
        query = at.all[0].query
        digest = hmac.new(
            SIGNING.encode(), f"{query['timestamp']}\n{SIGNING}".encode(), hashlib.sha256
        ).digest()
        assert query["sign"] == base64.b64encode(digest).decode()
        assert query["access_token"] == SECRET
        assert at.all[0].document["text"]["content"].endswith("@13800000000")

    @pytest.mark.parametrize(
        ("code", "retry", "cause"),
        [
            (130101, True, "rateLimited"),
            (310000, False, "authError"),
            (-1, True, "serverError"),
            (400013, False, "clientError"),
        ],
    )
    def test_an_error_with_status_200_is_an_error(
        self, at: ReceiverLog, code: int, retry: bool, cause: str
    ) -> None:
        at.misbehave("body", document={"errcode": code, "errmsg": "no"})
        found = self.send(at)
        assert (found.ok, found.retry, found.cause) == (False, retry, cause)
        assert found.retry_after_s == (600 if code == 130101 else None)


class TestWeCom(NotifierContract):
    most = 2048

    def receiver(self) -> AbstractContextManager[ReceiverLog]:
        return http_receiver("wecom")

    def notifier(self, receiver: ReceiverLog) -> Service[Any]:
        return made(
            "wecom", url=f"{receiver.url}/cgi-bin/webhook/send?key={SECRET}", mentioned_list=["zhangsan"]
        )

    def measured(self, received: Received) -> int:
        return len(received.document["text"]["content"].encode())

    def not_ours(self, received: Received) -> str:
        assert received.document["text"]["mentioned_list"] == ["zhangsan"]
        return " ".join(ACTIVE.findall(received.document["text"]["content"]))

    @pytest.mark.parametrize(
        ("code", "retry", "cause"),
        [(45009, True, "rateLimited"), (93000, False, "authError"), (-1, True, "serverError")],
    )
    def test_an_error_with_status_200_is_an_error(
        self, at: ReceiverLog, code: int, retry: bool, cause: str
    ) -> None:
        at.misbehave("body", document={"errcode": code, "errmsg": "no"})
        found = self.send(at)
        assert (found.ok, found.retry, found.cause) == (False, retry, cause)
