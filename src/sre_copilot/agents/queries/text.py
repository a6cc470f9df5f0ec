"""A request as text that identifiers and values can be looked up in: words by their stems, Chinese by what it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from sre_copilot.agents.understanding.wording import Span, overlaps, plain, quoted

CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
IRREGULAR = {
    "indices": "index",
    "statuses": "status",
    "status": "status",
    "address": "address",
    "process": "process",
}


@cache
def stem(word: str) -> str:
    """A word without its plural."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


FORMAL = frozenset(map(stem, (
    "total", "seconds", "bytes", "count", "sum", "bucket", "milliseconds", "ms", "kg", "id", "at", "ratio", "info", "kube", "node", "container", "percent", "pod",
)))  # fmt: skip
"""Parts of identifiers that are form rather than meaning: units, suffixes, names of exporters."""


def parts(identifier: str) -> tuple[str, ...]:
    """The words of an identifier, in lower case."""
    return tuple(each.lower() for each in re.split(r"[^A-Za-z0-9]+", CAMEL.sub("_", identifier)) if each)


@cache
def lexicon() -> dict[str, tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]]:
    """Word of an identifier -> what it is called in English (stems of each phrase) and in Chinese."""
    found: dict[str, tuple[list[tuple[str, ...]], list[str]]] = {}
    for line in (files("sre_copilot.agents.queries") / "words.txt").read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        names, english, chinese = (each.strip() for each in line.split("|"))
        phrases = [tuple(map(stem, parts(each))) for each in english.split(",")]
        for name in names.split():
            en, zh = found.setdefault(stem(name), ([], []))
            en.extend(phrases)
            zh.extend(each.strip() for each in chinese.split(","))
    return {name: (tuple(dict.fromkeys(en)), tuple(dict.fromkeys(zh))) for name, (en, zh) in found.items()}


@cache
def syllables() -> dict[str, str]:
    """Chinese character -> its syllable, for names."""
    found: dict[str, str] = {}
    text = (files("sre_copilot.agents.queries") / "pinyin.txt").read_text(encoding="utf-8")
    words = " ".join(line for line in text.splitlines() if not line.startswith("#")).split()
    for syllable, characters in zip(words[::2], words[1::2], strict=True):
        found |= dict.fromkeys(characters, syllable)
    return found


@dataclass
class Text:
    """A request: its plain text, its Latin words, and which stretches were used."""

    raw: str
    plain: str = ""
    words: list[tuple[str, Span]] = field(default_factory=list)
    used: list[Span] = field(default_factory=list)
    quotes: list[tuple[str, Span]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.plain = plain(self.raw)
        self.quotes = [(self.raw[a:b].strip("`\"'“”「」『』"), (a, b)) for a, b in quoted(self.plain)]
        hidden = [span for _, span in self.quotes]
        self.words = [
            (stem(match[0]), match.span())
            for match in re.finditer(r"[a-z0-9]+", self.plain)
            if not any(overlaps(match.span(), span) for span in hidden)
        ]

    def hide(self, values: Iterable[str]) -> None:
        """Take the words of compound values (`basket-api`) out of what identifiers are looked up in."""
        spans = [
            span for value in values if re.search(r"\w[-_.:/ ]\w", value) for span in self.literal(value)
        ]
        self.words = [(word, at) for word, at in self.words if not any(overlaps(at, span) for span in spans)]

    def use(self, span: Span) -> None:
        """Remember that a stretch means something."""
        self.used.append(span)

    def phrase(self, stems: Sequence[str]) -> list[Span]:
        """Where a phrase of stems stands."""
        length = len(stems)
        return [
            (self.words[at][1][0], self.words[at + length - 1][1][1])
            for at in range(len(self.words) - length + 1)
            if all(self.words[at + step][0] == stems[step] for step in range(length))
        ]

    def chinese(self, word: str) -> list[Span]:
        """Where a Chinese word stands outside of quotations."""
        if not word or word.isascii():
            return []
        found = [match.span() for match in re.finditer(re.escape(word), self.plain)]
        return [span for span in found if not any(overlaps(span, each) for _, each in self.quotes)]

    def literal(self, name: str) -> list[Span]:
        """Where a name stands as it is written, or with other separators, or in syllables."""
        if not name:
            return []
        flexible = r"[\s_\-.]?".join(re.escape(each) for each in re.split(r"[\s_\-.]+", plain(name)) if each)
        if not re.search(r"[a-z0-9]", plain(name)):
            flexible = re.escape(plain(name))
        before, after = r"(?<![a-z0-9_/\-.])", r"(?![a-z0-9_/\-])"
        found = [match.span() for match in re.finditer(before + flexible + after, self.plain, re.ASCII)]
        return found or self._syllables(name)

    def _syllables(self, name: str) -> list[Span]:
        bare = re.sub(r"[^a-z]", "", name.lower())
        if len(bare) < 5 or bare != name.lower():  # shorter ones are met by chance
            return []
        table = syllables()
        for start, character in enumerate(self.plain):
            read = ""
            for end in range(start, min(start + 5, len(self.plain))):
                read += table.get(self.plain[end], "?")
                if read == bare and character:
                    return [(start, end + 1)]
        return []

    def called(self, word: str) -> list[Span]:
        """Where one word of an identifier is named, as itself or as people call it."""
        found = self.phrase((stem(word),))
        english, chinese = lexicon().get(stem(word), ((), ()))
        for phrase in english:
            found += self.phrase(phrase)
        for each in chinese:
            found += self.chinese(each) if not each.isascii() else self.phrase(tuple(map(stem, parts(each))))
        return sorted(set(found))

    def unused(self, ignorable: Iterable[re.Pattern[str]]) -> tuple[str, ...]:
        """Words that nobody used and that mean something."""
        bare = list(self.plain)
        for start, end in self.used:
            bare[start:end] = " " * (end - start)
        text = "".join(bare)
        for each in ignorable:
            text = each.sub(lambda match: " " * len(match[0]), text)
        return tuple(re.findall(r"[a-z0-9][\w.\-/]*|[\u3400-\u9fff]{2,}", text))
