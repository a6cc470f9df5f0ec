"""Files and folders: lines out of log files of any usual format, through rotation, truncation and packing."""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from sre_copilot.domain.evidence import Gap
from sre_copilot.domain.signals import Modality, Window
from sre_copilot.perception.lines.events import Event, Joiner
from sre_copilot.perception.lines.file_content import Content
from sre_copilot.perception.lines.file_follow import FileFollower, Problems
from sre_copilot.perception.lines.file_history import history
from sre_copilot.perception.lines.file_listing import Entry, listing, origins, unreadable
from sre_copilot.perception.lines.formats import Format, guess, read_event
from sre_copilot.perception.lines.rows import (
    Columns,
    LogSettings,
    Position,
    Row,
    Rules,
    expression,
    gap,
    reading,
)
from sre_copilot.perception.lines.times import Times
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.source import Asked, Health, Reading
from sre_copilot.perception.windows import nanoseconds


class FilesSettings(LogSettings):
    """Paths are those of this machine."""

    paths: tuple[str, ...] = Field(min_length=1)
    """Files, folders (the files in them) and patterns; `**` goes through folders: `/var/log/**/*.log`."""
    exclude_paths: tuple[str, ...] = ()
    """Patterns of paths that are left out."""
    format: Format = "auto"
    """`auto` looks at each line; else `plain`, `json`, `logfmt`, `xml`, `syslog` or `access` (Apache and nginx)."""
    service: str = ""
    """Service of lines that name none; empty takes the name of the file without its endings."""
    instance: str = ""
    """Instance of lines that name none."""
    path_fields: str = ""
    """Regular expression over the path, with groups named `service` or `instance`: `/pods/(?P<instance>[^/]+)/`."""
    encoding: str = "auto"
    """Encoding, for example `gb18030`; `auto` is UTF-8, or UTF-16 where the file begins with its mark."""
    timezone: str = "UTC"
    """Zone of times that name none, for example `Asia/Shanghai`."""
    multiline: bool = True
    """Join stack traces and indented lines to the line before them."""
    event_start: str = ""
    """Regular expression for the first line of an event, where indentation does not tell."""
    xml_record: str = ""
    """Element that is one event in XML; empty takes each element that is not a known wrapper."""
    rotated: bool = True
    """Read rotated files too (`.1`, `-20240101`, `.gz` …) though no pattern names them."""
    start_at: Literal["beginning", "end"] = "end"
    """Where the very first poll begins in files that are there already: `end`, or `beginning`."""
    max_line_chars: int = Field(default=262_144, ge=256)
    """Longest message; the rest of a longer one is cut off and marked."""
    max_poll_bytes: int = Field(default=268_435_456, ge=65_536)
    """Most that one poll reads; the next one goes on from there."""

    @field_validator("encoding")
    @classmethod
    def _known(cls, given: str) -> str:
        if given == "auto":
            return given
        try:
            name = codecs.lookup(given).name
        except LookupError:
            raise ValueError(f"there is no encoding '{given}'; use auto, utf-8, gb18030, latin-1 …") from None
        if name.startswith("utf-32") or name in {"utf-16", "utf-7"}:
            raise ValueError(
                f"'{given}' cannot be read from the middle of a file; use auto, utf-16-le or utf-16-be"
            )
        return name

    @field_validator("path_fields", "event_start")
    @classmethod
    def _expression(cls, given: str) -> str:
        if given:
            expression(given)
        return given

    @model_validator(mode="after")
    def _check_zone(self) -> Self:
        _zone(self.timezone)
        return self


