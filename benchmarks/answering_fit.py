"""`python -m benchmarks.answering_fit [--write]`: fit what decides whether a passage answers, and cross-check it by leaving out documents.

Every question of the development set and of the seen half is asked twice: of all documents, and, when it has an answer, of all but the
one that answers. The model is a logistic regression over the few numbers of `knowledge.evidence`. Whatever belongs to one document is left
out together when its figures are taken, so that no figure is of a question whose document the model was fitted on. The unseen half is not read.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sre_copilot.eval.library.base import filled
from sre_copilot.eval.library.documents import even
from sre_copilot.eval.library.questions import documents, folder, questions
from sre_copilot.eval.library.retrieval import document_names
from sre_copilot.knowledge.answering import CANDIDATES, WEIGHTS_FILE
from sre_copilot.knowledge.evidence import NAMES, Asked, weigh
from sre_copilot.knowledge.index import HybridIndex
from sre_copilot.knowledge.terms import Meanings

SETS = ("development", "seen")
DECLINED = 0.95  # share of the unanswerable questions that must be declined: where the threshold is put
PENALTY = 0.1  # inverse strength of the penalty: fourteen numbers, and only a few hundred questions
OTHERS = 0.05  # what a passage counts that is not the first of its question: only the first one is judged in the end
REMOVED = 0.4  # what a question counts whose document was taken away: the set has as many of them as of the answerable
ROUNDS = 3  # of fitting and choosing the first passage anew; the choice does not change after that
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question to one base: the numbers of its passages, which of them hold the answer, and what the document is called."""

    half: str
    document: str
    wanted: str  # "answered", "declined" or "removed"
    rows: Numbers
    right: NDArray[np.bool_]
    right_document: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Weights of the numbers as they are, not standardised."""

    weights: Numbers
    bias: float

    def chances(self, rows: Numbers) -> Numbers:
        """How likely each passage answers."""
        return np.asarray(1.0 / (1.0 + np.exp(-(rows @ self.weights + self.bias))))


def main(argv: Sequence[str] | None = None) -> None:
    """Fit, print the figures, and keep the weights when asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answering_fit", description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep the weights for the product")
    arguments = parser.parse_args(argv)
    found = tuple(cases())
    chances = left_out(found)
    threshold = least(found, chances)
    for half in SETS:
        print(half, json.dumps(figures(half, found, chances, threshold)))
    model = fitted(found)
    document = {
        "bias": round(model.bias, 3),
        "answers": round(threshold, 3),
        "weights": {name: round(float(weight), 3) for name, weight in zip(NAMES, model.weights, strict=True)},
    }
    text = json.dumps(document, indent=2) + "\n"
    print(text, end="")
    if arguments.write:
        with as_file(files("sre_copilot.knowledge") / WEIGHTS_FILE) as path:
            path.write_text(text, encoding="utf-8")


def cases() -> Iterator[Case]:
    """Ask every question of all documents, and of all but its own."""
    with filled(documents(folder())) as knowledge:
        names = document_names(knowledge.shelf)
        encoder = knowledge.shelf.encoder
        senses = knowledge.shelf.vectors.senses(model=encoder.id)
        passages, meanings = knowledge.shelf.passages(), Meanings(encoder)
        whole = HybridIndex(passages, senses=senses, encoder=encoder)
        asked = [(half, row) for half in SETS for row in _rows(half)]
        for half, row in asked:
            yield _case(half, row, whole, meanings, names, removed=False)
        for document in sorted({row["document"] for _, row in asked if row["document"]}):
            kept = [each for each in passages if names[each.document_id] != document]
            rest = HybridIndex(kept, senses=senses, encoder=encoder)
            for half, row in asked:
                if row["document"] == document:
                    yield _case(half, row, rest, meanings, names, removed=True)


