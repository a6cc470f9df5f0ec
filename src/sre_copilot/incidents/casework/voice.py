"""Speaking in the room of an incident: what happens with its investigations, and what the agents find on the way; each thing once."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from typing import Any

from sre_copilot.agents.answer import Event, Listener
from sre_copilot.agents.room.room import Said, from_event
from sre_copilot.agents.room.speech import harmless
from sre_copilot.clock import Clock
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.knowledge import Lang
from sre_copilot.errors import SreCopilotError
from sre_copilot.incidents.casework.picture import Picture
from sre_copilot.incidents.report.words import say
from sre_copilot.settings.section import Role
from sre_copilot.store.rooms import RoomStore
from sre_copilot.telemetry import log

OWNER = "sre-copilot"
AUTHOR = "copilot"
LAST = 500  # messages among which one is looked for that was said before: more than the rounds of an incident make
TITLE = 300  # characters of the column
FIELDS = ("author", "author_kind", "kind", "lang", "text")
_log = log(__name__)


def room_of(incident_id: str) -> str:
    """The id of the room of an incident: known before it is opened, so that nobody opens two."""
    return "R-" + hashlib.blake2b(incident_id.encode(), digest_size=6).hexdigest()


class Voice:
    """Says things in rooms of incidents. A room that was closed is left alone."""

    def __init__(
        self, rooms: RoomStore, clock: Clock, *, lang: Lang = "en", least_role: Role = "viewer"
    ) -> None:
        self._rooms = rooms
        self._clock = clock
        self._least_role = least_role
        self.lang: Lang = lang

    def open(self, picture: Picture) -> str:
        """Open the room of an incident, once; return its id."""
        title = say(_message("casework.room", number=picture.number, title=picture.title), self.lang)
        room = self._rooms.open(
            harmless(title)[:TITLE],
            owner=OWNER,
            now=self._clock.now(),
            least_role=self._least_role,
            key=room_of(picture.incident_id),
        )
        return str(room["id"])

    def link(self, incident_id: str, investigation_id: str) -> None:
        """Say in the room's own record which investigation is the latest."""
        self._rooms.link(room_of(incident_id), investigation_id, now=self._clock.now())

    def say(self, incident_id: str, key: str, mark: str, /, **params: str | float | int) -> None:
        """Say that something happened; `mark` tells it from all else of the incident, so that it is said once."""
        text = say(_message(key, **params), self.lang)
        self._once(incident_id, mark, self._spoken(text, kind="event", data={"event": "note"}))

    def answer(self, incident_id: str, text: str, mark: str, data: Mapping[str, Any]) -> None:
        """Say what an investigation concluded."""
        self._once(incident_id, mark, self._spoken(text, kind="answer", data=data))

    def listener(self, incident_id: str, mark: str) -> Listener:
        """What agents tell goes into the room, those of a round that was begun twice once."""
        said = self._marks(incident_id)
        lock = threading.Lock()

        def listen(event: Event) -> None:
            message = from_event(event, now=self._clock.now(), lang=self.lang)
            if message is None or message.kind == "answer":  # the conclusion is said when it is kept
                return
            own = f"{mark}/{_digest(event.agent, event.kind, event.text)}"
            with lock:
                if own not in said:
                    said.add(own)
                    self._post(incident_id, message, own)

        return listen

    def _once(self, incident_id: str, mark: str, message: Said) -> None:
        if mark not in self._marks(incident_id):
            self._post(incident_id, message, mark)

    def _spoken(self, text: str, *, kind: Any, data: Mapping[str, Any]) -> Said:
        now = self._clock.now()
        return Said(
            id=0,
            at=now,
            author=AUTHOR,
            author_kind="tool",
            kind=kind,
            text=harmless(text),
            lang=self.lang,
            data=data,
        )

    def _marks(self, incident_id: str) -> set[str]:
        rows, _ = self._rooms.latest(room_of(incident_id), limit=LAST)
        return {row["data"].get("mark", "") for row in rows}

    def _post(self, incident_id: str, message: Said, mark: str) -> None:
        row = {name: getattr(message, name) for name in FIELDS} | {"data": {**message.data, "mark": mark}}
        try:
            self._rooms.post(room_of(incident_id), row, now=self._clock.now())
        except SreCopilotError as error:  # people closed it: what happens is in the timeline, too
            _log.warning(
                "nothing was said in the room of an incident", incident=incident_id, problem=str(error)
            )


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=6).hexdigest()


def _message(key: str, **params: str | float | int) -> Message:
    return Message(key=key, params=tuple(params.items()))
