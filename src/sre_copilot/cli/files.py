"""Files that a person asks to be written: checked before the work, and refused with the way out."""

from __future__ import annotations

import errno
from pathlib import Path

from sre_copilot.errors import UsageError

WAYS_OUT = {
    errno.ENOSPC: "Free some space there, or name a file elsewhere.",
    errno.EDQUOT: "Free some space there, or name a file elsewhere.",
    errno.ENOENT: "Name a file in a folder that exists.",
    errno.ENOTDIR: "Name a file in a folder that exists.",
    errno.EISDIR: "Name a file in that folder.",
    errno.EACCES: "Name a file in a folder that you may write to.",
    errno.EPERM: "Name a file in a folder that you may write to.",
    errno.EROFS: "Name a file in a folder that you may write to.",
}
ELSEWHERE = "Name another file."


def write_file(path: Path, text: str, *, option: str) -> None:
    """Write a text as UTF-8.

    Raises
    ------
    UsageError : when that is not possible; names the option, the system's reason and the way out
    """
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise _refused(path, option, error) from error


def write_bytes(path: Path, content: bytes, *, option: str) -> None:
    """Write bytes.

    Raises
    ------
    UsageError : as `write_file` does
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        raise _refused(path, option, error) from error


def check_writable(path: Path, *, option: str) -> None:
    """Raise as `write_file` does where the file cannot be opened; one that exists keeps its content."""
    try:
        is_new = not path.exists()
        with path.open("a", encoding="utf-8"):
            pass
        if is_new:
            path.unlink()
    except OSError as error:
        raise _refused(path, option, error) from error


def _refused(path: Path, option: str, error: OSError) -> UsageError:
    way_out = WAYS_OUT.get(error.errno or 0, ELSEWHERE)
    return UsageError(f"{option} {path}: {error.strerror or error}. {way_out}")
