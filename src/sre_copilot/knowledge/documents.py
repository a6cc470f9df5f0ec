"""A file becomes a document: blocks of its own words, each with its page where there is one, and whatever was hidden from the eye.

Nothing of a file is ever run, fetched or unpacked beyond the limits; what cannot be read is a `DocumentError` that says why and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sre_copilot.knowledge.blocks import Block, Document, DocumentError, Limits, Reader

__all__ = ["Block", "Document", "DocumentError", "Limits", "read_bytes", "read_document", "readers"]


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
