"""Agents that are called in a room: each is asked in the background and answers in the room, one at a time per room."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sre_copilot.agents.room.members import MEMBERS
from sre_copilot.agents.room.noting import Note
from sre_copilot.agents.room.room import Said, agents_for, from_answer
from sre_copilot.agents.understanding.wording import language
from sre_copilot.app.desk import Desk
from sre_copilot.domain.evidence import Message
from sre_copilot.errors import SreCopilotError
from sre_copilot.incidents.report.words import say
from sre_copilot.settings.section import Role, at_least
from sre_copilot.telemetry import log

MOST_WAITING = 64  # questions: one message may call a dozen agents
TRIES = 12  # times that a question is begun while others are at work, each after the advised seconds
_log = log(__name__)


@dataclass(frozen=True, slots=True)
class Called:
    """One agent and what it is asked. `role` is that for which it looks: whoever reads the answer has it."""

    room: str
    agent: str
    text: str
    token_id: str
    role: Role


def questions(
    notes: Iterable[Note], *, room: str, token_id: str, role: Role, least_role: Role
) -> tuple[Called, ...]:
    """One question per addressed agent; its name comes before the words, so that it is asked what it knows.

    Whoever may join reads the answer: it is looked for with the lower of the speaker's role and the room's.
    """
    found: dict[str, Called] = {}
    seen = least_role if at_least(role, least_role) else role
    for note in notes:
        for agent in agents_for([note]):
            title = MEMBERS[agent].title(language(note.text))
            text = note.text if agent == "copilot" else f"{title}: {note.text}"
            found.setdefault(agent, Called(room, agent, text, token_id, seen))
    return tuple(found.values())


class Calling:
    """Asks at a desk, within its limits; what waits when the server ends is not asked."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._waiting: list[Called] = []
        self._busy: set[str] = set()
        self._workers = 0

    def call(self, asked: Sequence[Called]) -> None:
        """Let agents work; those for which there is no place say so in the room."""
        with self._lock:
            free = max(0, MOST_WAITING - len(self._waiting))
            self._waiting += asked[:free]
            fresh = min(self._desk.service.settings.chat.at_once - self._workers, len(asked[:free]))
            self._workers += max(0, fresh)
        for _ in range(fresh):
            threading.Thread(target=self._work, name="room agents", daemon=True).start()
        for each in asked[free:]:
            self._keep(each, _unanswered(each, "room.busy", self._desk.service.clock.now()))

    def _work(self) -> None:
        while (each := self._next()) is not None:
            try:
                self._keep(each, self._answer(each))
            except Exception as error:  # noqa: BLE001 - the top of a thread
                _log.error("an answer in a room was not kept", problem=f"{type(error).__name__}: {error}")
            finally:
                with self._lock:
                    self._busy.discard(each.room)

    def _next(self) -> Called | None:
        """The first that waits and whose room is free; where there is none, the worker goes: who keeps the room busy comes again."""
        with self._lock:
            chosen = next((each for each in self._waiting if each.room not in self._busy), None)
            if chosen is None or self._desk.service.stop.is_set():
                self._workers -= 1
                return None
            self._waiting.remove(chosen)
            self._busy.add(chosen.room)
            return chosen

    def _answer(self, each: Called) -> Said:
        desk, clock = self._desk, self._desk.service.clock
        if not self._admitted(each.token_id):
            return _unanswered(each, "room.busy", clock.now())
        try:
            answer = desk.ask(each.text, role=each.role, lang=None)
            return from_answer(answer, agent=each.agent, now=clock.now())
        except SreCopilotError as error:
            _log.warning("an agent in a room could not answer", agent=each.agent, problem=str(error))
        except Exception as error:  # noqa: BLE001 - whatever it was, the room hears that there is no answer
            _log.error(
                "an agent in a room failed", agent=each.agent, problem=f"{type(error).__name__}: {error}"
            )
        finally:
            desk.limits.release(each.token_id)
        return _unanswered(each, "room.failed", clock.now())

    def _admitted(self, token_id: str) -> bool:
        for _ in range(TRIES):
            refused = self._desk.limits.admit(token_id)
            if refused is None:
                return True
            if self._desk.service.stop.wait(refused.retry_after_s):
                return False
        return False

    def _keep(self, each: Called, message: Said) -> None:
        service = self._desk.service
        fields = ("author", "author_kind", "kind", "lang", "text")
        row = {name: getattr(message, name) for name in fields} | {"data": dict(message.data)}
        try:
            service.rooms.post(each.room, row, now=service.clock.now())
        except SreCopilotError as error:  # it was closed meanwhile
            _log.warning("an answer in a room was not kept", room=each.room, problem=str(error))


def _unanswered(each: Called, key: str, now: float) -> Said:
    lang = language(each.text)
    return Said(
        id=0,
        at=now,
        author=each.agent,
        author_kind="tool",
        kind="event",
        text=say(Message(key=key), lang),
        lang=lang,
        data={"event": "note"},
    )
