"""Following log files: what is new since the last time, through rotation and truncation, each line once.

A file is known by device and inode, and by a print of its head and of the bytes before the offset. No file is kept open between
two polls. What may have happened in between, and how it is told:

- renamed: the same inode under another name; it is read on there;
- renamed and packed, or moved to another file system: an unknown file that begins with all that was read of one that is gone;
- copied and truncated: the file no longer begins with what was read; the rest is read from the copy, an older sibling that does;
- several rotations: a sibling that nobody knows; it is read from its start.

A file that is deleted before it was read to its end takes its last lines with it; a truncation without a copy is a gap.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from sre_copilot.perception.lines.events import Event, Joiner, finished
from sre_copilot.perception.lines.file_content import (
    CHUNK,
    Content,
    Mark,
    encoding_of,
    lines_of,
    mark_at,
    moved,
    opened,
)
from sre_copilot.perception.lines.file_listing import Entry, related
from sre_copilot.perception.lines.rows import Position

SETTLED_S = (
    1.0  # a process writes a stack trace at once; whoever pauses in it for a second is taken to be done
)
ABANDONED_S = 5.0  # after a rename a process goes on writing to the old file until it is told to reopen
LOOK_BACK = 2**18  # bytes: the last line of a file is hardly longer
PRINT = 256  # bytes that a file with a name of its own must share with one that is gone to be taken for it
KEPT = 256  # marks of files that are gone, for what may still come of them packed
NOWHERE = -1  # device of marks whose file lost its inode to another one
UNREADABLE = (OSError, EOFError, zlib.error)

Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """Events of one file in order, with the time of the last event before them."""

    entry: Entry
    events: tuple[Event, ...]
    last_ns: int | None


@dataclass
class Problems:
    """What a poll could not do."""

    unreadable: list[str] = field(default_factory=list)
    truncated: list[str] = field(default_factory=list)
    behind: bool = False


class FileFollower:
    """Gives what is new; `list_files` names the files, `joiner_of` says how events are made of the lines of one."""

    def __init__(
        self,
        list_files: Callable[[], list[Entry]],
        joiner_of: Callable[[Content], Joiner],
        *,
        clock: Callable[[], float],
        encoding: str = "auto",
        from_beginning: bool = False,
        max_bytes: int = 64 * CHUNK,
    ) -> None:
        self._list = list_files
        self._joiner_of = joiner_of
        self._clock = clock
        self._encoding = encoding
        self._from_beginning = from_beginning
        self._max_bytes = max_bytes
        self._marks: dict[Key, Mark] = {}
        self._begun = False
        self.problems = Problems()

    def poll(self) -> Iterator[Piece]:
        """Yield what is new; a piece counts as read when the next one is asked for."""
        self.problems = Problems()
        entries = self._list()
        if not self._begun:
            self._begin(entries)
        budget = self._max_bytes
        for entry in entries:
            for piece in self._guarded(entry, entries):
                budget -= sum(event.end - event.start for event in piece.events)
                yield piece
                if budget <= 0:
                    self.problems.behind = True
                    return
        self._prune(entries)

    def told(self, entry: Entry, last_ns: int | None) -> None:
        """Remember the time of the last event of a file."""
        if entry.key in self._marks and last_ns is not None:
            self._marks[entry.key] = replace(self._marks[entry.key], last_ns=last_ns)

    def position(self) -> Position:
        """The marks."""
        files = [{"device": d, "inode": i, **mark.document()} for (d, i), mark in self._marks.items()]
        return {"begun": self._begun, "files": files}

    def resume(self, position: Position) -> None:
        """Take the marks of an earlier process."""
        files = position.get("files", ())
        self._marks = {(int(each["device"]), int(each["inode"])): Mark.of(each) for each in files}
        self._begun = bool(position.get("begun"))

    def _begin(self, entries: Iterable[Entry]) -> None:
        """The first poll: read from the beginning, or mark what is there as read."""
        self._begun = True
        for entry in entries if not self._from_beginning else ():
            try:
                with opened(entry) as content:
                    end = 0 if entry.packed else _last_line_end(content, encoding_of(content, self._encoding))
                    self._marks[content.entry.key] = replace(mark_at(content, end), parked=entry.packed)
            except UNREADABLE:
                self.problems.unreadable.append(str(entry.path))

    def _guarded(self, entry: Entry, entries: list[Entry]) -> Iterator[Piece]:
        try:
            with opened(entry) as content:
                yield from self._advance(content, entries)
        except FileNotFoundError:  # renamed since it was listed: the next poll finds it again
            return
        except UNREADABLE:
            self.problems.unreadable.append(str(entry.path))

    def _advance(self, content: Content, entries: list[Entry]) -> Iterator[Piece]:
        entry = content.entry
        mark = self._marks.get(entry.key)
        if mark is not None and not mark.fits(content):
            yield from self._replaced(content, mark)
            mark = None
        mark = mark or self._first_sight(content, entries)
        if mark is None or mark.parked:
            self._marks |= {entry.key: mark} if mark else {}
            return
        self._marks[entry.key] = mark
        yield from self._read(content, mark, final=self._is_final(entry))

    def _replaced(self, content: Content, mark: Mark) -> Iterator[Piece]:
        """A file was truncated, or another one has got the inode of one that is gone."""
        self._set_aside(content.entry.key)
        if content.entry.live and not mark.parked:
            yield from self._rest(mark, content)

    def _set_aside(self, key: Key) -> None:
        """Take the mark off an inode that is another file's now; what it belongs to may yet turn up, packed or copied."""
        mark = self._marks.pop(key, None)
        if mark is not None and not mark.parked:
            self._marks[NOWHERE, min((i for d, i in self._marks if d == NOWHERE), default=0) - 1] = mark

    def _is_final(self, entry: Entry) -> bool:
        return entry.packed or (not entry.live and self._clock() - entry.modified >= ABANDONED_S)

    def _first_sight(self, content: Content, entries: list[Entry]) -> Mark | None:
        """The mark of a file that is not known by its inode; None to wait until it is complete."""
        entry = content.entry
        if not entry.live and self._is_unsettled(entry):  # a copy may be under way
            return None
        for key, mark in list(self._marks.items()):
            if not mark.parked and self._may_be(mark, entry) and mark.fits(content):
                if not self._is_there(key, mark, entries):
                    del self._marks[key]
                    return replace(mark, path=str(entry.path))
                if not entry.live:
                    return replace(mark, parked=True)
        return Mark(path=str(entry.path))

    def _may_be(self, mark: Mark, entry: Entry) -> bool:
        """Whether a print is worth comparing: among the parts of one log few bytes tell, among strangers more are needed."""
        needed = PRINT if entry.live else 1
        return mark.head_bytes >= needed and (entry.live or related(entry.path, Path(mark.path)))

    def _is_unsettled(self, entry: Entry) -> bool:
        return 0 <= self._clock() - entry.modified < SETTLED_S

    def _is_there(self, key: Key, mark: Mark, entries: list[Entry]) -> bool:
        """Whether the file that a mark belongs to still is what it was."""
        found = next((each for each in entries if each.key == key), None)
        if found is None:
            return False
        try:
            with opened(found) as content:
                return content.entry.key == key and mark.fits(content)
        except UNREADABLE:
            return False

    def _rest(self, mark: Mark, truncated: Content) -> Iterator[Piece]:
        """What was written between the last poll and the truncation: out of the copy."""
        waiting = False
        for entry in self._list():
            same = entry.key == truncated.entry.key
            if same or entry.live or not related(entry.path, truncated.entry.path):
                continue
            try:
                with opened(entry) as content:
                    if self._is_copy(content, mark):
                        yield from self._read_copy(content, mark)
                        return
                    waiting |= self._is_unsettled(content.entry)
            except UNREADABLE:
                waiting = True
        if not waiting:
            self.problems.truncated.append(str(truncated.entry.path))

    def _is_copy(self, content: Content, mark: Mark) -> bool:
        known = self._marks.get(content.entry.key)
        return (known is None or known.parked or not known.fits(content)) and mark.fits(content)

    def _read_copy(self, content: Content, mark: Mark) -> Iterator[Piece]:
        for key in [key for key, each in self._marks.items() if each is mark]:
            del self._marks[key]
        self._set_aside(content.entry.key)
        self._marks[content.entry.key] = mark
        yield from self._read(content, mark, final=True)
        self._marks[content.entry.key] = replace(mark, parked=True)

    def _read(self, content: Content, mark: Mark, *, final: bool) -> Iterator[Piece]:
        """Read on from a mark to the end, and move the mark."""
        key, offset = content.entry.key, mark.offset
        encoding, joiner = encoding_of(content, self._encoding), self._joiner_of(content)
        while True:
            data = content.at(offset, CHUNK)
            whole = len(data) < CHUNK
            events = list(joiner.events(lines_of(data, offset, encoding, final=final and whole)))
            if events and not (final and whole) and self._goes_on(joiner, events[-1], content, whole=whole):
                events.pop()
            if not events and not whole:  # a line longer than a chunk
                events = [Event(data.decode(encoding, "backslashreplace"), offset, offset + len(data))]
            after = moved(self._marks[key], content, data, events[-1].end) if events else None
            if after is None:  # nothing new, or truncated while it was read: the next poll sees to it
                return
            offset, mark = after.offset, after
            self._marks[key] = after
            yield Piece(content.entry, tuple(events), mark.last_ns)
            if whole:
                return

    def _goes_on(self, joiner: Joiner, event: Event, content: Content, *, whole: bool) -> bool:
        """Whether more of the last event may come."""
        if joiner.records:
            return not finished(event)
        return joiner.waits and (not whole or self._clock() - content.entry.modified < SETTLED_S)

    def _prune(self, entries: Iterable[Entry]) -> None:
        listed = {each.key for each in entries}
        gone = [key for key in self._marks if key not in listed]
        for key in gone[: max(0, len(gone) - KEPT)]:
            del self._marks[key]


def _last_line_end(content: Content, encoding: str) -> int:
    """The offset after the last complete line."""
    size = content.size
    start = max(0, size - LOOK_BACK) // 2 * 2
    lines = lines_of(content.at(start, size - start), start, encoding, final=False)
    return lines[-1][2] if lines else start
