"""Log lines of all processes as rows of `logs.parquet`: JSON of the services, the formats of PostgreSQL and Redis."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.layout import SERVICES, instance

_POSTGRES = re.compile(r"^(\S+ \S+) UTC \[\d+\] (\w+): +(.*)$")
_REDIS = re.compile(r"^\d+:\w (\d+ \w+ \d+ [\d:.]+) (.) (.*)$")
_POSTGRES_LEVEL = {"LOG": "INFO", "DETAIL": "INFO", "HINT": "INFO", "STATEMENT": "INFO", "CONTEXT": "INFO"}
_REDIS_LEVEL = {".": "DEBUG", "-": "INFO", "*": "INFO", "#": "WARNING"}


def rows(folder: Path, start: float, end: float) -> list[dict[str, Any]]:
    """All lines that were written in `start <= t < end` (epoch seconds), oldest first."""
    found = [row for name in SERVICES for row in _service(folder / f"{name}.log", name)]
    found += _plain(folder / "postgres" / "log", "postgres")
    found += _plain(folder / "redis.log", "redis")
    return sorted(
        (row for row in found if start * 1e9 <= row["ts_ns"] < end * 1e9), key=lambda row: int(row["ts_ns"])
    )


def _service(path: Path, name: str) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("{") and line.endswith("}"):  # a killed process leaves half a line
            yield {"service": name, "instance": instance(name), **json.loads(line)}


def _plain(path: Path, name: str) -> Iterator[dict[str, Any]]:
    read = postgres_line if name == "postgres" else redis_line
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if found := read(line):
            at, level, message = found
            row = {"ts_ns": int(at.timestamp() * 1e6) * 1000, "level": level, "message": message}
            yield {"service": name, "instance": instance(name), "trace_id": "", "span_id": "", **row}


def postgres_line(line: str) -> tuple[datetime, str, str] | None:
    """Time, level and message of a line of PostgreSQL's log; None for the continuation of a message."""
    if not (match := _POSTGRES.match(line)):
        return None
    at, level, message = match.groups()
    moment = datetime.strptime(at, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    return moment, _POSTGRES_LEVEL.get(level, level), message


def redis_line(line: str) -> tuple[datetime, str, str] | None:
    """Time, level and message of a line of Redis' log, which is written in local time; None for its banner."""
    if not (match := _REDIS.match(line)):
        return None
    at, mark, message = match.groups()
    return datetime.strptime(at, "%d %b %Y %H:%M:%S.%f").astimezone(), _REDIS_LEVEL[mark], message
