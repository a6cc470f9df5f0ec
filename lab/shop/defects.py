"""What can go wrong inside a running service: a runaway job, a leak, connections that are never given back."""

from __future__ import annotations

import asyncio
import resource
import threading
from contextlib import AsyncExitStack
from pathlib import Path

from lab.shop import telemetry
from lab.shop.runtime import POOL_SIZE, Service

HOG_THREADS = 6  # each holds the interpreter for up to 5 ms a turn, so a wake-up waits for up to 30 ms
LEAK_BYTES = (
    5_000_000  # kept each second: visible within three scrapes, no room left after some twenty seconds
)
HEAD_ROOM_BYTES = 110_000_000


class Defects:
    """Starts and ends the background trouble that the release asks for."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._tasks: set[asyncio.Task[None]] = set()
        self._hoard: list[bytearray] = []

    def react(self) -> None:
        """Bring the process in line with the release's defects; called once for each change."""
        defects = self._service.release.defects
        if "hog" in defects:
            for _ in range(HOG_THREADS):
                threading.Thread(target=self._burn, daemon=True).start()
        if "leaks" in defects:
            self._spawn(self._leak())
        if "hoards" in defects:
            self._spawn(self._hoard_connections())

    def _spawn(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)

    def _has(self, defect: str) -> bool:
        return defect in self._service.release.defects

    def _burn(self) -> None:
        number = 0
        while self._has("hog"):
            for _ in range(10_000):
                number = (number * 1_103_515_245 + 12_345) % 2_147_483_648

    async def _leak(self) -> None:
        limit = _address_space() + HEAD_ROOM_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
        while self._has("leaks"):
            try:
                self._hoard.append(_touched(LEAK_BYTES))
            except MemoryError as error:
                telemetry.log("ERROR", f"session snapshot not kept: {type(error).__name__}")
            await asyncio.sleep(1.0)

    def scratch(self) -> None:
        """The working memory of a request; a leaking process no longer gets it.

        Raises
        ------
        MemoryError : the address space of the process is used up
        """
        if self._has("leaks"):
            _touched(LEAK_BYTES)

    async def _hoard_connections(self) -> None:
        async with AsyncExitStack() as held:
            for _ in range(POOL_SIZE):
                await held.enter_async_context(self._service.pool.connection(timeout=30))
                await asyncio.sleep(0.5)
            while self._has("hoards"):
                await asyncio.sleep(0.5)


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def _touched(size: int) -> bytearray:
    """Memory that is written to, and therefore resident."""
    return bytearray(b"\x01") * size
