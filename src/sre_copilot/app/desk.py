"""Where a running server is asked: each question by somebody with a role, in a session or alone, within the limits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sre_copilot.agents.answer import Answer, Listener, Understood
from sre_copilot.agents.tool import ToolResult
from sre_copilot.agents.toolkit.handles import HandleStore
from sre_copilot.app.asking import Equipment, OpenCopilot, equip, open_live_copilot
from sre_copilot.app.incidents import check_known
from sre_copilot.app.limits import Limits
from sre_copilot.app.remembering import read, written
from sre_copilot.app.serving import Service
from sre_copilot.domain.incident import Incident
from sre_copilot.domain.knowledge import Lang
from sre_copilot.errors import UsageError
from sre_copilot.incidents.answers.document import document
from sre_copilot.incidents.watch.inquiry import Due, row_of
from sre_copilot.llm.speaking import Speaker
from sre_copilot.perception.source import Source
from sre_copilot.settings.section import Role

MOST_OWNERS = 32  # whose rows are kept to page on in; beyond them who asked longest ago loses his
OWNER_BYTES = 8_000_000  # of rows of one owner: with all of them a quarter of a gigabyte
TITLE = 120  # characters of a session's title: its first question, cut


def _silent(event: object) -> None:
    """Nobody listens."""


class Desk:
    """Answers for a service; models and tools are made when the first question comes, and shared by all."""

    def __init__(self, service: Service, *, speaker: Speaker | None = None) -> None:
        self.service = service
        self.limits = Limits(service.settings.chat, service.clock)
        self._speaker = speaker
        self._equipment: Equipment | None = None
        self._lock = threading.Lock()
        self._handles: dict[str, HandleStore] = {}

    @property
    def equipment(self) -> Equipment:
        """Models, tools and store."""
        with self._lock:
            if self._equipment is None:
                service = self.service
                self._equipment = equip(
                    service.settings,
                    own=service.own,
                    clock=service.clock,
                    database=service.database,
                    speaker=self._speaker,
                )
            return self._equipment

    def close(self) -> None:
        """Close what was opened."""
        with self._lock:
            if self._equipment is not None:
                self._equipment.close()

    def handles_of(self, owner: str) -> HandleStore | None:
        """The rows that an owner may page on in, from one request to the next; nothing is kept for nobody."""
        if not owner:
            return None
        with self._lock:
            found = self._handles.pop(owner, None) or HandleStore(most_bytes=OWNER_BYTES)
            self._handles[owner] = found
            while len(self._handles) > MOST_OWNERS:
                del self._handles[next(iter(self._handles))]
            return found

    @contextmanager
    def opened(
        self, role: Role, lang: Lang, *, incident: Incident | None = None, owner: str = ""
    ) -> Iterator[OpenCopilot]:
        """A team on the live sources, for somebody with a role."""
        examine: Callable[[], Sequence[Source]] | None = self.service.examine
        with open_live_copilot(
            self.service.settings,
            lang=lang,
            role=role,
            incident=incident,
            equipment=self.equipment,
            opener=examine,
            handles=self.handles_of(owner),
        ) as found:
            yield found

    def ask(
        self,
        text: str,
        *,
        role: Role,
        lang: Lang | None,
        previous: Understood | None = None,
        listen: Listener = _silent,
        owner: str = "",
    ) -> Answer:
        """Answer a question."""
        with self.opened(role, lang or self.service.settings.language, owner=owner) as found:
            return found.copilot.ask(text, lang=lang, previous=previous, listen=listen)

    def ask_in(
        self,
        session: str,
        text: str,
        *,
        owner: str,
        role: Role,
        lang: Lang | None,
        listen: Listener = _silent,
    ) -> Answer:
        """Answer a question that may go on from the one before, and keep both in the owner's session.

        Raises
        ------
        UsageError : when this owner has no such session
        """
        sessions = self.service.sessions
        last = sessions.last(session, owner=owner)
        previous = read(last["understood"]) if last else None
        answer = self.ask(text, role=role, lang=lang, previous=previous, listen=listen, owner=owner)
        self.keep(session, text, answer, owner=owner)
        return answer

    def keep(self, session: str, text: str, answer: Answer, *, owner: str) -> None:
        """Keep a question with its answer in the owner's session."""
        self.service.sessions.add(
            session,
            owner=owner,
            question=text,
            understood=written(answer.understood),
            answer=document(answer),
            now=self.service.clock.now(),
        )

    def session(self, key: str, *, owner: str, text: str) -> str:
        """The id of the owner's session; a new one where none is named.

        Raises
        ------
        UsageError : when this owner has no such session
        """
        sessions = self.service.sessions
        if not key:
            title = " ".join(text.split())[:TITLE]
            return str(sessions.open(owner=owner, title=title, now=self.service.clock.now())["id"])
        if sessions.get(key, owner=owner) is None:
            raise UsageError(f"session_id: there is no session {key!r}")
        return key

    def investigate(
        self, incident: Incident, *, role: Role, lang: Lang, listen: Listener = _silent, owner: str = ""
    ) -> tuple[Answer, Mapping[str, Any] | None]:
        """Let the team look into an incident; the answer, and the row under which it is kept."""
        began = self.service.clock.now()
        with self.opened(role, lang, incident=incident, owner=owner) as found:
            observation = found.scene.incident_observation()
            if observation is None:
                raise UsageError("at: leaves no time to look at")
            check_known(incident, found.scene)
            answer = found.copilot.investigate(observation, lang=lang, listen=listen)
        return answer, self._kept(answer, incident, began)

    def use(
        self, name: str, arguments: Mapping[str, Any], *, role: Role, lang: Lang, owner: str = ""
    ) -> ToolResult:
        """Ask one tool."""
        with self.opened(role, lang, owner=owner) as found:
            return found.toolbox.use(name, arguments)

    def _kept(self, answer: Answer, incident: Incident, began: float) -> Mapping[str, Any] | None:
        """Keep an investigation beside those of the watch; what could not be reproduced is not kept."""
        found = answer.investigated
        if found is None or answer.diagnosis is None:
            return None
        complaint = incident.complaint
        due = Due(began, incident.onset or began, complaint.entity, complaint.text, ())
        concluded = replace(found, diagnosis=answer.diagnosis)  # type: ignore[type-var]
        row = row_of(concluded, due, started_at=began, finished_at=self.service.clock.now())
        self.service.investigations.save([row])
        return row
