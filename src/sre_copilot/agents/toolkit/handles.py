"""Rows of earlier results, kept for a session and within a bound of memory."""

from __future__ import annotations

import secrets
import threading

import polars as pl

MOST_BYTES = 64_000_000  # of one session: some hundred thousand log lines; beyond it the oldest results go
MOST_RESULTS = 60  # as many as the calls of a long investigation


class HandleStore:
    """Keeps rows behind handles that nobody can guess; each session has a store of its own."""

    def __init__(self, *, most_bytes: int = MOST_BYTES, most_results: int = MOST_RESULTS) -> None:
        self._most_bytes = most_bytes
        self._most_results = most_results
        self._rows: dict[str, tuple[pl.DataFrame, int]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def keep(self, rows: pl.DataFrame) -> str:
        """Keep rows and return their handle; '' where they are larger than all that may be kept."""
        size = int(rows.estimated_size())
        if size > self._most_bytes:
            rows = rows.head(max(1, rows.height * self._most_bytes // (2 * size)))
            size = int(rows.estimated_size())
        handle = "h-" + secrets.token_hex(6)
        with self._lock:
            self._rows[handle] = (rows, size)
            self._bytes += size
            while len(self._rows) > self._most_results or (
                self._bytes > self._most_bytes and len(self._rows) > 1
            ):
                _, old = self._rows.pop(next(iter(self._rows)))
                self._bytes -= old
        return handle

    def rows(self, handle: str) -> pl.DataFrame | None:
        """The rows behind a handle; None when they are no longer kept."""
        with self._lock:
            found = self._rows.get(handle)
        return found[0] if found else None

    @property
    def bytes(self) -> int:
        """Bytes that are kept, as polars estimates them."""
        return self._bytes
