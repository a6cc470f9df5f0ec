"""Plain text, whatever its encoding."""

from __future__ import annotations

import re

from sre_copilot.knowledge.blocks import Block, Document, DocumentError, Limits

ENCODINGS = ("utf-8-sig", "gb18030")  # the second is what older Chinese systems write
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def decoded(data: bytes) -> str:
    """The text of a file.

    Raises
    ------
    DocumentError : when it is no text
    """
    for encoding in (_MARKS[data[:2]],) if data[:2] in _MARKS else ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise DocumentError("is no text of a known encoding; save it as UTF-8")


def read(data: bytes, name: str, limits: Limits) -> Document:
    """Paragraphs between empty lines."""
    paragraphs = [part.strip("\n") for part in re.split(r"\n\s*\n", decoded(data))]
    return Document(
        title=name, blocks=tuple(Block(kind="text", text=part) for part in paragraphs if part.strip())
    )