class FilesSource:
    """Reads log files."""

    Settings = FilesSettings
    modalities: tuple[Modality, ...] = ("logs",)

    def __init__(self, settings: FilesSettings, *, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self._clock = clock
        self._logs: set[Path] = set()
        self._rules = Rules(settings)
        self._masker = Masker(settings)
        self._reader = EventReader(settings)
        self._follower = FileFollower(
            self._entries,
            self._joiner,
            clock=clock,
            encoding=settings.encoding,
            from_beginning=settings.start_at == "beginning",
            max_bytes=settings.max_poll_bytes,
        )

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.settings.name or "files"

    def read(self, window: Window) -> Reading:
        """Return the lines of the window, out of live, rotated and packed files; lines without any time are left out."""
        entries, problems = self._entries(), Problems()
        start, end = nanoseconds(window)
        taken = _Taken(self)
        found = history(
            entries, self._joiner, problems,
            window=window, encoding=self.settings.encoding, time_of=self._reader.time_of,
        )  # fmt: skip
        for entry, events, last_ns in found:
            rows = self._reader.rows(entry, events, last_ns, otherwise=None)
            taken.add(row for row in rows if row.ts_ns is None or start <= row.ts_ns < end)
            if taken.full:
                break
        return self._reading(taken, problems, entries, window)

    def poll(self) -> Reading:
        """Return the lines that came since the last poll; a line without any time has that of the poll."""
        before, entries = self._follower.position(), self._entries()
        taken = _Taken(self)
        try:
            for piece in self._follower.poll():
                rows = list(
                    self._reader.rows(piece.entry, piece.events, piece.last_ns, otherwise=self._clock())
                )
                taken.add(rows)
                self._follower.told(piece.entry, rows[-1].ts_ns if rows else None)
                if taken.full:
                    break
        except BaseException:
            self._follower.resume(before)
            raise
        return self._reading(taken, self._follower.problems, entries, None)

    def position(self) -> Position:
        """How far each file was read, by inode and print."""
        return self._follower.position()

    def resume(self, position: Position) -> None:
        """Read on from where an earlier process stopped."""
        self._follower.resume(position)
        self._logs |= {Path(each["path"]) for each in position.get("files", ()) if each.get("path")}

    def health(self) -> Health:
        """Say whether there are files, and whether they may be read."""
        entries = self._entries()
        if not entries:
            problem = f"no file matches {', '.join(self.settings.paths)}"
            return Health(
                source=self.name,
                ok=False,
                problem=problem,
                remedy="check paths, and that it runs on that machine",
            )
        closed = unreadable(entries)
        if closed:
            return Health(
                source=self.name, ok=len(closed) < len(entries), problem=f"may not read {_some(map(str, closed))}",
                remedy="give the user that runs this the right to read them, for example by the group adm",
            )  # fmt: skip
        return Health(source=self.name, ok=True, permissions=(f"+read {len(entries)} files",))

    def close(self) -> None:
        """Nothing is kept open."""

    def _entries(self) -> list[Entry]:
        settings = self.settings
        found = listing(settings.paths, settings.exclude_paths, rotated=settings.rotated, known=self._logs)
        self._logs |= {each.path for each in found if each.live}
        return found

    def _joiner(self, content: Content) -> Joiner:
        settings = self.settings
        form = settings.format
        if (
            form == "auto"
            and guess(content.at(0, 4096).decode("utf-8", "replace").lstrip("\ufeff \r\n")) == "xml"
        ):
            form = "xml"
        start = expression(settings.event_start) if settings.event_start else None
        return Joiner(form, start=start, record=settings.xml_record, multiline=settings.multiline)

    def _reading(
        self, taken: _Taken, problems: Problems, entries: list[Entry], window: Window | None
    ) -> Reading:
        asked = Asked(
            source=self.name, text=f"lines of {', '.join(self.settings.paths)}", target=_some(str(e.path) for e in entries),
            window=window, rows=len(taken.rows), seconds=time.monotonic() - taken.started,
        )  # fmt: skip
        gaps = [*self._gaps(problems, entries), *taken.gaps(self.name)]
        return reading(taken.rows, masker=self._masker, gaps=gaps, asked=(asked,))

    def _gaps(self, problems: Problems, entries: list[Entry]) -> Iterator[Gap]:
        if not entries:
            yield gap("gap.logs_no_file", self.name, paths=", ".join(self.settings.paths))
        if problems.unreadable:
            yield gap("gap.logs_unreadable", self.name, files=_some(problems.unreadable))
        if problems.truncated:
            yield gap("gap.logs_truncated", self.name, files=_some(problems.truncated))
        if problems.behind:
            yield gap("gap.logs_behind", self.name)


@dataclass
class _Taken:
    """The rows of one reading."""

    source: FilesSource
    rows: list[Row] = field(default_factory=list)
    untimed: int = 0
    started: float = field(default_factory=time.monotonic)

    def add(self, rows: Iterable[Row]) -> None:
        """Keep those that the rules keep and that have a time."""
        keeps = self.source._rules.keeps
        for row in rows:
            if keeps(row.message):
                if row.ts_ns is None:
                    self.untimed += 1
                else:
                    self.rows.append(row)

    @property
    def full(self) -> bool:
        """Whether no more is held."""
        return len(self.rows) >= self.source.settings.max_lines

    def gaps(self, name: str) -> Iterator[Gap]:
        """What is not among the rows."""
        if self.untimed:
            yield gap("gap.logs_untimed", name, count=self.untimed)
        if self.full:
            yield gap("gap.logs_cut", name, count=len(self.rows))


class EventReader:
    """Turns events of a file into rows."""

    def __init__(self, settings: FilesSettings) -> None:
        self._settings = settings
        self._columns = Columns(settings)
        self._zone = _zone(settings.timezone)
        self._path_fields = expression(settings.path_fields) if settings.path_fields else None

    def rows(
        self, entry: Entry, events: Iterable[Event], last_ns: int | None, *, otherwise: float | None
    ) -> Iterator[Row]:
        """Yield the rows of events; one that has no time has that of the event before it, else `otherwise`."""
        times = Times(self._zone, entry.modified)
        service, instance = self._of_path(entry)
        before = last_ns if last_ns is not None or otherwise is None else int(otherwise * 1e9)
        for event in events:
            if event.text:
                ts_ns, fields = read_event(event.text, self._settings.format, times)
                before = ts_ns if ts_ns is not None else before
                text = self._cut(event.text)
                yield self._columns.row(before, text, own=fields, service=service, instance=instance)

    def time_of(self, entry: Entry, event: Event) -> int | None:
        """The time that an event names."""
        return read_event(event.text, self._settings.format, Times(self._zone, entry.modified))[0]

    def _of_path(self, entry: Entry) -> tuple[str, str]:
        found = self._path_fields.search(str(entry.path)) if self._path_fields else None
        named = {name: value for name, value in (found.groupdict() if found else {}).items() if value}
        service = named.get("service") or self._settings.service or _stem(entry)
        return service, named.get("instance") or self._settings.instance

    def _cut(self, text: str) -> str:
        most = self._settings.max_line_chars
        return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} more)"


def _stem(entry: Entry) -> str:
    """The name of a log without endings and dates."""
    name = min({entry.path.name} | origins(entry.path.name), key=len)
    return name.removesuffix(".gz").partition(".")[0] or name


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"timezone: there is no zone '{name}'; write it as Asia/Shanghai or UTC") from None


def _some(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:5]) + (f" and {len(every) - 5} more" if len(every) > 5 else "")
