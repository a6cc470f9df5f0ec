"""The files of a case folder: opened with care, since a case may come from anyone."""

from __future__ import annotations

import json
import re
import stat
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from sre_copilot.errors import BadCaseError

JSON_LIMIT_MB = 8  # documents of a case are a few kB; a larger one is telemetry that belongs into a table
FILE_LIMIT_MB = 2048  # compressed; what is larger does not fit into the memory of one machine
ROWS_LIMIT = 20_000_000  # about 2 GB of log lines: more than an investigation on one machine can hold
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def find(folder: Path, name: str) -> Path | None:
    """Return the path of a file of the case, or None when there is none.

    Raises
    ------
    BadCaseError : when it is no regular file, leaves the folder through a link, or may not be looked at
    """
    path = folder / name
    try:
        if not path.is_symlink() and not path.exists():
            return None
        target = path.resolve(strict=True)
        mode = target.stat().st_mode
    except (OSError, RuntimeError) as error:  # a loop of links is a RuntimeError before Python 3.13
        raise BadCaseError(name, f"cannot be looked at: {_reason(error)}", remedy=_REPLACE) from error
    if not target.is_relative_to(folder.resolve()):
        raise BadCaseError(name, "is a link that leaves the case", remedy="copy the file into the folder")
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise BadCaseError(name, f"is {kind}", remedy=_REPLACE)
    return target


def read_bytes(path: Path, name: str) -> bytes:
    """Read a file as a whole."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadCaseError(name, f"cannot be read: {_reason(error)}", remedy="make it readable") from error


def read_json(folder: Path, name: str) -> Any | None:
    """Read a JSON document, or None when there is no such file.

    Stricter than Python: UTF-8 alone, no key twice, no NaN or Infinity, no text that cannot be encoded.
    """
    path = find(folder, name)
    if path is None:
        return None
    if path.stat().st_size > JSON_LIMIT_MB * 2**20:
        raise BadCaseError(name, f"is larger than {JSON_LIMIT_MB} MB", remedy="keep telemetry in the tables")
    document = parse_json(read_bytes(path, name), name)
    if document is None:
        raise BadCaseError(name, "is null", remedy="remove the file, or write what was recorded")
    return document


def parse_json(content: bytes, name: str) -> Any:
    """Parse a JSON document strictly; see `read_json`."""
    try:
        text = content.decode("utf-8-sig")
        document = json.loads(
            text,
            object_pairs_hook=lambda pairs: _object(pairs, name),
            parse_constant=lambda word: _refuse(word, name),
        )
        if _SURROGATE.search(content):
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        place = f"byte {error.start} (0x{content[error.start]:02x})"
        raise BadCaseError(name, f"is not UTF-8: {place}", remedy="save it as UTF-8") from error
    except json.JSONDecodeError as error:
        problem = f"is not JSON: {error.msg}, line {error.lineno}, column {error.colno}"
        raise BadCaseError(
            name, problem, remedy="correct the syntax there, or export the file again"
        ) from error
    except UnicodeEncodeError as error:
        remedy = "remove the escape, or write the pair of escapes as one character"
        raise BadCaseError(
            name, "holds half of a surrogate pair (\\ud800 … \\udfff)", remedy=remedy
        ) from error
    except RecursionError as error:
        raise BadCaseError(name, "is nested too deeply", remedy="write it as the format describes") from error
    except ValueError as error:  # an integer of thousands of digits
        raise BadCaseError(
            name, f"holds a number that cannot be read: {error}", remedy="correct it"
        ) from error
    return document


def read_parquet(folder: Path, name: str) -> pl.DataFrame | None:
    """Read a table, or None when there is no such file."""
    path = find(folder, name)
    if path is None:
        return None
    if path.stat().st_size > FILE_LIMIT_MB * 2**20:
        raise BadCaseError(name, f"is larger than {FILE_LIMIT_MB} MB", remedy="record a shorter window")
    content = read_bytes(path, name)
    if not content:
        raise BadCaseError(name, "is an empty file", remedy="write a table without rows, or remove the file")
    try:
        table = pl.read_parquet(BytesIO(content), n_rows=ROWS_LIMIT + 1, hive_partitioning=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise BadCaseError(name, _unreadable(error), remedy=_AGAIN) from error
    if table.height > ROWS_LIMIT:
        raise BadCaseError(name, f"has more than {ROWS_LIMIT} rows", remedy="record a shorter window")
    return table


_REPLACE = "put a regular file there, or remove it"
_AGAIN = "copy or record the file again: it is truncated, damaged, or no Parquet file"


def _unreadable(error: BaseException) -> str:
    detail = (str(error).splitlines() or [""])[0].removeprefix("parquet: ")[:160]
    if "utf8" in detail.lower() or "utf-8" in detail.lower():
        return "a text column holds bytes that are not UTF-8"
    return f"cannot be read as Parquet: {detail}"


def _object(pairs: list[tuple[str, Any]], name: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BadCaseError(
            name, "stands twice in one object", field=twice, remedy="keep one of the two values"
        )
    return found


def _refuse(word: str, name: str) -> float:
    raise BadCaseError(
        name, f"holds {word}, which JSON does not have", remedy="write null for what is not known"
    )


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
