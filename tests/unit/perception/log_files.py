"""Log files for tests: reading, following, and what came of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sre_copilot.domain.signals import Window
from sre_copilot.perception.files import FilesSettings, FilesSource
from sre_copilot.perception.source import Reading

LONG_AGO = 3600.0


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def texts(reading: Reading, column: str = "message") -> list[Any]:
    assert reading.telemetry.logs is not None
    return list(reading.telemetry.logs[column])


def keys(reading: Reading) -> list[str]:
    return [gap.message.key for gap in reading.gaps]


class Clock:
    """The real clock, an hour ahead: whatever is in a file was written long ago."""

    def __call__(self) -> float:
        return time.time() + LONG_AGO


def follower(folder: Path, **settings: Any) -> FilesSource:
    given = {"paths": [str(folder / "*.log")], "start_at": "beginning", **settings}
    return FilesSource(FilesSettings(**given), clock=Clock())


def whole(path: Path, **settings: Any) -> Reading:
    return FilesSource(FilesSettings(paths=[str(path)], **settings)).read(Window(0, time.time() + 86_400))
