"""What every notifier must keep to.

A test of a notifier derives from `NotifierContract` and brings a receiver that speaks the platform's dialect (`testing.receivers`).
"""

# ruff: noqa: S101 (a suite of tests, shipped)

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from sre_copilot.action.notify.notifier import Delivered, Message
from sre_copilot.action.notify.service import Service
from sre_copilot.testing.receivers import MailLog, Received, ReceiverLog, free_port

SECRET = "s3cr3t-0f-the-contract"  # noqa: S105 - it guards nothing
KEY = "INC-1/payments/firing/1/target"
HOSTILE = "<!channel> @all @everyone <b>bold</b> <script>x</script> [here](https://evil.example/a) https://evil.example/b www.evil.example <@U12345678> *x* <at id=all></at> \u202e"


def a_message(**changed: Any) -> Message:
    """A message as the delivery makes it."""
    usual = Message(
        key=KEY,
        group="INC-1",
        state="firing",
        severity="critical",
        title="[Firing, critical] latency of payment",
        text="Since 2026-02-06 14:30:22 UTC\nNo cause found yet.",
        fields=(("Severity", "critical"), ("Service", "payment")),
        links=(("https://sre.example/incidents/INC-1", "Incident"),),
        data={
            "incident_id": "INC-1",
            "status": "firing",
            "severity": "critical",
            "service": "payment",
            "started_at": 1770388222.0,
            "alert_count": 1,
            "alerts": [
                {"name": "Latency", "severity": "critical", "service": "payment", "starts_at": 1770388222.0}
            ],
            "labels": {"service": "payment"},
        },
    )
    return replace(usual, **changed)


