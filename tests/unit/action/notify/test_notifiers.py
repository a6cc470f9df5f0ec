"""Every registered notifier against a receiver that speaks its platform's dialect."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import quote

import pytest

from sre_copilot.action.notify.registry import GROUP, open_notifier
from sre_copilot.action.notify.service import Service
from sre_copilot.errors import SettingsError
from sre_copilot.plugins import registered
from sre_copilot.testing.notifier_contract import KEY, SECRET, NotifierContract, a_message
from sre_copilot.testing.receivers import Received, ReceiverLog, http_receiver

SIGNING = "a signing secret"
ACTIVE = re.compile(r"(?<![\w.])@\w+|https?://\S+|www\.\S+")  # what a client makes a mention or a link of


def made(kind: str, **settings: Any) -> Service[Any]:
    return open_notifier({"type": kind, **settings}, place="test")


class TestWebhook(NotifierContract):
    def receiver(self) -> AbstractContextManager[ReceiverLog]:
        return http_receiver("webhook")

    def notifier(self, receiver: ReceiverLog) -> Service[Any]:
        return made(
            "webhook",
            url=f"{receiver.url}/{SECRET}",
            hmac_secret=SIGNING,
            bearer_token=f"{SECRET}-2",
        )

    def test_the_body_is_that_of_alertmanager_with_our_fields(self, at: ReceiverLog) -> None:
        self.send(at)
        body = at.all[0].document
        wanted = {
            "version",
            "groupKey",
            "truncatedAlerts",
            "receiver",
            "status",
            "alerts",
            "groupLabels",
            "commonLabels",
            "commonAnnotations",
            "externalURL",
        }
        assert wanted <= set(body)
        assert (body["version"], body["status"], body["groupKey"]) == ("4", "firing", "INC-1")
        (alert,) = body["alerts"]
        assert {
            "status",
            "labels",
            "annotations",
            "startsAt",
            "endsAt",
            "generatorURL",
            "fingerprint",
        } == set(alert)
        assert alert["labels"]["alertname"] == "Latency"
        assert (alert["startsAt"], alert["endsAt"]) == ("2026-02-06T14:30:22Z", "0001-01-01T00:00:00Z")
        assert body["incident"]["id"] == "INC-1"
        assert body["key"] == KEY

    def test_a_signature_covers_time_and_body(self, at: ReceiverLog) -> None:
        self.send(at)
        got = at.all[0]
        moment, signature = re.fullmatch(
            r"t=(\d+),v1=([0-9a-f]{64})", got.headers["x-sre-copilot-signature"]
        ).groups()  # type: ignore[union-attr]
        assert (
            signature
            == hmac.new(SIGNING.encode(), f"{moment}.".encode() + got.body, hashlib.sha256).hexdigest()
        )
        assert got.headers["idempotency-key"] == KEY

    def test_alerts_that_are_left_out_are_counted(self, at: ReceiverLog) -> None:
        data = {**a_message().data, "alert_count": 25}
        self.send(at, a_message(data=data))
        assert at.all[0].document["truncatedAlerts"] == 24


class TestSlack(NotifierContract):
    most = 3000

    def receiver(self) -> AbstractContextManager[ReceiverLog]:
        return http_receiver("slack")

    def notifier(self, receiver: ReceiverLog) -> Service[Any]:
        return made("slack", api_url=f"{receiver.url}/services/T/B/{SECRET}", mentions=["here"])

    def measured(self, received: Received) -> int:
        return max(len(block["text"]["text"]) for block in received.document["blocks"] if "text" in block)

    def not_ours(self, received: Received) -> str:
        document = received.document
        marked = [b["text"]["text"] for b in document["blocks"] if b.get("text", {}).get("type") == "mrkdwn"]
        assert marked[-1] == "<!here>"
        return "\n".join([*marked[:-1], document["text"]]).replace(
            "](", ""
        )  # a link in Markdown, none in Slack

    def test_a_bot_answers_in_the_thread_of_the_first_message(self, at: ReceiverLog) -> None:
        bot = made("slack", base_url=f"{at.url}/api", bot_token=SECRET, channel="C1")
        first = bot.send(a_message(), timeout_s=5)
        assert first.reference == "1700000000.000001"
        bot.send(a_message(state="resolved", thread=first.reference), timeout_s=5)
        assert "thread_ts" not in at.all[0].document
        assert at.all[1].document["thread_ts"] == first.reference
        assert at.all[1].document["channel"] == "C1"

    @pytest.mark.parametrize(
        ("error", "retry", "cause"),
        [
            ("ratelimited", True, "rateLimited"),
            ("internal_error", True, "serverError"),
            ("invalid_auth", False, "authError"),
            ("channel_not_found", False, "clientError"),
        ],
    )
    def test_an_error_with_status_200_is_an_error(
        self, at: ReceiverLog, error: str, retry: bool, cause: str
    ) -> None:
        at.misbehave("body", document={"ok": False, "error": error}, headers={"retry-after": "7"})
        found = made("slack", base_url=at.url, bot_token=SECRET, channel="C1").send(a_message(), timeout_s=5)
        assert (found.ok, found.retry, found.cause) == (False, retry, cause)
        assert found.retry_after_s == (7 if error == "ratelimited" else None)

    def test_people_are_mentioned_when_it_begins_and_not_when_it_ends(self, at: ReceiverLog) -> None:
        people = (
            {"name": "Ada", "addresses": {"slack": "U0123456789"}},
            {"name": "Bo", "addresses": {"slack": "<!channel>"}},
        )
        self.send(at, a_message(people=people))
        self.send(at, a_message(state="resolved", people=people))
        texts = [
            [b["text"]["text"] for b in each.document["blocks"] if b.get("text", {}).get("type") == "mrkdwn"]
            for each in at.all
        ]
        assert texts[0][-1] == "<!here> <@U0123456789>"
        assert all("U0123456789" not in each for each in texts[1])

    def test_the_variable_is_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(SettingsError, match="SLACK_WEBHOOK_URL"):
            made("slack")
        monkeypatch.setenv("SLACK_WEBHOOK_URL", "https://hooks.slack.example/x")
        assert made("slack").settings.api_url.get_secret_value() == "https://hooks.slack.example/x"


class TestPagerDuty(NotifierContract):
    most = 512_000

    def receiver(self) -> AbstractContextManager[ReceiverLog]:
        return http_receiver("pagerduty")

    def notifier(self, receiver: ReceiverLog) -> Service[Any]:
        return made("pagerduty", url=f"{receiver.url}/v2/enqueue", routing_key=SECRET)

    def test_a_message_arrives_with_title_text_and_fields(self, at: ReceiverLog) -> None:
        super().test_a_message_arrives_with_title_text_and_fields(at)
        event = at.all[0].document
        assert event["event_action"] == "trigger"
        assert event["payload"]["severity"] == "critical"
        assert event["payload"]["timestamp"] == "2026-02-06T14:30:22Z"
        assert {"summary", "source", "severity", "component", "custom_details"} <= set(event["payload"])
        assert event["links"] == [{"href": "https://sre.example/incidents/INC-1", "text": "Incident"}]

    def test_all_messages_of_a_group_are_one_alert_there(self, at: ReceiverLog) -> None:
        self.send(at)
        self.send(at, a_message(state="updated", data={"status": "acknowledged"}))
        self.send(at, a_message(state="resolved"))
        events = [each.document for each in at.all]
        assert [each["event_action"] for each in events] == ["trigger", "acknowledge", "resolve"]
        assert {each["dedup_key"] for each in events} == {"INC-1"}

    def test_a_long_group_has_a_key_that_fits(self, at: ReceiverLog) -> None:
        found = self.send(at, a_message(group="g" * 400))
        assert len(found.reference) <= 255

    def test_the_variable_is_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PAGERDUTY_API_KEY", "from the environment")
        assert made("pagerduty").settings.routing_key.get_secret_value() == "from the environment"


class TestTeams(NotifierContract):
    most = 28_000

    def receiver(self) -> AbstractContextManager[ReceiverLog]:
        return http_receiver("teams")

    def notifier(self, receiver: ReceiverLog) -> Service[Any]:
        return made("teams", url=f"{receiver.url}/workflows/x?sig={SECRET}")

    def not_ours(self, received: Received) -> str:
        card = received.document["attachments"][0]["content"]
        assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
        return " ".join(
            ACTIVE.findall(json.dumps(card["body"], ensure_ascii=False))
            + [each["url"] for each in card["actions"]]
        )

    def test_an_error_with_status_200_is_an_error(self, at: ReceiverLog) -> None:
        at.misbehave(
            "body", document="Webhook message delivery failed with error: endpoint returned HTTP error 429"
        )
        found = self.send(at)
        assert (found.ok, found.retry, found.cause) == (False, True, "rateLimited")


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


class TestApprise(NotifierContract):
    most = 32_768

    def receiver(self) -> AbstractContextManager[ReceiverLog]:
        return http_receiver("json")

    def notifier(self, receiver: ReceiverLog) -> Service[Any]:
        return made("apprise", url=f"{receiver.url.replace('http', 'json')}/{SECRET}")

    def measured(self, received: Received) -> int:
        return len(received.document["message"])

    def not_ours(self, received: Received) -> str:
        return " ".join(ACTIVE.findall(received.document["message"] + received.document["title"]))


class TestSms(TestApprise):
    def notifier(self, receiver: ReceiverLog) -> Service[Any]:
        return made(
            "sms",
            url=f"{receiver.url.replace('http', 'json')}/{SECRET}/{{to}}",
            to=["+15555550100", "+15555550101"],
        )

    def test_each_number_is_told_by_itself(self, at: ReceiverLog) -> None:
        with self.opened(at) as notifier:
            assert notifier.addressees == ("+15555550100", "+15555550101")
            for number in notifier.addressees:
                assert notifier.send(a_message(to=number, key=f"k/{number}"), timeout_s=5).ok
        assert at.total == 2

    def test_people_are_told_at_their_number(self, at: ReceiverLog) -> None:
        url = f"{at.url.replace('http', 'json')}/{{to}}"
        notifier = made("sms", url=url, to_people=True)
        assert notifier.address_of({"addresses": {"phone": "+49151"}}) == "+49151"
        assert notifier.address_of({"addresses": {}}) == ""


TESTED = {"webhook", "slack", "pagerduty", "teams", "feishu", "dingtalk", "wecom", "apprise", "sms", "email"}


def test_every_registered_notifier_is_held_to_the_contract() -> None:
    assert {
        plugin.name for plugin in registered(GROUP) if plugin.distribution.startswith("sre-copilot")
    } == TESTED


def test_an_unknown_service_is_named_with_its_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean slack"):
        made("slak")


@pytest.mark.parametrize("kind", ["webhook", "teams", "feishu", "dingtalk", "wecom"])
def test_secrets_do_not_travel_in_clear_to_other_machines(kind: str) -> None:
    with pytest.raises(SettingsError, match="clear") as caught:
        made(kind, url=f"http://chat.example/{SECRET}")
    assert SECRET not in str(caught.value)


def test_a_proxy_is_used_and_the_environment_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with http_receiver("webhook") as proxy:
        direct = made("webhook", url=f"{proxy.url}/x")
        assert direct.send(a_message(), timeout_s=5).ok
        through = made("webhook", url="http://127.0.0.1:9/x", proxy=proxy.url)
        assert through.send(a_message(), timeout_s=5).ok
    assert proxy.total == 2


def test_a_key_that_no_header_can_carry_is_written_so_that_it_can() -> None:
    with http_receiver("webhook") as receiver:
        assert made("webhook", url=receiver.url).send(a_message(key="事件/1\n"), timeout_s=5).ok
        assert receiver.all[0].headers["idempotency-key"] == "\\u4e8b\\u4ef6/1\\n"


def test_a_number_in_an_address_of_apprise_is_quoted() -> None:
    with http_receiver("json") as receiver:
        notifier = made("sms", url=f"{receiver.url.replace('http', 'json')}/{{to}}", to=["+1 555/../x"])
        assert notifier.send(a_message(to="+1 555/../x"), timeout_s=5).ok
        assert quote("+1 555/../x") != "+1 555/../x"
        assert receiver.total == 1
