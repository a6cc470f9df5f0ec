"""A clock outside of the client: work runs on a loop of its own, and is left behind when its time is up."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")
GRACE_S = 0.5  # after its time a request may still end by itself; then it is left behind, whatever it does


class Late(Exception):  # noqa: N818 - an outcome, not a mistake
    """The time is up."""


class Loop:
    """An event loop in a thread of its own. No server holds the asker: a byte now and then does not make it wait longer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, work: Coroutine[Any, Any, Result], *, seconds: float) -> Result:
        """Run to the end, or raise `Late`."""
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, seconds), self._running())
        try:
            return future.result(seconds + GRACE_S)
        except (TimeoutError, concurrent.futures.TimeoutError):
            future.cancel()
            raise Late(f"no whole answer within {seconds:.3g} s") from None
        except concurrent.futures.CancelledError:
            raise Late("the call was given up") from None

    def close(self) -> None:
        """Stop the loop."""
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._loop = None

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                threading.Thread(target=_forever, args=(loop,), name="llm", daemon=True).start()
                self._loop = loop
            return self._loop


def _forever(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.close()
