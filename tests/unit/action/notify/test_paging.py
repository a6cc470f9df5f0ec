"""PagerDuty, SMS and the services of apprise against receivers that speak their dialects."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pytest
from tests.unit.action.notify.bench import ACTIVE, made

from sre_copilot.action.notify.service import Service
from sre_copilot.testing.notifier_contract import SECRET, NotifierContract, a_message
from sre_copilot.testing.receivers import Received, ReceiverLog, http_receiver


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
