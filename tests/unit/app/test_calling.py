"""Agents that are called in a room answer there: one at a time per room, within the limits, for whoever reads it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.agents.answer import Answer, Understood
from sre_copilot.agents.room.noting import noted
from sre_copilot.app.calling import MOST_WAITING, Called, Calling, questions
from sre_copilot.app.limits import Limits
from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.errors import UsageError
from sre_copilot.settings.document import Settings
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0


class FakeDesk:
    """Answers at once, or when it is let go; counts who is at work."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.limits = Limits(service.settings.chat, service.clock)
        self.asked: list[tuple[str, str]] = []
        self.go = threading.Event()
        self.go.set()
        self.at_work = self.most_at_work = 0
        self.fails: Exception | None = None

    def ask(self, text: str, *, role: str, lang: Any) -> Answer:
        self.asked.append((text, role))
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        self.go.wait(5)
        self.at_work -= 1
        if self.fails:
            raise self.fails
        return Answer(
            kind="measured",
            lang="en",
            headline=f"about {text}",
            understood=Understood(intent="logs", text=text, lang="en"),
        )


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = Settings.model_validate({"store": {"folder": tmp_path}, "chat": {"per_minute": 200}})
    made = make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))
    yield made
    made.close()


@pytest.fixture
def desk(service: Service) -> FakeDesk:
    return FakeDesk(service)


@pytest.fixture
def calling(desk: FakeDesk) -> Calling:
    return Calling(desk)  # type: ignore[arg-type]


def opened(service: Service) -> str:
    return str(service.rooms.open("slow", owner="t", now=NOW)["id"])


def asked(room: str, text: str, **roles: Any) -> tuple[Called, ...]:
    notes = noted(text, author="ada", now=NOW, services=())
    given = {"token_id": "t", "role": "responder", "least_role": "viewer", **roles}
    return questions(notes, room=room, **given)


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def spoken(service: Service, room: str) -> list[tuple[str, str, str]]:
    return [(row["author"], row["kind"], row["text"]) for row in service.rooms.messages(room).rows]


def test_each_addressed_agent_is_asked_once_and_answers_in_the_room(
    service: Service, desk: FakeDesk, calling: Calling
) -> None:
    room = opened(service)
    calling.call(asked(room, "@log please look at payment\n@network check cart\n@log and orders"))
    until(lambda: len(spoken(service, room)) == 3)
    assert [author for author, _, _ in spoken(service, room)] == ["log", "monitor", "cmdb"]
    assert {kind for _, kind, _ in spoken(service, room)} == {"answer"}
    assert desk.asked[0] == ("Log agent: please look at payment", "viewer")
    assert desk.most_at_work == 1
    until(lambda: desk.limits.at_work == 0)


def test_an_agent_looks_for_the_lower_of_the_roles_of_speaker_and_room() -> None:
    text = "@log look at payment"
    assert asked("r", text, role="admin", least_role="viewer")[0].role == "viewer"
    assert asked("r", text, role="responder", least_role="approver")[0].role == "responder"
    assert asked("r", "nobody is called") == ()


def test_rooms_are_worked_on_at_the_same_time_each_one_by_one(
    service: Service, desk: FakeDesk, calling: Calling
) -> None:
    desk.go.clear()
    rooms = [opened(service), opened(service)]
    for room in rooms:
        calling.call(asked(room, "@application look at payment"))
    until(lambda: desk.at_work == 2)
    desk.go.set()
    until(lambda: all(len(spoken(service, room)) == 4 for room in rooms))
    assert desk.most_at_work == 2


@pytest.mark.parametrize("problem", [UsageError("at: no"), RuntimeError("secret words of the inside")])
def test_a_failure_is_told_and_the_next_is_asked(
    service: Service, desk: FakeDesk, calling: Calling, problem: Exception
) -> None:
    room = opened(service)
    desk.fails = problem
    calling.call(asked(room, "@log look at payment @trace look at payment"))
    until(lambda: len(spoken(service, room)) == 2)
    assert {kind for _, kind, _ in spoken(service, room)} == {"event"}
    assert "secret" not in str(spoken(service, room))
    until(lambda: desk.limits.at_work == 0)


def test_more_than_can_wait_are_not_asked_and_say_so(
    service: Service, desk: FakeDesk, calling: Calling
) -> None:
    room = opened(service)
    desk.go.clear()
    one = Called(room, "log", "payment", "t", "viewer")
    calling.call([one] * (MOST_WAITING + 3))
    assert [text.partition(":")[0] for _, _, text in spoken(service, room)] == ["Not asked"] * 3
    service.stop.set()
    desk.go.set()
    until(lambda: desk.limits.at_work == 0)
    assert len(desk.asked) == 1


def test_an_answer_to_a_closed_room_is_dropped(service: Service, desk: FakeDesk, calling: Calling) -> None:
    room = opened(service)
    desk.go.clear()
    calling.call(asked(room, "@log look at payment"))
    until(lambda: desk.at_work == 1)
    service.rooms.close(room, now=NOW)
    desk.go.set()
    until(lambda: desk.limits.at_work == 0)
    assert spoken(service, room) == []
