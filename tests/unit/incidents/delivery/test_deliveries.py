"""From the store to receivers, with crashes at every point."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from sre_copilot.clock import TurnedClock
from sre_copilot.domain.notification import Notification
from sre_copilot.incidents.delivery import deliveries as module
from sre_copilot.incidents.delivery.deliveries import Deliveries
from sre_copilot.incidents.delivery.receivers import open_receivers
from sre_copilot.settings.alerting.notify import Notify
from sre_copilot.store import deliveries as book
from sre_copilot.store.database import Database
from sre_copilot.store.notifications import NotificationStore, attempts, deliveries, insert_new
from sre_copilot.telemetry import OwnMetrics
from sre_copilot.testing.durable import MemoryDurable
from sre_copilot.testing.receivers import ReceiverLog, http_receiver, smtp_receiver

START = 1_770_388_222.0


@cache
def _migrated_once() -> bytes:
    """A store without rows, as a file: migrating anew for each test takes longer than all of the test."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        Database(f"sqlite:///{file}").close()
        return file.read_bytes()


def migrated(file: Path) -> Database:
    file.write_bytes(_migrated_once())
    return Database(f"sqlite:///{file}")


class World:
    """A store, durable runs with a clock that is turned, and the deliveries of one configuration."""

    def __init__(self, folder: Path, notify: Mapping[str, Any]) -> None:
        self.clock = TurnedClock(START)
        self.database = migrated(folder / "world.db")
        self.store = NotificationStore(self.database)
        self.durable = MemoryDurable(self.clock)
        self.settings = Notify.model_validate(notify)
        self.own = OwnMetrics()
        self.deliveries = self.made(self.durable)
        self.durable.launch()

    def made(self, durable: MemoryDurable) -> Deliveries:
        receivers = open_receivers(self.settings, language="en")
        return Deliveries(
            self.store, durable, receivers, clock=self.clock, own=self.own, settings=self.settings
        )

    def tell(self, *told: Notification) -> None:
        with self.database.begin() as connection:
            self.store.insert(connection, told)

    def turn(self, *, seconds: int = 0) -> None:
        """Turns of the leader, a second apart."""
        for _ in range(seconds + 1):
            self.deliveries.pump(self.clock.now())
            self.durable.run_until(self.clock.now() + (1 if seconds else 0))

    def statuses(self) -> dict[str, str]:
        return {row["key"]: row["status"] for row in reversed(self.store.page(limit=1000).rows)}

    def count(self, table: Any = attempts) -> int:
        with self.database.begin() as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())

    def metric(self, name: str, **labels: str) -> float:
        return self.own.registry.get_sample_value(name, labels) or 0.0


def told(
    number: int = 1,
    *,
    state: Any = "firing",
    group: str = "INC-1",
    receiver: str = "team",
    severity: str = "warning",
    at: float = START,
    **more: Any,
) -> Notification:
    content = {
        "incident_id": group,
        "title": f"latency of {group}",
        "severity": severity,
        "status": "firing",
        "started_at": at,
        **more.pop("content", {}),
    }
    return Notification(
        key=f"{group}/{receiver}/{state}/{number}",
        group=group,
        receiver=receiver,
        state=state,
        sequence=number,
        created_at=at,
        content=content,
        **more,
    )


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def at(stack: ExitStack) -> ReceiverLog:
    return stack.enter_context(http_receiver("webhook"))


def team(*notifiers: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"receivers": [{"name": "team", "notifiers": list(notifiers), **more}]}


def hook(at: ReceiverLog, **more: Any) -> dict[str, Any]:
    return {"type": "webhook", "url": at.url, "timeout_seconds": 0.3, **more}


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


# -- crashes ---------------------------------------------------------------------------------------------------------


class Crash(BaseException):
    """The process dies."""


POINTS = ["_expand", "_choose", "_keep", "_hand_over"]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("point", POINTS)
def test_a_crash_of_the_leader_at_any_point_loses_and_doubles_nothing(
    tmp_path: Path, at: ReceiverLog, monkeypatch: pytest.MonkeyPatch, point: str, before: bool
) -> None:
    world = World(tmp_path, team(hook(at, limits=[{"messages": 3, "seconds": 60}])))
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
    world.turn(seconds=130)
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
