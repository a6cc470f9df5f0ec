"""What log files hold of a past window: packed and rotated files too, and of a long file only the part that matters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from sre_copilot.domain.signals import Window
from sre_copilot.perception.lines.events import Event, Joiner, finished
from sre_copilot.perception.lines.file_content import CHUNK, Content, encoding_of, lines_of, opened
from sre_copilot.perception.lines.file_follow import UNREADABLE, Problems
from sre_copilot.perception.lines.file_listing import GZIP, Entry

SLACK_S = 60.0  # lines of one file are in the order of time to within a minute: threads and buffers mix them
WORTH_SEARCHING = 2 * CHUNK  # bytes below which a file is read whole
PROBE = 2**16
MOST_UNPACKED = (
    2**32
)  # bytes out of one packed file: logs are rotated long before, and more is made to be more

Found = tuple[Entry, list[Event], int | None]


class TimeOf(Protocol):
    """Reads the time of an event."""

    def __call__(self, entry: Entry, event: Event, /) -> int | None:
        """Nanoseconds; None when it names none."""
        ...


def history(
    entries: Iterable[Entry],
    joiner_of: Callable[[Content], Joiner],
    problems: Problems,
    *,
    window: Window,
    encoding: str,
    time_of: TimeOf,
) -> Iterator[Found]:
    """Yield the events that may lie in a window, file after file; problems are added to `problems`."""
    for entry in _worth_reading(entries, window):
        try:
            with opened(entry) as content:
                yield from _Reader(content, joiner_of(content), encoding, time_of).events(window)
        except UNREADABLE:
            problems.unreadable.append(str(entry.path))


def _worth_reading(entries: Iterable[Entry], window: Window) -> list[Entry]:
    """Files that were written to after the window began; of a file and its packed copy the file."""
    late = [each for each in entries if each.modified >= window.start - SLACK_S]
    plain = {str(each.path) for each in late if not each.packed}
    return [each for each in late if not (each.packed and str(each.path).removesuffix(GZIP) in plain)]


class _Reader:
    """Reads one file."""

    def __init__(self, content: Content, joiner: Joiner, encoding: str, time_of: TimeOf) -> None:
        self._content = content
        self._joiner = joiner
        self._encoding = encoding_of(content, encoding)
        self._time_of = time_of

    def events(self, window: Window) -> Iterator[Found]:
        """Yield chunks of events from shortly before the window to shortly after it."""
        offset = self._start(int((window.start - SLACK_S) * 1e9))
        last: int | None = None
        latest = (window.end + SLACK_S) * 1e9
        while True:
            if self._content.entry.packed and offset > MOST_UNPACKED:
                raise OSError("holds more than is unpacked")
            data = self._content.at(offset, CHUNK)
            whole = len(data) < CHUNK
            events = list(self._joiner.events(lines_of(data, offset, self._encoding, final=whole)))
            if events and not whole and self._cut_off(events[-1]):
                events.pop()
            if not events and not whole:  # a line longer than a chunk
                events = [Event(data.decode(self._encoding, "backslashreplace"), offset, offset + len(data))]
            if events:
                yield self._content.entry, events, last
                offset = events[-1].end
                last = self._last_time(events) or last
            if whole or (last is not None and last > latest):
                return

    def _cut_off(self, event: Event) -> bool:
        return not finished(event) if self._joiner.records else self._joiner.waits

    def _last_time(self, events: list[Event]) -> int | None:
        found = (self._time_of(self._content.entry, event) for event in reversed(events[-100:]))
        return next((time for time in found if time is not None), None)

    def _start(self, wanted_ns: int) -> int:
        """An offset before which all lines are older, at the beginning of a line; 0 for a short or packed file."""
        if self._content.entry.packed or self._joiner.records or self._encoding.startswith("utf-16"):
            return 0
        low, high = 0, self._content.size
        while high - low > WORTH_SEARCHING:
            middle = (low + high) // 2
            at, time = self._first_time(middle)
            if time is None or time >= wanted_ns:
                high = middle
            else:
                low = at
        return low

    def _first_time(self, offset: int) -> tuple[int, int | None]:
        """The first event after an offset that names a time."""
        data = self._content.at(offset, PROBE)
        skipped = data.find(b"\n") + 1
        for event in self._joiner.events(
            lines_of(data[skipped:], offset + skipped, self._encoding, final=False)
        ):
            if (time := self._time_of(self._content.entry, event)) is not None:
                return event.start, time
        return offset, None
