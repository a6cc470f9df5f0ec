"""Whether quotations from PDF and Word files are exact and name the right page, and whether what no document answers is declined."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from sre_copilot.domain.knowledge import Retrieved
from sre_copilot.eval.library.base import filled
from sre_copilot.eval.library.fonts import letters_of
from sre_copilot.eval.library.questions import HALVES, documents, questions
from sre_copilot.eval.library.retrieval import document_names
from sre_copilot.eval.library.written import Written, font, write_pdf, write_word
from sre_copilot.eval.workers import Progress
from sre_copilot.knowledge.documents import read_document
from sre_copilot.knowledge.language import CJK
from sre_copilot.knowledge.library import Knowledge

_BESIDE = re.compile(rf"(?<=[{CJK}\u3000-\u303f\uff00-\uffef]) | (?=[{CJK}\u3000-\u303f\uff00-\uffef])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A question to documents: the document and the words that answer, or none."""

    id: str
    text: str
    document: str = ""
    quote: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was quoted for a question. `exact` and `page_right` are of each quotation; `right`: one of them holds the words that answer."""

    wanted: Wanted
    exact: tuple[bool, ...]
    page_right: tuple[bool, ...]
    document_right: bool
    right: bool

    @property
    def declined(self) -> bool:
        """Whether nothing was quoted."""
        return not self.exact


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentEvaluation:
    """All that was measured, by half."""

    judged: Mapping[str, tuple[Judged, ...]]
    files: int
    pages: int

    def as_dict(self) -> dict[str, Any]:
        """The figures as a document."""
        halves = {half: _figures(some) for half, some in self.judged.items()}
        return {"documents": {**halves, "files": self.files, "pages": self.pages}}


def evaluate_documents(place: Path, *, progress: Progress = lambda *_: None) -> DocumentEvaluation:
    """Write the documents as PDF and Word by turns, read them again, and ask."""
    asked = {half: wanted(place, half) for half in HALVES}
    with TemporaryDirectory() as folder:
        written = _written(documents(place), Path(folder))
        with filled([each.path for each in written], progress=progress) as knowledge:
            names = document_names(knowledge.shelf)
            pages = {each.path.stem: tuple(even(page) for page in each.pages) for each in written}
            judged = {
                half: tuple(_judged(knowledge, each, names, pages) for each in some)
                for half, some in asked.items()
                if some
            }
    return DocumentEvaluation(
        judged=judged, files=len(written), pages=sum(len(each.pages) for each in written)
    )


def wanted(place: Path, half: str) -> tuple[Wanted, ...]:
    """Questions of a half: those with the words that answer, and the unanswerable of retrieval too."""
    path = place / f"answers_{half}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = [_wanted(orjson.loads(line)) for line in lines if line.strip()]
    others = [each for each in questions(place).get(half, ()) if each.unanswerable]
    return (*found, *(Wanted(id=each.id, text=each.text) for each in others))


def even(text: str) -> str:
    """A text without what a layout changes: the length of blanks, and blanks beside Chinese."""
    return _BESIDE.sub("", " ".join(text.split()))


def _wanted(row: Mapping[str, Any]) -> Wanted:
    return Wanted(
        id=row["id"], text=row["text"], document=row.get("document") or "", quote=row.get("quote") or ""
    )


def _written(paths: Sequence[Path], folder: Path) -> list[Written]:
    """Every other one as PDF, the rest as Word."""
    read = [(path.stem, read_document(path)) for path in paths]
    text = "".join(
        sorted(set("".join(block.text for _, document in read for block in document.blocks) + "0123456789"))
    )
    letters = letters_of(font(), text, folder / "letters.ttf")
    pdfs = [write_pdf(each, folder / f"{name}.pdf", letters=letters) for name, each in read[::2]]
    return pdfs + [write_word(each, folder / f"{name}.docx") for name, each in read[1::2]]


def _judged(
    knowledge: Knowledge, asked: Wanted, names: Mapping[str, str], pages: Mapping[str, Sequence[str]]
) -> Judged:
    quotes = knowledge.answer(asked.text).quotes
    return Judged(
        wanted=asked,
        exact=tuple(_exact(each, pages[names[each.passage.document_id]]) for each in quotes),
        page_right=tuple(_page_right(each, pages[names[each.passage.document_id]]) for each in quotes),
        document_right=bool(quotes) and names[quotes[0].passage.document_id] == asked.document,
        right=any(even(asked.quote) in even(each.passage.text) for each in quotes) if asked.quote else False,
    )


def _exact(quote: Retrieved, pages: Sequence[str]) -> bool:
    """Whether all parts of a quotation are in the document word by word, in this order."""
    whole, at = even("\n".join(pages)), 0
    for part in _parts(quote):
        at = whole.find(part, at)
        if at < 0:
            return False
    return True


def _page_right(quote: Retrieved, pages: Sequence[str]) -> bool:
    page = quote.passage.page
    return (
        page is not None
        and 1 <= page <= len(pages)
        and all(part in pages[page - 1] for part in _parts(quote))
    )


def _parts(quote: Retrieved) -> list[str]:
    """The blocks of a quotation: between them the file may hold a heading, but within them nothing else."""
    return [even(part) for part in quote.passage.text.split("\n\n")]


def _figures(judged: Sequence[Judged]) -> dict[str, Any]:
    answerable = [each for each in judged if each.wanted.document]
    quoted = [each for each in judged if not each.declined]
    unanswerable = [each for each in judged if not each.wanted.document]
    quotes = [flag for each in quoted for flag in each.exact]
    return {
        "quotes": len(quotes),
        "exact": _share(quotes),
        "page_right": _share([flag for each in quoted for flag in each.page_right]),
        "unanswerable": len(unanswerable),
        "unanswerable_declined": _share([each.declined for each in unanswerable]),
        "answerable": len(answerable),
        "answered": _share([not each.declined for each in answerable]),
        "answered_with_the_right_words": _share([each.right for each in answerable]),
        "right_document_when_answered": _share(
            [each.document_right for each in answerable if not each.declined]
        ),
    }


def _share(flags: Sequence[bool]) -> float | None:
    return round(sum(flags) / len(flags), 4) if flags else None
