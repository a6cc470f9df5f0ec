"""Files that go along with messages."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.unit.incidents.delivery.bench import World, hook, team, told

from sre_copilot.action.notify.notifier import Attachment
from sre_copilot.errors import StoreError
from sre_copilot.testing.receivers import ReceiverLog, smtp_receiver

WANTED = {"report": "INC-1", "lang": "en"}


def mail_of(smarthost: str) -> dict[str, Any]:
    return {"type": "email", "smarthost": smarthost, "tls": "none", "from_address": "sre@sre.example", "to": ["a@t.example"]}  # fmt: skip


def test_a_file_is_made_for_a_service_that_carries_it_and_for_no_other(
    tmp_path: Path, stack: ExitStack, at: ReceiverLog
) -> None:
    asked: list[Mapping[str, Any]] = []

    def attach(wanted: Mapping[str, Any]) -> list[Attachment]:
        asked.append(wanted)
        return [Attachment(name="INC-1.html", media="text/html", content=b"<p>report</p>")]

    mail = stack.enter_context(smtp_receiver())
    world = World(tmp_path, team(hook(at), mail_of(mail.smarthost)), attach=attach)
    world.tell(told(content={"attach": WANTED}), told(2))
    world.turn(seconds=2)
    assert asked == [WANTED]
    assert (at.total, mail.total) == (2, 2)
    files = [[part.get_filename() for part in each.mail.iter_attachments()] for each in mail.all]  # type: ignore[union-attr]
    assert files == [["INC-1.html"], []]
    assert b"report</p>" not in at.all[0].body


def test_a_file_that_cannot_be_made_keeps_nobody_from_being_told(tmp_path: Path, stack: ExitStack) -> None:
    def attach(wanted: Mapping[str, Any]) -> list[Attachment]:
        raise StoreError("the store does not answer")

    mail = stack.enter_context(smtp_receiver())
    world = World(tmp_path, team(mail_of(mail.smarthost)), attach=attach)
    world.tell(told(content={"attach": WANTED}))
    world.turn()
    assert mail.total == 1
    assert list(mail.all[0].mail.iter_attachments()) == []  # type: ignore[union-attr]
