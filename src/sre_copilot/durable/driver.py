"""How a plain function runs without a thread of its own: it is put aside where it waits, and its steps are done in threads.

A workflow runs in a greenlet of the event loop's thread. What it asks for is handed to the coroutine that drives it, which awaits it and goes on with it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from dbos import DBOS
from greenlet import getcurrent, greenlet

from sre_copilot.durable.heartbeat import Closing, Guard
from sre_copilot.durable.kept import as_json, told
from sre_copilot.durable.port import StepFailed, Workflow
from sre_copilot.errors import DurableError
from sre_copilot.store.leases import Fenced

STEPS_AT_ONCE = 16  # of one workflow and process: each waits mostly for a network, and slow ones of one kind do not hold up another

Asked = Callable[[], Awaitable[Any]]


class Hands(Protocol):
    """What does what a workflow asks for."""

    async def step(self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Call a function once; `{"result": …}` or `{"error": …, "kind": …}`."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    async def receive(self, topic: str, timeout_seconds: float) -> Any:
        """Wait for a message."""
        ...


class DbosHands:
    """A workflow's steps in this process, recorded by DBOS; each is begun only while the guard says that the worker may act."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._slots = asyncio.Semaphore(STEPS_AT_ONCE)
        self.under_way = 0

    async def step(self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Call a function in a thread, once."""

        async def body() -> Any:
            try:
                return await self._in_slot(lambda: self._guarded(name, function, arguments))
            except (Fenced, Closing):
                # neither done nor failed: it is another's to do, so that this one waits until its process ends
                return await asyncio.get_running_loop().create_future()

        return await DBOS.run_step_async({"name": name}, body)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await DBOS.sleep_async(seconds)

    async def receive(self, topic: str, timeout_seconds: float) -> Any:
        """Wait for a message."""
        message = await DBOS.recv_async(topic, timeout_seconds)
        return message["value"] if message is not None else None

    async def _in_slot(self, call: Callable[[], Any]) -> Any:
        async with self._slots:
            self.under_way += 1
            try:
                return await in_thread(call)
            finally:
                self.under_way -= 1

    def _guarded(self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> dict[str, Any]:
        self._guard.confirm()
        try:
            return {"result": as_json(function(*arguments), what=f"result of step {name!r}")}
        except Exception as error:  # noqa: BLE001 - whatever a step raises is its outcome, and recorded
            return {"error": str(error), "kind": type(error).__name__}


class GreenRun:
    """A run's hands as the workflow sees them."""

    def __init__(self, key: str, hands: Hands) -> None:
        self._key = key
        self._hands = hands
        self._green: greenlet | None = None

    @property
    def key(self) -> str:
        """Key of the run."""
        return self._key

    def step(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function once."""
        outcome = self._ask(lambda: self._hands.step(name, function, arguments))
        if "error" in outcome:
            raise StepFailed(name, kind=outcome["kind"], problem=outcome["error"])
        return outcome["result"]

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._ask(lambda: self._hands.sleep(seconds))

    def receive(self, topic: str, timeout_seconds: float) -> Any:
        """Wait for a message."""
        return self._ask(lambda: self._hands.receive(topic, timeout_seconds))

    async def drive(self, workflow: Workflow, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Run it to its end: `{"result": …}` or `{"error": …}`. What DBOS raises ends this execution and not the run."""
        self._green = green = greenlet(_ended(workflow))
        try:
            asked = green.switch(self, **arguments)
            while not green.dead:
                answer = await asked()
                asked = green.switch(answer)
            outcome: dict[str, Any] = asked
            return outcome
        finally:
            self._green = None
            if not green.dead:
                green.throw()

    def _ask(self, what: Asked) -> Any:
        green = self._green
        if green is None or getcurrent() is not green or green.parent is None:
            raise DurableError(
                f"run {self._key!r}: is asked from outside of its workflow; a step has no steps."
            )
        return green.parent.switch(what)


def _ended(workflow: Workflow) -> Callable[..., dict[str, Any]]:
    def run(*given: Any, **arguments: Any) -> dict[str, Any]:
        try:
            return {"result": as_json(workflow(*given, **arguments), what="result of the workflow")}
        except Exception as error:  # noqa: BLE001 - whatever a workflow raises is its run's end, and recorded
            return {"error": told(error)}

    return run


async def in_thread(function: Callable[[], Any]) -> Any:
    """Call a function in a daemon thread: one that hangs keeps neither a pool nor the end of the process waiting."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(outcome: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(outcome)

    def work() -> None:
        outcome, raised = None, None
        try:
            outcome = function()
        except BaseException as error:  # noqa: BLE001 - handed on to whoever awaits
            raised = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, outcome, raised)

    threading.Thread(target=work, name="durable-step", daemon=True).start()
    return await future
