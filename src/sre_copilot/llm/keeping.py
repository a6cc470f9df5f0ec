"""What outlives a process: the spending of the day, and what is known of each model. Small files, for no database is needed to ask."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Protocol

import orjson

from sre_copilot.llm.budget import total
from sre_copilot.llm.speaking import Usage
from sre_copilot.telemetry import log

KEPT_DAYS = 31  # a month can be looked up afterwards
_FIELDS = tuple(each.name for each in fields(Usage))


class DayFiles:
    """A day book in a folder: one file a day, one line a call. Lines are only added, so that several processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._read: dict[str, tuple[int, Usage]] = {}
        self._unwritten: dict[str, Usage] = {}

    def spent(self, day: str) -> Usage:
        """All that was spent on a day."""
        with self._lock:
            offset, known = self._read.get(day, (0, Usage()))
            lines, offset = _lines(self._path(day), offset)
            for line in lines:
                known = total(known, _usage(line))
            self._read = {day: (offset, known)}
            return total(known, self._unwritten.get(day, Usage()))

    def add(self, day: str, usage: Usage) -> None:
        """Add to a day; what cannot be written is remembered until the process ends."""
        try:
            fresh = not self._path(day).exists()
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._path(day).open("ab") as file:
                file.write(orjson.dumps(asdict(usage)) + b"\n")
            if fresh:
                self._forget_old()
        except OSError as error:
            with self._lock:
                self._unwritten[day] = total(self._unwritten.get(day, Usage()), usage)
            log(__name__).warning("what the model cost cannot be written down", problem=str(error))

    def _path(self, day: str) -> Path:
        return self._folder / f"llm-{day}.jsonl"

    def _forget_old(self) -> None:
        for old in sorted(self._folder.glob("llm-*.jsonl"))[:-KEPT_DAYS]:
            old.unlink(missing_ok=True)


class Known(Protocol):
    """What was found out about each model, by a key that changes when the model does."""

    def get(self, key: str) -> Mapping[str, Any] | None:
        """What is known, or None."""
        ...

    def put(self, key: str, found: Mapping[str, Any]) -> None:
        """Remember."""
        ...


class KnownInMemory:
    """Forgotten with the process."""

    def __init__(self) -> None:
        self._found: dict[str, Mapping[str, Any]] = {}

    def get(self, key: str) -> Mapping[str, Any] | None:
        """What is known, or None."""
        return self._found.get(key)

    def put(self, key: str, found: Mapping[str, Any]) -> None:
        """Remember."""
        self._found[key] = found


class KnownInFile:
    """Kept in a JSON file; one that cannot be read or written is as if it were empty."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def get(self, key: str) -> Mapping[str, Any] | None:
        """What is known, or None."""
        found = self._all().get(key)
        return found if isinstance(found, dict) else None

    def put(self, key: str, found: Mapping[str, Any]) -> None:
        """Remember."""
        with self._lock:
            whole = {**self._all(), key: dict(found)}
            part = self._path.with_suffix(f".{os.getpid()}.part")
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                part.write_bytes(orjson.dumps(whole))
                part.replace(self._path)
            except OSError as error:
                log(__name__).warning("what is known of the model cannot be written down", problem=str(error))

    def _all(self) -> dict[str, Any]:
        try:
            found = orjson.loads(self._path.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return {}
        return found if isinstance(found, dict) else {}


def _lines(path: Path, offset: int) -> tuple[list[bytes], int]:
    """The whole lines after an offset, and the offset after them."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            whole, end, _ = file.read().rpartition(b"\n")
    except OSError:
        return [], offset
    return (whole.split(b"\n"), offset + len(whole) + 1) if end else ([], offset)


def _usage(line: bytes) -> Usage:
    try:
        found = orjson.loads(line)
        return Usage(**{name: found.get(name, 0) for name in _FIELDS})
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        return Usage()
