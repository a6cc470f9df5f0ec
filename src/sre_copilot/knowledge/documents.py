"""A file becomes a document: blocks of its own words, each with its page where there is one, and whatever was hidden from the eye.

Nothing of a file is ever run, fetched or unpacked beyond the limits; what cannot be read is a `DocumentError` that says why and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from sre_copilot.domain.knowledge import Kind, Scope
from sre_copilot.errors import UsageError

BlockKind = Literal["heading", "text", "list", "table", "code"]
Paging = Literal["exact", "rendered", "breaks", "none"]
"""How pages are known: as the file lays them out, as Word last laid them out, by the author's own breaks alone, or not at all."""


class DocumentError(UsageError):
    """A document cannot be read; the others still can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a file may be at most; a document beyond it is refused, never cut in silence."""

    megabytes: float = 50.0
    """Size of the file, and of what is unpacked from it: manuals with pictures are below."""
    pages: int = 2000
    characters: int = 5_000_000
    """Text of one document: about 2,000 dense pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A part of a document in its own words."""

    kind: BlockKind
    text: str
    level: int = 0
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What was read. `hidden` is text that a reader of the file does not see; it is no part of the blocks."""

    title: str
    blocks: tuple[Block, ...]
    pages: int | None = None
    paging: Paging = "none"
    hidden: tuple[str, ...] = ()
    kind: Kind = "document"
    scope: Scope = field(default_factory=Scope)


Reader = Callable[[bytes, str, Limits], Document]
"""Reads the bytes of a file; its name without the ending is the title where the document has none."""


def read_document(path: Path, *, limits: Limits | None = None) -> Document:
    """Read a file by its ending.

    Raises
    ------
    DocumentError : what is wrong with it, and the way out
    """
    allowed = limits or Limits()
    try:
        size = path.stat().st_size
        if size > allowed.megabytes * 1_000_000:
            raise DocumentError(
                f"has {size / 1e6:.0f} MB; {allowed.megabytes:g} are allowed (knowledge.max_megabytes)"
            )
        data = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror}") from None
    return read_bytes(data, name=path.name, limits=allowed)


def read_bytes(data: bytes, *, name: str, limits: Limits | None = None) -> Document:
    """Read the content of a file that goes by a name."""
    allowed = limits or Limits()
    ending = Path(name).suffix.lower()
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise DocumentError(
            "is encrypted or of the old binary form; save it as .docx or .pdf without a password"
        )
    if ending in UNREADABLE:
        raise DocumentError(f"'{ending}' is not read; {UNREADABLE[ending]}")
    reader = readers().get(ending)
    if reader is None:
        raise DocumentError(f"'{ending}' is not known; readable are {' '.join(sorted(readers()))}")
    document = reader(data, Path(name).stem, allowed)
    return _checked(document, allowed)


UNREADABLE: Mapping[str, str] = {
    ".doc": "save it as .docx",
    ".docm": "it holds macros; save it as .docx",
    ".dotm": "it holds macros; save it as .docx",
    ".ppt": "save it as PDF",
    ".pptx": "save it as PDF",
    ".xls": "save it as .csv",
    ".xlsx": "save it as .csv",
    ".xlsm": "it holds macros; save it as .csv",
    ".zip": "unpack it and add the folder",
}
"""Files that people have, and what to do with them."""


def readers() -> Mapping[str, Reader]:
    """Readers by the ending of a file; imported when the first document is read."""
    from sre_copilot.knowledge.formats import conversation, markdown, other, pdf, text, web, word  # noqa: PLC0415

    return {
        ".pdf": pdf.read,
        ".docx": word.read,
        **dict.fromkeys((".md", ".markdown"), markdown.read),
        **dict.fromkeys((".html", ".htm"), web.read),
        **dict.fromkeys((".txt", ".text", ".rst", ".adoc", ".log"), text.read),
        **dict.fromkeys((".json", ".jsonl"), conversation.read),
        **dict.fromkeys((".csv", ".epub", ".ipynb"), other.read),
    }


def _checked(document: Document, limits: Limits) -> Document:
    """Refuse what is too much or nothing."""
    blocks = tuple(block for block in document.blocks if block.text.strip())
    characters = sum(len(block.text) for block in blocks)
    if characters > limits.characters:
        raise DocumentError(
            f"holds {characters:,} characters; {limits.characters:,} are allowed (knowledge.max_characters)"
        )
    if document.pages is not None and document.pages > limits.pages:
        raise DocumentError(
            f"has {document.pages:,} pages; {limits.pages:,} are allowed (knowledge.max_pages)"
        )
    if not characters:
        hint = (
            "its pages may be pictures; let a text recognition run over it"
            if document.paging == "exact"
            else "it is empty"
        )
        raise DocumentError(f"holds no text: {hint}")
    title = " ".join(document.title.split())[:300] or "untitled"
    return replace(document, blocks=blocks, title=title)