class NotifierContract:
    """Derive a test class from it."""

    speaks_http = True
    most = 0
    """Bytes or characters that the platform takes of one message; 0: no limit is known."""

    def receiver(self) -> AbstractContextManager[ReceiverLog]:
        """Start a receiver."""
        raise NotImplementedError

    def notifier(self, receiver: ReceiverLog) -> Service[Any]:
        """A notifier for it, that holds `SECRET` in its address or credential."""
        raise NotImplementedError

    def measured(self, received: Received) -> int:
        """What `most` counts."""
        return len(received.body)

    def shown(self, received: Received) -> str:
        """All that people or programs get of a message."""
        try:
            return "\n".join(_texts(json.loads(received.body)))
        except ValueError:
            return received.body.decode("utf-8", "replace")

    def not_ours(self, received: Received) -> str:
        """What of it the platform would read as markup."""
        return ""

    @pytest.fixture
    def at(self) -> Iterator[ReceiverLog]:
        """A receiver."""
        with self.receiver() as receiver:
            yield receiver

    @contextmanager
    def opened(self, receiver: ReceiverLog) -> Iterator[Service[Any]]:
        """A notifier that is closed afterwards."""
        notifier = self.notifier(receiver)
        try:
            yield notifier
        finally:
            notifier.close()

    def send(
        self, receiver: ReceiverLog, message: Message | None = None, *, timeout_s: float = 5.0
    ) -> Delivered:
        """Send one message."""
        with self.opened(receiver) as notifier:
            return notifier.send(message or a_message(), timeout_s=timeout_s)

    def test_a_message_arrives_with_title_text_and_fields(self, at: ReceiverLog) -> None:
        """Whoever gets it knows what happens."""
        found = self.send(at)
        assert found.ok, found
        assert not found.retry
        shown = self.shown(at.all[0])
        for part in ("latency of payment", "No cause found yet", "payment"):
            assert part in shown

    def test_each_message_carries_its_key(self, at: ReceiverLog) -> None:
        """So that a repetition can be dropped, and it is the same however often it is sent."""
        self.send(at)
        self.send(at)
        self.send(at, a_message(key="INC-1/payments/updated/2/target"))
        assert (at.total, at.kept, at.repeated) == (3, 2, 1)
        assert KEY in self.shown(at.all[0])

    def test_the_end_is_told_as_the_end(self, at: ReceiverLog) -> None:
        """A resolved message is delivered, too."""
        found = self.send(at, a_message(state="resolved", title="[Resolved] latency of payment"))
        assert found.ok, found
        assert at.total == 1

    def test_both_languages_arrive_unharmed(self, at: ReceiverLog) -> None:
        """Chinese stays Chinese."""
        said = a_message(
            title="【告警·严重】支付服务延迟", text="始于 2026年2月6日\n尚未找到根因。", language="zh"
        )
        assert self.send(at, said).ok
        assert "支付服务延迟" in self.shown(at.all[0])
        assert "尚未找到根因" in self.shown(at.all[0])

    def test_what_takes_too_long_is_given_up_and_may_be_tried_again(self, at: ReceiverLog) -> None:
        """No answer is no success, and no reason to stop."""
        at.misbehave("silent", seconds=1)
        start = time.monotonic()
        found = self.send(at, timeout_s=0.2)
        assert time.monotonic() - start < 3
        assert (found.ok, found.retry) == (False, True), found

    def test_a_late_answer_repeats_the_message_with_the_same_key(self, at: ReceiverLog) -> None:
        """The receiver has it once."""
        at.misbehave("late", seconds=0.6)
        first = self.send(at, timeout_s=0.2)
        assert (first.ok, first.retry) == (False, True)
        assert self.send(at).ok
        assert (at.total, at.kept) == (2, 1)

    def test_nobody_there_may_be_tried_again(self, at: ReceiverLog) -> None:
        """A receiver that restarts."""
        gone = MailLog() if isinstance(at, MailLog) else ReceiverLog()
        port = free_port()
        gone.url = f"http://127.0.0.1:{port}"
        if isinstance(gone, MailLog):
            gone.port = port
        found = self.send(gone)
        assert (found.ok, found.retry) == (False, True), found

    @pytest.mark.parametrize(
        ("status", "retry"),
        [
            (301, False),
            (307, False),
            (400, False),
            (401, False),
            (403, False),
            (404, False),
            (408, True),
            (429, True),
            (500, True),
            (503, True),
        ],
    )
    def test_the_status_decides_whether_another_attempt_can_help(
        self, at: ReceiverLog, status: int, retry: bool
    ) -> None:
        """One table for all; redirects are not followed."""
        if not self.speaks_http:
            pytest.skip("it has codes of its own")
        at.misbehave("status", status=status, headers={"location": f"{at.url}/elsewhere"})
        found = self.send(at)
        assert (found.ok, found.retry) == (False, retry), found
        assert at.total == 0
        assert found.reason
        assert found.cause

    def test_secrets_are_in_no_reason_log_or_representation(
        self, at: ReceiverLog, caplog: pytest.LogCaptureFixture
    ) -> None:
        """However much the service repeats of them."""
        caplog.set_level(logging.DEBUG, logger="sre_copilot")
        at.misbehave(
            "status",
            status=403 if self.speaks_http else 550,
            document={"error": f"no {SECRET} and {at.url}/{SECRET}/x"},
        )
        with self.opened(at) as notifier:
            found = notifier.send(a_message(), timeout_s=5)
            everything = f"{found!r} {notifier!r} {notifier.settings!r} {notifier.bot} {vars(notifier).get('_http')!r} {caplog.text}"
        assert not found.ok
        assert SECRET not in everything

    def test_what_is_too_long_is_cut_and_that_is_said(self, at: ReceiverLog) -> None:
        """Title and key are still there."""
        if not self.most:
            pytest.skip("no limit is known")
        for text in ("word " * 120_000, "告警信息" * 50_000):
            assert self.send(at, a_message(text=text)).ok
        for received in at.all:
            assert self.measured(received) <= self.most
            shown = self.shown(received)
            assert "cut" in shown
            assert KEY in shown
            assert "latency of payment" in shown

    def test_what_an_alert_says_becomes_no_mention_link_or_markup(self, at: ReceiverLog) -> None:
        """Alerts come from outside."""
        hostile = a_message(
            title=HOSTILE, text=HOSTILE, fields=(("Service", HOSTILE),), links=(("javascript:alert(1)", "x"),)
        )
        assert self.send(at, hostile).ok
        markup = self.not_ours(at.all[0])
        for part in (
            "<!channel>",
            "<@U",
            "<at ",
            "<b>",
            "<script>",
            "](",
            "https://evil",
            "www.evil",
            "@all",
            "@everyone",
            "javascript:",
            "\u202e",
        ):
            assert part not in markup, part


def _texts(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for name, value in document.items():
            yield str(name)
            yield from _texts(value)
    elif isinstance(document, list):
        for each in document:
            yield from _texts(each)
    else:
        yield str(document)
