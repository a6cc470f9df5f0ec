"""From the store to a receiver: what arrives, what is tried again, what is told to whom instead."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.unit.incidents.delivery.bench import START, World, hook, team, told

from sre_copilot.testing.receivers import ReceiverLog, http_receiver


def test_a_notification_arrives_once_and_the_log_says_so(tmp_path: Path, at: ReceiverLog) -> None:
    world = World(tmp_path, team(hook(at)))
    world.tell(told(), told())
    world.turn()
    world.turn()
    assert (at.total, at.kept) == (1, 1)
    (row,) = world.store.page().rows
    assert row["status"] == "sent"
    (delivery,) = row["deliveries"]
    assert (delivery["target"], delivery["status"], delivery["attempts"]) == ("webhook-1", "sent", 1)
    assert [each["outcome"] for each in delivery["log"]] == ["sent"]
    assert world.metric("sre_copilot_notifications_total", receiver_kind="webhook", outcome="sent") == 1
    assert world.metric("sre_copilot_notification_latency_seconds_count") == 1


def test_messages_of_a_receiver_keep_their_order_while_one_of_them_fails(
    tmp_path: Path, at: ReceiverLog
) -> None:
    world = World(tmp_path, team(hook(at)))
    at.misbehave("status", times=3)
    world.tell(told(1), told(2, state="updated"), told(3, state="resolved"))
    world.turn(seconds=60)
    assert [each.document["state"] for each in at.all] == ["firing", "updated", "resolved"]
    assert at.refused == 3
    assert set(world.statuses().values()) == {"sent"}


def test_retry_after_is_honoured(tmp_path: Path, at: ReceiverLog) -> None:
    world = World(tmp_path, team(hook(at)))
    at.misbehave("status", status=429, headers={"retry-after": "90"})
    world.tell(told())
    world.turn(seconds=88)
    assert at.total == 0
    world.turn(seconds=3)
    assert at.total == 1


def test_pauses_grow_up_to_their_bound_and_an_end_is_made_loudly(
    tmp_path: Path, at: ReceiverLog, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(
        tmp_path,
        {
            **team(hook(at)),
            "give_up_after_minutes": 10,
            "first_pause_seconds": 1,
            "longest_pause_seconds": 60,
        },
    )
    at.misbehave("status", times=1000)
    world.tell(told())
    world.turn(seconds=700)
    (delivery,) = world.store.page().rows[0]["deliveries"]
    times = [each["at"] for each in delivery["log"]]
    pauses = [b - a for a, b in itertools.pairwise(times)]
    assert delivery["status"] == "failed"
    assert 12 <= len(times) <= 30
    assert pauses[0] <= 1.1
    assert max(pauses) <= 61
    assert times[-1] <= START + 600
    assert world.statuses() == {"INC-1/team/firing/1": "failed"}
    assert world.metric("sre_copilot_notifications_failed_total", reason="serverError") == 1


def test_what_no_retry_can_help_fails_at_once_and_the_fallback_is_told(
    tmp_path: Path, stack: ExitStack, at: ReceiverLog
) -> None:
    other = stack.enter_context(http_receiver("webhook"))
    notify = {
        "receivers": [
            {"name": "team", "fallback": "office", "notifiers": [hook(at)]},
            {"name": "office", "notifiers": [hook(other)]},
        ]
    }
    world = World(tmp_path, notify)
    at.misbehave("status", status=403, times=10)
    world.tell(told())
    world.turn(seconds=3)
    assert at.refused == 1
    assert other.kept == 1
    assert "team could not be reached" in other.all[0].document["text"]
    world.tell(told(2, state="resolved"))
    world.turn(seconds=3)
    assert at.refused == 1, "the end of what it never heard is not told"
    assert [each.document["state"] for each in other.all] == ["firing", "resolved"]


def test_two_receivers_that_are_fallbacks_of_each_other_do_not_go_round(
    tmp_path: Path, at: ReceiverLog
) -> None:
    notify = {
        "receivers": [
            {"name": "team", "fallback": "office", "notifiers": [hook(at)]},
            {"name": "office", "fallback": "team", "notifiers": [hook(at)]},
        ]
    }
    world = World(tmp_path, notify)
    at.misbehave("status", status=400, times=100)
    world.tell(told())
    world.turn(seconds=10)
    assert at.refused == 2


def test_the_end_of_what_was_never_delivered_is_not_told(tmp_path: Path, at: ReceiverLog) -> None:
    world = World(tmp_path, team(hook(at)))
    at.misbehave("status", status=400)
    world.tell(told(1), told(2, state="resolved"))
    world.turn(seconds=3)
    assert at.total == 0
    assert list(world.statuses().values()) == ["failed", "skipped"]


def test_the_end_of_what_may_have_been_delivered_is_told(tmp_path: Path, at: ReceiverLog) -> None:
    world = World(tmp_path, {**team(hook(at)), "give_up_after_minutes": 0.05})
    at.misbehave("late", seconds=0.5, times=2)
    world.tell(told(1))
    world.turn(seconds=10)
    assert world.statuses()["INC-1/team/firing/1"] == "failed"
    world.tell(told(2, state="resolved", at=world.clock.now()))
    world.turn(seconds=3)
    assert at.all[-1].document["state"] == "resolved"


def test_a_receiver_that_wants_no_end_is_told_none(tmp_path: Path, at: ReceiverLog) -> None:
    world = World(tmp_path, team(hook(at), send_resolved=False))
    world.tell(told(1), told(2, state="resolved"))
    world.turn(seconds=2)
    assert at.total == 1
    assert list(world.statuses().values()) == ["sent", "skipped"]