def _rows(half: str) -> list[dict[str, str]]:
    lines = (folder() / f"answers_{half}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    others = [each for each in questions(folder()).get(half, ()) if each.unanswerable]
    return rows + [{"text": each.text, "document": "", "quote": "", "near": each.id} for each in others]


def _case(
    half: str,
    row: dict[str, str],
    index: HybridIndex,
    meanings: Meanings,
    names: dict[str, str],
    *,
    removed: bool,
) -> Case:
    found = weigh(Asked(row["text"], index, meanings), index.search(row["text"], limit=CANDIDATES))
    answers = bool(row["quote"]) and not removed
    passages = [each.found.passage for each in found]
    return Case(
        half=half,
        document=row["near"],
        wanted="removed" if removed else "answered" if answers else "declined",
        rows=np.array([each.row() for each in found]).reshape(len(found), len(NAMES)),
        right=np.array([answers and even(row["quote"]) in even(each.text) for each in passages], dtype=bool),
        right_document=np.array(
            [names[each.document_id] == row["document"] for each in passages], dtype=bool
        ),
    )


def fitted(found: Sequence[Case]) -> Model:
    """A model of how likely the first passage of a question answers it; the model itself says which one is the first."""
    some = [each for each in found if len(each.rows)]
    rows, right = np.concatenate([each.rows for each in some]), np.concatenate([each.right for each in some])
    scaler = StandardScaler().fit(rows)
    scaled = scaler.transform(rows)
    counts = np.concatenate(
        [np.full(len(each.rows), REMOVED if each.wanted == "removed" else 1.0) for each in some]
    )
    starts = np.cumsum([0, *(len(each.rows) for each in some)])
    weights = counts
    for _ in range(ROUNDS):
        model = LogisticRegression(C=PENALTY, max_iter=1000).fit(scaled, right, sample_weight=weights)
        scores = model.decision_function(scaled)
        first = [start + int(np.argmax(scores[start:end])) for start, end in pairwise(starts)]
        weights = counts * OTHERS
        weights[first] = counts[first]
    plain = model.coef_[0] / scaler.scale_
    return Model(weights=plain, bias=float(model.intercept_[0] - plain @ scaler.mean_))


def left_out(found: Sequence[Case]) -> list[Numbers]:
    """The chances of each question's passages, by a model that was fitted without whatever belongs to its document."""
    models = {
        name: fitted([each for each in found if each.document != name])
        for name in sorted({each.document for each in found})
    }
    return [models[each.document].chances(each.rows) for each in found]


def least(found: Sequence[Case], chances: Sequence[Numbers]) -> float:
    """The threshold at which as many of the unanswerable questions are declined as must be."""
    best = [
        max(some, default=0.0) for each, some in zip(found, chances, strict=True) if each.wanted == "declined"
    ]
    return float(np.quantile(best, DECLINED, method="higher"))


def figures(
    half: str, found: Sequence[Case], chances: Sequence[Numbers], threshold: float
) -> dict[str, float | int]:
    """Shares of one set."""
    mine = [(each, some) for each, some in zip(found, chances, strict=True) if each.half == half]
    answerable = [(each, some) for each, some in mine if each.wanted == "answered"]
    quoted = [(each, int(np.argmax(some))) for each, some in answerable if max(some, default=0.0) > threshold]

    def declined(wanted: str) -> float:
        flags = [max(some, default=0.0) <= threshold for each, some in mine if each.wanted == wanted]
        return round(float(np.mean(flags)), 3)

    return {
        "answerable": len(answerable),
        "answered": round(len(quoted) / len(answerable), 3),
        "right_document_of_answered": round(
            float(np.mean([each.right_document[at] for each, at in quoted])), 3
        ),
        "right_words_first_of_answered": round(float(np.mean([each.right[at] for each, at in quoted])), 3),
        "unanswerable": sum(each.wanted == "declined" for each, _ in mine),
        "unanswerable_declined": declined("declined"),
        "declined_without_the_document": declined("removed"),
    }


if __name__ == "__main__":
    main()
