"""The webhook: the body of Alertmanager, with our fields."""

from __future__ import annotations

import hashlib
import hmac
import re
from contextlib import AbstractContextManager
from typing import Any

from tests.unit.action.notify.bench import SIGNING, made

from sre_copilot.action.notify.service import Service
from sre_copilot.testing.notifier_contract import KEY, SECRET, NotifierContract, a_message
from sre_copilot.testing.receivers import ReceiverLog, http_receiver


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
