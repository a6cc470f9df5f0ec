"""The content of a log file: bytes at an offset, lines out of bytes, and marks that tell whether it is still the same file."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Self, cast

from sre_copilot.perception.lines.events import Line
from sre_copilot.perception.lines.file_listing import Entry

CHUNK = 4 * 2**20
HEAD, TAIL = 1024, 256
"""Bytes at the start of a file and before the offset that must not change: lines carry times, so that these differ between files."""
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Content:
    """An open file, plain or gzip; offsets are those of the unpacked text."""

    def __init__(self, file: BinaryIO, entry: Entry) -> None:
        self._file = file
        self.entry = entry

    def at(self, offset: int, size: int) -> bytes:
        """Bytes from an offset; fewer at the end."""
        self._file.seek(offset)
        return self._file.read(size)

    @property
    def size(self) -> int:
        """Length now; of a packed file, which must be read to know it, the most there can be."""
        return 2**62 if self.entry.packed else os.fstat(self._file.fileno()).st_size


@contextmanager
def opened(entry: Entry) -> Iterator[Content]:
    """Open a file as it is now: between listing and opening another may have taken its name."""
    with entry.path.open("rb") as raw:
        stat = os.fstat(raw.fileno())
        now = Entry(entry.path, stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime, entry.live)
        if not entry.packed:
            yield Content(raw, now)
            return
        with gzip.open(raw) as unpacked:
            yield Content(cast(BinaryIO, unpacked), now)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a file was read, and the print of what was read.

    `parked` files are copies of another one and are not read on; `last_ns` is the time of the last event that had one.
    """

    offset: int = 0
    head: str = ""
    head_bytes: int = 0
    tail: str = ""
    tail_bytes: int = 0
    parked: bool = False
    last_ns: int | None = None
    path: str = ""

    def fits(self, content: Content) -> bool:
        """Whether a file begins with all that was read."""
        if content.size < self.offset:
            return False
        head = content.at(0, self.head_bytes)
        tail = content.at(self.offset - self.tail_bytes, self.tail_bytes)
        return _print(head) == self.head and _print(tail) == self.tail

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Out of JSON."""
        return cls(**{name: document[name] for name in cls.__slots__ if name in document})


def mark_at(content: Content, offset: int, *, last_ns: int | None = None) -> Mark:
    """Mark an offset of a file."""
    head = content.at(0, min(HEAD, offset))
    tail = content.at(max(0, offset - TAIL), min(TAIL, offset))
    return Mark(
        offset,
        _print(head),
        len(head),
        _print(tail),
        len(tail),
        last_ns=last_ns,
        path=str(content.entry.path),
    )


def moved(mark: Mark, content: Content, data: bytes, offset: int) -> Mark | None:
    """Move a mark to `offset`, over `data` that was read from it on; None when the file was truncated meanwhile.

    What was read before is looked at last: once it is gone it does not come back.
    """
    after = mark_at(content, offset, last_ns=mark.last_ns)
    complete = after.head_bytes == min(HEAD, offset) and after.tail_bytes == min(TAIL, offset)
    same_tail = _print(data[: offset - mark.offset][-TAIL:]) == after.tail or offset - mark.offset < TAIL
    same_head = mark.offset > 0 or _print(data[: after.head_bytes]) == after.head
    return after if complete and same_head and same_tail and mark.fits(content) else None


def _print(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=12).hexdigest() if data else ""


def encoding_of(content: Content, given: str) -> str:
    """The encoding of a file: as given, else by its byte order mark, else UTF-8."""
    if given != "auto":
        return given
    start = content.at(0, 3)
    return next((name for mark, name in _BOMS if start.startswith(mark)), "utf-8")


def lines_of(data: bytes, offset: int, encoding: str, *, final: bool) -> list[Line]:
    """Complete lines of bytes that begin at `offset`; with `final` also the last one that has no end."""
    if encoding.startswith("utf-16"):
        return _wide_lines(data, offset, encoding, final=final)
    found, place = [], 0
    for raw in data.split(b"\n")[:-1]:
        found.append((_text(raw, encoding), offset + place, offset + place + len(raw) + 1))
        place += len(raw) + 1
    if final and place < len(data):
        found.append((_text(data[place:], encoding), offset + place, offset + len(data)))
    return found


def _wide_lines(data: bytes, offset: int, encoding: str, *, final: bool) -> list[Line]:
    found, place = [], 0
    parts = data[: len(data) // 2 * 2].decode(encoding, "surrogatepass").split("\n")
    for number, text in enumerate(parts):
        last = number == len(parts) - 1
        size = len(text.encode(encoding, "surrogatepass")) + (0 if last else 2)
        if size and (final or not last):
            found.append((_clean(text), offset + place, offset + place + size))
        place += size
    return found


def _text(raw: bytes, encoding: str) -> str:
    """Bytes that are no text stay visible as escapes."""
    return _clean(raw.decode(encoding, "backslashreplace"))


def _clean(text: str) -> str:
    """Without the end of a line, a byte order mark, and the zeros that a truncated file begins with."""
    return text.removesuffix("\r").lstrip("\x00\ufeff")
