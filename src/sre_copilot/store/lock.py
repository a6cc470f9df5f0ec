"""One process a folder: two that learned into the same arrays would take them from each other."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

from sre_copilot.errors import StoreError

fcntl: ModuleType | None
try:
    import fcntl
except ModuleNotFoundError:  # not a system that locks files so
    fcntl = None

NAME = "lock"


class FolderLock:
    """Held while it is open; the system lets go of it when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._handle: int | None = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(
                f"store.folder ({folder}): cannot be written: {error.strerror}. Name another."
            ) from None
        try:
            if fcntl is not None:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise StoreError(
                f"store.folder ({folder}): another `sre-copilot serve` works in it. End that one, or name another folder."
            ) from None

    def close(self) -> None:
        """Let go of it; harmless when called again."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)
