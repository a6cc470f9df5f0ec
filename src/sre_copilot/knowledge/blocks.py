"""What a document is once it was read, and what it may be at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
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
