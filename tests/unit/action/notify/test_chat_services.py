"""Slack and Teams against receivers that speak their dialects."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.action.notify.bench import ACTIVE, made

from sre_copilot.action.notify.service import Service
from sre_copilot.errors import SettingsError
from sre_copilot.testing.notifier_contract import SECRET, NotifierContract, a_message
from sre_copilot.testing.receivers import Received, ReceiverLog, http_receiver


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

    def test_a_request_has_buttons_where_they_are_received_and_nowhere_else(self, at: ReceiverLog) -> None:
        plan = {"recommendation": {"plan_id": "PLAN-20260206143022"}}
        asked = a_message(state="approval", data={**plan, "reply": ["slack"]}, language="zh")
        for message in (asked, a_message(state="approval", data=plan), replace(asked, state="updated")):
            self.notifier(at).send(message, timeout_s=5)
        first, *others = (each.document["blocks"] for each in at.all)
        (actions,) = (each for each in first if each["type"] == "actions")
        assert [(each["action_id"], each["value"], each["text"]["text"]) for each in actions["elements"]] == [
            ("sre_copilot_approve", "PLAN-20260206143022", "批准"),
            ("sre_copilot_reject", "PLAN-20260206143022", "拒绝"),
        ]
        (field,) = (each for each in first if each["type"] == "input")
        assert (field["block_id"], field["optional"]) == ("sre_copilot_reason", True)
        assert not [each for blocks in others for each in blocks if each["type"] in {"actions", "input"}]

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
