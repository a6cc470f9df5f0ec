"""How often a document that answers is among the first three, and how long a question takes among 5,000 passages."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sre_copilot.domain.knowledge import Passage, Retrieved
from sre_copilot.eval.library.base import filled
from sre_copilot.eval.library.questions import Asked, documents, questions
from sre_copilot.eval.workers import Progress
from sre_copilot.knowledge.encoder import Encoder, Vectors
from sre_copilot.knowledge.index import HybridIndex, parts
from sre_copilot.knowledge.language import sentences
from sre_copilot.knowledge.library import Knowledge
from sre_copilot.knowledge.shelf import Shelf
from sre_copilot.store.vectors import Memory

FIRST = 3
PASSAGES = 5000
TIMED = 100  # questions whose times are taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What was found for one question: the names of documents, best first."""

    asked: Asked
    found: tuple[str, ...]
    top_score: float

    @property
    def right(self) -> bool:
        """Whether a document that answers is among the first."""
        return any(name in self.asked.expected for name in self.found[:FIRST])


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalEvaluation:
    """All that was measured."""

    hits: Mapping[str, tuple[Hit, ...]]
    p95_ms: float
    documents: int
    passages: int

    def as_dict(self) -> dict[str, Any]:
        """The figures as a document."""
        halves = {half: _figures(hits) for half, hits in self.hits.items()}
        timed = {"p95_ms": round(self.p95_ms, 2), "timed_passages": PASSAGES}
        return {"retrieval": {**halves, **timed, "documents": self.documents, "passages": self.passages}}


def evaluate_retrieval(place: Path, *, progress: Progress = lambda *_: None) -> RetrievalEvaluation:
    """Ask all questions that have an answer."""
    paths = documents(place)
    asked = questions(place)
    with filled(paths, progress=progress) as knowledge:
        names = document_names(knowledge.shelf)
        hits = {
            half: tuple(_hit(knowledge, each, names) for each in some if not each.unanswerable)
            for half, some in asked.items()
        }
        passages = knowledge.shelf.passages()
        index = _large(passages, knowledge.shelf.encoder)
    p95 = _p95_ms(index, [each.text for some in asked.values() for each in some])
    return RetrievalEvaluation(hits=hits, p95_ms=p95, documents=len(paths), passages=len(passages))


def document_names(shelf: Shelf) -> dict[str, str]:
    """The name of each document's file without its ending, by its id."""
    return {row["id"]: Path(row["origin"]).stem for row in shelf.store.documents()}


def _hit(knowledge: Knowledge, asked: Asked, names: Mapping[str, str]) -> Hit:
    # several passages of one document are one document: more are asked for than are counted
    found: Sequence[Retrieved] = knowledge.search(asked.text, limit=4 * FIRST)
    ordered = tuple(dict.fromkeys(names[each.passage.document_id] for each in found))
    return Hit(asked=asked, found=ordered, top_score=found[0].score if found else 0.0)


def _figures(hits: Sequence[Hit]) -> dict[str, Any]:
    groups = {
        "same": [h for h in hits if not h.asked.crossed],
        "crossed": [h for h in hits if h.asked.crossed],
    }
    recall = {
        name: round(float(np.mean([h.right for h in some])), 4) if some else None
        for name, some in groups.items()
    }
    return {
        "recall_at_3": recall,
        "n": len(hits),
        "n_same": len(groups["same"]),
        "n_crossed": len(groups["crossed"]),
    }


def _large(passages: Sequence[Passage], encoder: Encoder) -> HybridIndex:
    """5,000 passages, drawn anew from the sentences of those that are there; vectors are drawn with their sentences."""
    draw = random.Random(7)  # noqa: S311 - a fixed draw, nothing secret
    pool = [(sentence, passage) for passage in passages for sentence in sentences(passage.text)]
    made: dict[str, Vectors] = {}
    known = encoder.encode([text for text, _ in pool])
    drawn = []
    for number in range(PASSAGES):
        like = passages[number % len(passages)]
        chosen = [draw.randrange(len(pool)) for _ in range(max(len(parts(like)) - 2, 1))]
        text = " ".join(pool[at][0] for at in chosen)
        drawn.append(replace(like, id=f"P-{number}", text=text, document_id=f"D-{number // 10}"))
        made[f"P-{number}"] = known[[*chosen, chosen[0], chosen[0]]]
    return HybridIndex(drawn, senses=Memory(made), encoder=encoder)


def _p95_ms(index: HybridIndex, texts: Sequence[str]) -> float:
    index.search("warm up")
    times = []
    for text in (list(texts) * (TIMED // max(len(texts), 1) + 1))[:TIMED]:
        started = time.perf_counter()
        index.search(text)
        times.append(1000 * (time.perf_counter() - started))
    return float(np.percentile(times, 95))
