"""One process a folder: two that learned into the same arrays would take them from each other."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from sre_copilot.errors import SettingsError, StoreError

fcntl: ModuleType | None
try:
    import fcntl
except ModuleNotFoundError:  # not a system that locks files so
    fcntl = None

NAME = "lock"
LONGEST = 300  # bytes: a number and the name of a machine


class FolderLock:
    """Held while it is open; the system lets go of it when the process ends, however it ends.

    Raises
    ------
    SettingsError : when another process works in the folder; names that process and the way out
    StoreError : when the folder cannot be written
    """

    def __init__(self, folder: Path, *, name: str = NAME) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._handle: int | None = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(
                f"store.folder ({folder}): cannot be written: {error.strerror}. Name another."
            ) from None
        try:
            if fcntl is not None:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = _holder(self._handle)
            self.close()
            raise SettingsError(
                f"store.folder ({folder}): another `sre-copilot serve` works in it{holder}. "
                "End that one, or name another folder for this one."
            ) from None
        _sign(self._handle)

    def close(self) -> None:
        """Let go of it; harmless when called again."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)


def _sign(handle: int) -> None:
    """Leave one's process id, for whoever finds the folder taken; it is worth nothing without the lock."""
    with suppress(OSError):  # a full disk is told by what is kept, not by a courtesy
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)


def _holder(handle: int) -> str:
    """The process that signed, and its machine where that is another (or another container)."""
    with suppress(OSError, ValueError):
        pid, _, host = os.pread(handle, LONGEST, 0).decode("utf-8", "replace").strip().partition(" ")
        if int(pid) > 0:
            elsewhere = f" on {host}" if host and host != socket.gethostname() else ""
            return f" (process {int(pid)}{elsewhere})"
    return ""
