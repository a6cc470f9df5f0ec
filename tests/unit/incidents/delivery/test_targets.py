"""Services, threads and people of a receiver."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import select
from tests.unit.incidents.delivery.bench import World, hook, team, told

from sre_copilot.store.notifications import deliveries
from sre_copilot.testing.receivers import ReceiverLog, http_receiver, smtp_receiver


def test_every_target_is_told_with_a_key_of_its_own(
    tmp_path: Path, stack: ExitStack, at: ReceiverLog
) -> None:
    mail = stack.enter_context(smtp_receiver())
    email = {
        "type": "email",
        "smarthost": mail.smarthost,
        "tls": "none",
        "from_address": "sre@sre.example",
        "to": ["a@t.example", "b@t.example"],
    }
    world = World(tmp_path, team(hook(at), email))
    world.tell(told())
    world.turn()
    assert at.total == 1
    assert sorted(each.recipients[0] for each in mail.all) == ["a@t.example", "b@t.example"]
    assert mail.kept == 2
    assert world.statuses() == {"INC-1/team/firing/1": "sent"}
    with world.database.begin() as connection:
        keys = sorted(connection.execute(select(deliveries.c.key)).scalars())
    assert keys == [
        f"INC-1/team/firing/1/{each}" for each in ("email-2:a@t.example", "email-2:b@t.example", "webhook-1")
    ]


def test_one_target_that_fails_holds_up_no_other_and_the_notification_has_failed(
    tmp_path: Path, stack: ExitStack, at: ReceiverLog
) -> None:
    other = stack.enter_context(http_receiver("webhook"))
    world = World(tmp_path, team(hook(at), hook(other)))
    at.misbehave("status", status=400)
    world.tell(told())
    world.turn()
    assert other.total == 1
    assert world.statuses() == {"INC-1/team/firing/1": "failed"}


def test_updates_stand_in_the_thread_of_the_first_message(tmp_path: Path, stack: ExitStack) -> None:
    slack = stack.enter_context(http_receiver("slack"))
    world = World(
        tmp_path, team({"type": "slack", "base_url": slack.url, "bot_token": "xoxb-x", "channel": "C1"})
    )
    world.tell(told(1), told(1, group="INC-2"), told(2, state="updated"), told(3, state="resolved"))
    world.turn(seconds=6)
    assert [each.document.get("thread_ts") for each in slack.all] == [
        None,
        None,
        "1700000000.000001",
        "1700000000.000001",
    ]


def test_people_on_call_are_told_one_by_one_in_their_language_and_hear_the_end(
    tmp_path: Path, stack: ExitStack
) -> None:
    mail = stack.enter_context(smtp_receiver())
    email = {
        "type": "email",
        "smarthost": mail.smarthost,
        "tls": "none",
        "from_address": "sre@sre.example",
        "to_people": True,
    }
    world = World(tmp_path, team(email))
    people = (
        {"name": "Ada", "language": "en", "addresses": {"email": "ada@t.example"}},
        {"name": "小明", "language": "zh", "addresses": {"email": "ming@t.example"}},
        {"name": "Nobody", "language": "en", "addresses": {}},
    )
    world.tell(told(1, state="escalated", people=people), told(2, state="resolved"))
    world.turn(seconds=2)
    subjects = {(each.recipients[0], str(each.mail["Subject"])) for each in mail.all}  # type: ignore[index]
    assert subjects == {
        ("ada@t.example", "[Escalated, warning] latency of INC-1"),
        ("ming@t.example", "【升级·警告】latency of INC-1"),
        ("ada@t.example", "[Resolved, warning] latency of INC-1"),
        ("ming@t.example", "[Resolved, warning] latency of INC-1"),
    }
    assert world.metric("sre_copilot_notifications_failed_total", reason="no_address") == 1


def test_a_receiver_that_is_not_there_is_said_loudly(tmp_path: Path, at: ReceiverLog) -> None:
    world = World(tmp_path, {**team(hook(at)), "fallback": "team"})
    world.tell(told(receiver="gone"))
    world.turn(seconds=2)
    assert world.statuses() == {"INC-1/gone/firing/1": "failed", "INC-1/gone/firing/1/fallback/team": "sent"}
    assert world.metric("sre_copilot_notifications_failed_total", reason="configuration") == 1
