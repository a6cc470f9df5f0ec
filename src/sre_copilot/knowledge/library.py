"""What is known beforehand, as agents may use it: passages by question, known faults by findings."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.knowledge import Recalled, Retrieved, Scope
from sre_copilot.knowledge.answering import Answered, answer
from sre_copilot.knowledge.index import HybridIndex
from sre_copilot.knowledge.shelf import Shelf

Recall = Callable[..., tuple[Recalled, ...]]
"""`recall(findings, observation=…, fault_type=…, limit=…)`: known faults that fit what was found."""


class Knowledge:
    """The shelf, ready to be asked; it notices when documents were added, changed or removed, by any process."""

    def __init__(self, shelf: Shelf, *, recall: Recall | None = None) -> None:
        self.shelf = shelf
        self._recall = recall
        self._lock = threading.Lock()
        self._state: tuple[object, ...] = ()
        self._index: HybridIndex | None = None

    def search(
        self, question: str, *, scope: Scope | None = None, kinds: tuple[str, ...] = (), limit: int = 5
    ) -> tuple[Retrieved, ...]:
        """Passages that fit, best first; none when nothing fits."""
        return self.index().search(question, scope=scope, kinds=kinds, limit=limit)

    def recall(
        self, findings: tuple[Finding, ...], *, observation: Observation, fault_type: str = "", limit: int = 5
    ) -> tuple[Recalled, ...]:
        """Known faults that fit what was found, best first; none where no experience is kept."""
        if self._recall is None:
            return ()
        return self._recall(findings, observation=observation, fault_type=fault_type, limit=limit)

    def answer(
        self, question: str, *, scope: Scope | None = None, kinds: tuple[str, ...] = (), limit: int = 3
    ) -> Answered:
        """Quote the passages that answer a question, or say that none does."""
        return answer(question, self.index(), scope=scope, kinds=kinds, limit=limit)

    def index(self) -> HybridIndex:
        """The present index; made anew when anything changed since the last question."""
        with self._lock:
            state = self.shelf.state()
            if self._index is None or state != self._state:
                senses = self.shelf.vectors.senses(model=self.shelf.encoder.id)
                self._index = HybridIndex(self.shelf.passages(), senses=senses, encoder=self.shelf.encoder)
                self._state = state
            return self._index
