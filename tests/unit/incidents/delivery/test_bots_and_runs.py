"""Limits of a bot, and the runs that carry messages."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.unit.incidents.delivery.bench import START, Crash, World, hook, team, told

from sre_copilot.store import deliveries as book
from sre_copilot.store.notifications import deliveries
from sre_copilot.testing.receivers import ReceiverLog, http_receiver


def test_a_burst_becomes_a_few_messages_within_the_limit_and_nothing_is_left_out(
    tmp_path: Path, stack: ExitStack
) -> None:
    robot = stack.enter_context(http_receiver("dingtalk"))
    world = World(tmp_path, team({"type": "dingtalk", "url": robot.url}))
    world.tell(
        *(told(1, group=f"INC-{i}") for i in range(100)), told(1, group="INC-critical", severity="critical")
    )
    world.turn(seconds=59)
    assert robot.total <= 20
    assert "INC-critical" in robot.all[0].document["text"]["content"]
    said = "\n".join(each.document["text"]["content"] for each in robot.all)
    assert all(f"latency of INC-{i}" in said for i in range(100))
    assert set(world.statuses().values()) == {"sent"}
    digests = [each for each in robot.all if "[Digest]" in each.document["text"]["content"]]
    assert 1 <= len(digests) <= 3
    assert world.metric("sre_copilot_notifications_total", receiver_kind="dingtalk", outcome="merged") > 50


def test_two_receivers_with_one_robot_share_its_limit(tmp_path: Path, stack: ExitStack) -> None:
    robot = stack.enter_context(http_receiver("wecom"))
    both = [{"name": name, "notifiers": [{"type": "wecom", "url": robot.url}]} for name in ("a", "b")]
    world = World(tmp_path, {"receivers": both})
    world.tell(*(told(i, group=f"INC-{i}", receiver=name) for i in range(30) for name in ("a", "b")))
    world.turn(seconds=50)
    assert robot.total <= 20
    assert set(world.statuses().values()) == {"sent"}


def test_retries_keep_to_the_limit_too(tmp_path: Path, at: ReceiverLog) -> None:
    limited = hook(at, limits=[{"messages": 2, "seconds": 60}])
    world = World(tmp_path, {**team(limited), "first_pause_seconds": 1, "longest_pause_seconds": 1})
    at.misbehave("status", times=1000)
    world.tell(told())
    world.turn(seconds=118)
    assert at.refused <= 4


def test_old_ones_are_forgotten_and_unfinished_ones_are_not(tmp_path: Path, at: ReceiverLog) -> None:
    world = World(tmp_path, team(hook(at)))
    world.tell(told(1))
    world.turn()
    at.misbehave("status", times=1000)
    world.tell(told(2, state="updated"))
    world.turn(seconds=2)
    assert world.store.forget(before=START + 10_000) == 1
    assert list(world.statuses().values()) == ["started"]
    assert world.count(deliveries) == 1


def test_what_is_told_at_once_goes_to_a_receiver_with_one_run_in_its_order(
    tmp_path: Path, at: ReceiverLog
) -> None:
    world = World(tmp_path, team(hook(at)))
    world.tell(*(told(1, group=f"INC-{i}") for i in range(60)))
    world.turn()
    assert [each.key for each in at.all] == [f"INC-{i}/team/firing/1/webhook-1" for i in range(60)]
    assert len(world.durable.states()) == 1
    assert world.count() == 60, "each has an attempt of its own"


def test_what_waits_behind_a_message_that_fails_for_long_waits_for_its_run(
    tmp_path: Path, at: ReceiverLog
) -> None:
    world = World(tmp_path, {**team(hook(at)), "longest_pause_seconds": 60})
    at.misbehave("status", times=8)
    world.tell(*(told(1, group=f"INC-{i}") for i in range(5)))
    world.turn(seconds=600)
    assert [each.key for each in at.all] == [f"INC-{i}/team/firing/1/webhook-1" for i in range(5)]
    assert (at.refused, len(world.durable.states())) == (8, 1)


def test_a_crash_before_it_is_noted_that_a_run_has_them_leaves_nothing_behind(
    tmp_path: Path, at: ReceiverLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, team(hook(at)))
    world.tell(*(told(1, group=f"INC-{i}") for i in range(3)))

    def crashing(*_: Any, **__: Any) -> None:
        raise Crash

    with monkeypatch.context() as broken:
        broken.setattr(book, "mark_handed", crashing)
        with pytest.raises(Crash):
            world.turn()
    world.tell(*(told(1, group=f"INC-{i}") for i in range(3, 6)))
    world.turn(seconds=3)
    assert [each.key for each in at.all] == [f"INC-{i}/team/firing/1/webhook-1" for i in range(6)]
    assert world.count() == 6
