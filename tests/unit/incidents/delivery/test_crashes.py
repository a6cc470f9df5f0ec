"""From the store to receivers, with crashes at every point."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.unit.incidents.delivery.bench import START, Crash, World, hook, team, told

from sre_copilot.clock import TurnedClock
from sre_copilot.domain.notification import Notification
from sre_copilot.incidents.delivery import deliveries as module
from sre_copilot.incidents.delivery.deliveries import Deliveries
from sre_copilot.store import deliveries as book
from sre_copilot.store.notifications import attempts, deliveries, insert_new
from sre_copilot.testing.durable import MemoryDurable
from sre_copilot.testing.receivers import ReceiverLog, http_receiver

POINTS = ["_expand", "_choose", "_keep", "_hand_over"]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("point", POINTS)
def test_a_crash_of_the_leader_at_any_point_loses_and_doubles_nothing(
    tmp_path: Path, at: ReceiverLog, monkeypatch: pytest.MonkeyPatch, point: str, before: bool
) -> None:
    world = World(tmp_path, team(hook(at, limits=[{"messages": 3, "seconds": 10}])))
    world.tell(*(told(1, group=f"INC-{i}") for i in range(5)))
    usual: Callable[..., Any] = getattr(Deliveries, point)

    def crashing(self: Deliveries, *arguments: Any) -> Any:
        if not before:
            usual(self, *arguments)
        raise Crash

    with monkeypatch.context() as broken:
        broken.setattr(module.Deliveries, point, crashing)
        with pytest.raises(Crash):
            world.deliveries.pump(world.clock.now())
    world.turn(seconds=30)
    assert (at.total, at.kept) == (5, 5)
    assert set(world.statuses().values()) == {"sent"}


def test_a_crash_between_two_runs_that_are_begun_loses_and_doubles_nothing(
    tmp_path: Path, at: ReceiverLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    teams = [{"name": f"team-{i}", "notifiers": [hook(at)]} for i in range(6)]
    world = World(tmp_path, {"receivers": teams})
    world.tell(*(told(1, group=f"INC-{i}", receiver=f"team-{i}") for i in range(6)))
    usual, begun = world.durable.start, []

    def crashing(*arguments: Any, **more: Any) -> bool:
        if len(begun) == 3:
            raise Crash
        begun.append(more["key"])
        return usual(*arguments, **more)

    with monkeypatch.context() as broken:
        broken.setattr(world.durable, "start", crashing)
        with pytest.raises(Crash):
            world.deliveries.pump(world.clock.now())
    world.turn(seconds=3)
    assert (at.total, at.kept) == (6, 6)


def test_a_crash_after_sending_repeats_one_message_that_the_receiver_drops(
    tmp_path: Path, at: ReceiverLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, team(hook(at)))
    world.tell(*(told(1, group=f"INC-{i}") for i in range(4)))
    attempt = world.deliveries._attempts

    def crashing(*_: Any) -> Any:
        raise Crash

    with monkeypatch.context() as broken:
        broken.setattr(attempt, "_end", crashing)
        world.deliveries.pump(world.clock.now())
        with pytest.raises(Crash):
            world.durable.run_due()
    assert at.total == 1
    world.turn(seconds=3)
    assert (at.total, at.kept, at.repeated) == (5, 4, 1)
    with world.database.begin() as connection:
        outcomes = sorted(connection.execute(select(attempts.c.outcome)).scalars())
    assert outcomes == ["sent", "sent", "sent", "sent", "unknown"]


def test_a_crash_before_the_run_records_what_is_in_the_log_sends_nothing_again(
    tmp_path: Path, at: ReceiverLog
) -> None:
    world = World(tmp_path, team(hook(at)))
    world.tell(told(1), told(2, state="updated"))
    world.durable.crash_in("attempt")
    world.turn(seconds=3)
    assert (at.total, at.repeated) == (2, 0)


def test_a_crash_while_merging_leaves_each_message_in_one_place(
    tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot = stack.enter_context(http_receiver("dingtalk"))
    world = World(tmp_path, team({"type": "dingtalk", "url": robot.url}))
    world.tell(*(told(1, group=f"INC-{i}") for i in range(60)))
    for _ in range(3):
        with monkeypatch.context() as broken:
            broken.setattr(module.book, "mark_handed", _raising)
            with pytest.raises(Crash):
                world.deliveries.pump(world.clock.now())
    world.turn(seconds=70)
    said = "\n".join(each.document["text"]["content"] for each in robot.all)
    assert [said.count(f"latency of INC-{i}\n") for i in range(60)] == [1] * 60
    assert robot.repeated == 0


def _raising(*_: Any) -> None:
    raise Crash


def test_a_run_that_ended_without_an_outcome_is_said_to_have_failed(tmp_path: Path, at: ReceiverLog) -> None:
    world = World(tmp_path, team(hook(at)))
    at.misbehave("status", times=1000)
    world.tell(told(1), told(2, state="updated"))
    world.turn(seconds=2)
    world.durable.cancel("INC-1/team/firing/1/webhook-1")
    at.behave()
    world.turn(seconds=130)
    assert list(world.statuses().values()) == ["failed", "sent"]


def test_a_store_that_fails_for_a_while_stops_no_delivery(
    tmp_path: Path, at: ReceiverLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, team(hook(at)))
    world.tell(told(1))
    usual, left = world.deliveries._attempts._begin, [3]

    def failing(key: str) -> Any:
        if left[0]:
            left[0] -= 1
            raise OSError("disk full")
        return usual(key)

    monkeypatch.setattr(world.deliveries._attempts, "_begin", failing)
    world.turn(seconds=60)
    assert at.kept == 1


def test_a_run_that_is_lost_with_its_database_is_begun_again(tmp_path: Path, at: ReceiverLog) -> None:
    world = World(tmp_path, team(hook(at)))
    at.misbehave("status", times=1000)
    world.tell(told(1))
    world.turn(seconds=2)
    at.behave()
    restored = MemoryDurable(world.clock)
    world.durable, world.deliveries = restored, world.made(restored)
    restored.launch()
    world.turn(seconds=130)
    assert list(world.statuses().values()) == ["sent"]
    assert len(restored.states()) == 1


def test_a_clock_that_is_set_back_does_not_keep_what_was_sent_ahead_of_it_in_the_way(
    tmp_path: Path, stack: ExitStack
) -> None:
    robot = stack.enter_context(http_receiver("dingtalk"))
    world = World(tmp_path, team({"type": "dingtalk", "url": robot.url}))
    world.tell(*(told(1, group=f"INC-{i}") for i in range(15)))
    world.turn(seconds=5)
    before = robot.total
    world.clock = TurnedClock(START - 86_400)
    world.durable = MemoryDurable(world.clock)
    world.deliveries = world.made(world.durable)
    world.durable.launch()
    world.tell(*(told(2, group=f"INC-{i}", state="updated", at=START - 86_400) for i in range(15)))
    world.turn(seconds=5)
    assert robot.total > before
    assert set(world.statuses().values()) == {"sent"}


def test_a_bot_that_does_not_answer_hides_no_page_of_another(tmp_path: Path) -> None:
    world = World(tmp_path, team())
    calm, page = told(1, group="INC-C", receiver="chat"), told(1, group="INC-P", severity="critical")
    rows = [_pending(each) for each in (calm, page)]
    many = [{**rows[0], "key": f"old-{i}", "group_key": f"INC-{i}"} for i in range(6_000)]
    urgent = {**rows[0], "key": "urgent", "group_key": "INC-U", "severity": "critical"}
    earlier = {**rows[0], "key": "earlier", "group_key": "INC-U"}
    with world.database.begin() as connection:
        insert_new(connection, deliveries, [*many, earlier, urgent, {**rows[1], "bot": "phone"}])
        found = book.waiting(connection)
    keys = [row["key"] for row in found]
    assert keys[-3:] == ["earlier", "urgent", rows[1]["key"]]
    assert len(keys) == book.OF_A_BOT + 1
    assert [row["id"] for row in found] == sorted(row["id"] for row in found)


def _pending(notification: Notification) -> dict[str, Any]:
    row = {
        "key": notification.key,
        "group_key": notification.group,
        "receiver": notification.receiver,
        "state": notification.state,
        "severity": notification.content["severity"],
        "created_at": START,
    }
    return book.delivery_row(row, address="webhook-1", kind="webhook", bot="chat")
