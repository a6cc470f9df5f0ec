"""Text as retrieval sees it: its language, its words, its sentences, and the meanings that two languages share.

Chinese has no spaces: its runs become bigrams, and single characters where a run has but one. English words lose their endings. Meanings come
from `glossary.txt`, where a line holds the words of both languages for one thing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sre_copilot.domain.knowledge import Lang

CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
LONGEST_TERM = 4  # English words in a term of the glossary
_RUN = re.compile(rf"[{CJK}]+|[a-z0-9]+(?:[._:/@#+-]+[a-z0-9]+)*")
_APOSTROPHE = re.compile(r"(?<=[a-z])['’](?:s|t|re|ve|ll|d|m)\b")
_PARTS = re.compile(r"[a-z]+|\d+")
_CJK = re.compile(rf"[{CJK}]")
_LATIN = re.compile(r"[A-Za-z]+")
_SENTENCE = re.compile(r"[^.!?。！？；;\n]*(?:[.!?](?!\s|$)[^.!?。！？；;\n]*)*(?:[.!?。！？；;\n]+|$)")
_ENDINGS = (
    "ations",
    "ation",
    "ments",
    "ment",
    "ings",
    "ing",
    "ies",
    "ied",
    "edly",
    "ed",
    "ers",
    "er",
    "es",
    "s",
    "ly",
)
_STOP = frozenset((files("sre_copilot.knowledge") / "stopwords.txt").read_text(encoding="utf-8").split())
_STOP_CJK = frozenset("的了是在有和与或吗呢吧啊我你他她它们这那个把被对于从到为以及就都也要会能可请")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A text taken apart: words of its own language; what both languages share (meanings, names, numbers).

    `understood` is the share of its contents, 0..1, that is shared: what else a text in the other language says cannot be told.
    """

    own: tuple[str, ...]
    shared: tuple[str, ...]
    understood: float


def language(text: str) -> Lang:
    """The language of a text: Chinese when its characters outnumber a third of the Latin words (a Chinese text on computers is full of those)."""
    return "zh" if len(_CJK.findall(text)) * 3 > len(_LATIN.findall(text)) else "en"


def plain(text: str) -> str:
    """Full-width forms made narrow, lower case."""
    return unicodedata.normalize("NFKC", text).lower()


def runs(text: str) -> tuple[str, ...]:
    """Runs of Chinese, and words and identifiers in Latin letters, in order, as they are written but for capitals."""
    return tuple(_RUN.findall(_APOSTROPHE.sub("", plain(text))))


def is_chinese(run: str) -> bool:
    """Whether a run is of Chinese characters."""
    return _CJK.match(run) is not None


def is_little(word: str) -> bool:
    """Whether an English word says nothing by itself: an article, a pronoun, an auxiliary verb."""
    return word in _STOP


def latin_runs(text: str) -> tuple[str, ...]:
    """Words and identifiers in Latin letters, as they are written but for capitals."""
    return tuple(run for run in runs(text) if not is_chinese(run))


def sentences(text: str) -> tuple[str, ...]:
    """Sentences, in order; joined, they are the text but for blanks at their edges."""
    return tuple(each for part in _SENTENCE.findall(text) if (each := part.strip()))


def width(text: str) -> int:
    """Length in characters, where one of Chinese says as much as two others."""
    return len(text) + len(_CJK.findall(text))


def words(text: str) -> Words:
    """Take a text apart."""
    taken = _Taken()
    for run in runs(text):
        if is_chinese(run):
            taken.flush()
            taken.chinese(run)
        else:
            taken.latin(run)
    taken.flush()
    understood = taken.known / taken.said if taken.said else 0.0
    return Words(own=tuple(taken.own), shared=tuple(taken.shared), understood=understood)


@cache
def stem(word: str) -> str:
    """An English word without its ending, as long as three letters stay."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    word = word[:-1] if len(word) > 3 and word[-1] in "eyi" else word
    return word[:-1] if len(word) > 4 and word[-1] == word[-2] else word


class _Taken:
    """What was taken out of a text so far; English words wait for those that follow, for a term may have several."""

    def __init__(self) -> None:
        self.own: list[str] = []
        self.shared: list[str] = []
        self.said = 0  # contents, in words of English and halves of a word of Chinese
        self.known = 0
        self._waiting: list[tuple[str, bool]] = []

    def latin(self, run: str) -> None:
        """Take a word, or an identifier whole and in its parts."""
        parts = _PARTS.findall(run)
        if len(parts) > 1:
            self.own.append(run)
            self.shared.append(f"={run}")
        for part in parts:
            content = part not in _STOP and (len(part) > 1 or part.isdigit())
            self._waiting.append((stem(part), content))
            if content:
                self.own.append(stem(part))

    def chinese(self, run: str) -> None:
        """Take a run of Chinese: its bigrams, and its meanings, the longest first."""
        self.own += _bigrams(run)
        known, at = glossary().chinese, 0
        while at < len(run):
            size = glossary().size(run, at)
            self.shared += known[run[at : at + size]] if size else []
            self.shared += known.get(run[at : at + 2], []) if size > 2 else []
            self._count(size or (run[at] not in _STOP_CJK), known=bool(size))
            at += size or 1

    def flush(self) -> None:
        """Take the meanings of the English words that wait, the longest first; what has none is a name."""
        known, at = glossary().english, 0
        stems = [word for word, _ in self._waiting]
        while at < len(stems):
            sizes = range(min(LONGEST_TERM, len(stems) - at), 0, -1)
            size = next((n for n in sizes if tuple(stems[at : at + n]) in known), 0)
            self.shared += known[tuple(stems[at : at + size])] if size else []
            if size > 1:
                self.shared += [each for word in stems[at : at + size] for each in known.get((word,), [])]
            if not size and self._waiting[at][1]:
                self.shared.append(f"={stems[at]}")
            said = sum(content for _, content in self._waiting[at : at + (size or 1)])
            self._count(2 * said, known=bool(size))
            at += size or 1
        self._waiting.clear()

    def _count(self, said: int, *, known: bool) -> None:
        self.said += said
        self.known += said if known else 0


def _bigrams(run: str) -> list[str]:
    pairs = [run[at : at + 2] for at in range(len(run) - 1)] if len(run) > 1 else [run]
    return [pair for pair in pairs if not all(each in _STOP_CJK for each in pair)]


@dataclass(frozen=True, slots=True)
class Glossary:
    """Meanings by their words."""

    english: dict[tuple[str, ...], list[str]]
    chinese: dict[str, list[str]]
    longest: int

    def size(self, run: str, at: int, *, least: int = 1) -> int:
        """Length of the longest Chinese word that begins at a place; 0 when none does."""
        sizes = range(min(self.longest, len(run) - at), least - 1, -1)
        return next((size for size in sizes if run[at : at + size] in self.chinese), 0)


@cache
def glossary() -> Glossary:
    """The words that two languages have for one thing."""
    english: dict[tuple[str, ...], list[str]] = {}
    chinese: dict[str, list[str]] = {}
    text = (files("sre_copilot.knowledge") / "glossary.txt").read_text(encoding="utf-8")
    for line in filter(None, (line.split("#")[0].strip() for line in text.splitlines())):
        left, right = (part.split(",") for part in line.split("="))
        meaning = f"~{left[0].strip()}"
        for term in left:
            english.setdefault(tuple(stem(part) for part in _PARTS.findall(term.lower())), []).append(meaning)
        for term in right:
            if _CJK.search(term):
                chinese.setdefault(term.strip(), []).append(meaning)
    return Glossary(english, chinese, max(map(len, chinese)))
