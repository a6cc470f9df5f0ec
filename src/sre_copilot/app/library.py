"""What is known beforehand, for a team: documents and experience of the store, or nothing where there is none."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from sre_copilot.agents.copilot import RecallAtOnce
from sre_copilot.agents.tool import Library
from sre_copilot.clock import Clock
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.knowledge import Recalled, Retrieved, Scope
from sre_copilot.knowledge.answering import Answered
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.settings.document import Settings
from sre_copilot.store.database import Database
from sre_copilot.store.passages import PassageStore


class KeptLibrary:
    """Searches documents where there are some, recalls experience where there is some; the encoder is loaded with the first search."""

    def __init__(self, library: Library, *, documents: bool) -> None:
        self._library = library
        self._documents = documents

    def search(
        self, question: str, *, scope: Scope | None = None, kinds: tuple[str, ...] = (), limit: int = 5
    ) -> tuple[Retrieved, ...]:
        """Passages that fit, best first; none when nothing fits."""
        return (
            self._library.search(question, scope=scope, kinds=kinds, limit=limit) if self._documents else ()
        )

    def answer(self, question: str, *, scope: Scope | None = None, limit: int = 3) -> Answered:
        """Passages that answer a question, word by word; none where there are no documents."""
        return self._library.answer(question, scope=scope, limit=limit) if self._documents else Answered()

    def recall(
        self, findings: tuple[Finding, ...], *, observation: Observation, fault_type: str = "", limit: int = 5
    ) -> tuple[Recalled, ...]:
        """Known faults that fit what was found, best first."""
        return self._library.recall(findings, observation=observation, fault_type=fault_type, limit=limit)


def recall_of(database: Database | None, clock: Clock) -> RecallAtOnce | None:
    """What recognises a known fault within a second; it looks at what is kept when it is asked."""
    if database is None:
        return None
    shelf = Experience(database, clock)

    def at_once(observation: Observation) -> Recalled | None:
        if not shelf.known():
            return None
        from sre_copilot.app.experience import Memory  # noqa: PLC0415 - a second of imports, only where there is something to recall

        return Memory(shelf).recall_at_once(observation)

    return at_once


_opened: WeakKeyDictionary[Database, Library] = WeakKeyDictionary()
_lock = threading.Lock()


def library_of(settings: Settings, database: Database | None, clock: Clock) -> Library | None:
    """The library of the store; None where it holds neither documents nor experience.

    The index is kept between questions of one process: making it takes seconds, and it notices what was added or removed.
    """
    if database is None:
        return None
    documents = bool(PassageStore(database).documents())
    shelf = Experience(database, clock)
    if not documents and not shelf.known():
        return None
    with _lock:
        if (library := _opened.get(database)) is None:
            from sre_copilot.app.experience import Memory  # noqa: PLC0415 - as above
            from sre_copilot.app.knowing import open_knowledge  # noqa: PLC0415

            library = open_knowledge(settings, database, recall=Memory(shelf).recall)
            _opened[database] = library
    return KeptLibrary(library, documents=documents)
