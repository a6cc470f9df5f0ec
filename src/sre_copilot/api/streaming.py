"""Server-sent events: what happens while an answer is formed, as it happens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson

from sre_copilot.agents.answer import Event, Listener
from sre_copilot.errors import SreCopilotError
from sre_copilot.incidents.answers.document import event as as_document
from sre_copilot.telemetry import log

HEARTBEAT_S = 10.0  # proxies close what is silent for half a minute
MEDIA_TYPE = "text/event-stream"
NAMES: Mapping[str, str] = {
    "tool_call": "start_tool_calling",
    "tool_result": "tool_calling_result",
    "answer": "answer",
    "ended": "note",
}
"""Names that others know; every other kind of event goes by its own name."""
ANSWER, ERROR = "ai_answer_end", "error"
_log = log(__name__)
Item = tuple[str, Any]


class Gone(Exception):  # noqa: N818 - it is a reason to stop
    """Nobody waits for the answer any more."""


def wants_stream(accept: str) -> bool:
    """Whether a client asks for events rather than one answer."""
    return any(part.split(";")[0].strip().lower() == MEDIA_TYPE for part in accept.split(","))


def tool_event(told: Event) -> dict[str, Any]:
    """A call of a tool with the fields that clients of other agents read."""
    said = as_document(told)
    if told.kind == "tool_call":
        return {**said, "tool_name": told.agent, "params": said["data"]}
    return {
        **said,
        "tool_name": told.agent,
        "result": {"status": said["data"].get("outcome"), "data": said["text"]},
    }


async def stream(
    work: Callable[[Listener], Mapping[str, Any]],
    ended: Callable[[], None],
    *,
    heartbeat_s: float = HEARTBEAT_S,
) -> AsyncIterator[bytes]:
    """Run the work in a thread and tell its events; `ended` is called when it has ended, even where its client has left before."""
    loop = asyncio.get_running_loop()
    items: asyncio.Queue[Item | None] = asyncio.Queue()
    gone = threading.Event()

    def put(item: Item | None) -> None:
        with suppress(RuntimeError):  # the loop was closed: the server ends
            loop.call_soon_threadsafe(items.put_nowait, item)

    def listen(told: Event) -> None:
        if gone.is_set():
            raise Gone
        name = NAMES.get(told.kind, told.kind)
        put((name, tool_event(told) if told.kind in ("tool_call", "tool_result") else as_document(told)))

    def run() -> None:
        try:
            put(_outcome(work, listen))
        finally:
            put(None)
            ended()

    threading.Thread(target=run, name="chat", daemon=True).start()
    try:
        async for item in _each(items, heartbeat_s):
            yield item
    finally:
        gone.set()


def frame(name: str, data: Any) -> bytes:
    """One event as it is sent."""
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


async def _each(items: asyncio.Queue[Item | None], heartbeat_s: float) -> AsyncIterator[bytes]:
    waiting = asyncio.ensure_future(items.get())
    try:
        while True:
            done, _ = await asyncio.wait({waiting}, timeout=heartbeat_s)
            if not done:
                yield b": heartbeat\n\n"
                continue
            item = waiting.result()
            if item is None:
                return
            yield frame(*item)
            waiting = asyncio.ensure_future(items.get())
    finally:
        waiting.cancel()


def _outcome(work: Callable[[Listener], Mapping[str, Any]], listen: Listener) -> Item | None:
    try:
        return ANSWER, work(listen)
    except Gone:
        return None
    except SreCopilotError as error:
        return ERROR, {"detail": str(error), "title": "the question could not be answered"}
    except Exception as error:  # noqa: BLE001 - the top of a request's thread
        _log.error("a question failed", problem=f"{type(error).__name__}: {error}")
        return ERROR, {
            "detail": "an internal error; the log says more. Please report it.",
            "title": "internal error",
        }
