"""Servers of the Model Context Protocol as a client sees them: their tools, and what a call answers, as text."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as TooLate
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from sre_copilot.errors import SourceRefused, SourceUnreachable
from sre_copilot.perception.http import is_loopback
from sre_copilot.settings.tools import McpConfig, McpServer

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

MOST_TOOLS = 500  # listed by one server; beyond it nobody reads the list
MOST_TEXT = 200_000  # characters of one answer
START_S = 3.0  # besides that time-out, for a program or a server to be ready to talk
GRACE_S = 5.0  # besides the time-out of a call, for connecting and the way there and back


@dataclass(frozen=True, slots=True, kw_only=True)
class McpTool:
    """A tool as its server describes it: words of somebody else. What it says of its own harmlessness is not even read."""

    name: str
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class McpAnswer:
    """The texts of an answer; pictures and links to files are only counted."""

    text: str
    failed: bool
    left_out: int = 0


class McpClient:
    """Speaks to one server from any thread; connects at the first need, and again after a failure."""

    def __init__(self, name: str, settings: McpServer) -> None:
        self.name = name
        self.settings = settings
        self._line: _Line | None = None
        self._lock = threading.Lock()
        self._connecting = threading.Lock()

    def __enter__(self) -> McpClient:
        """Connect."""
        self._released(self._taken(time.monotonic() + self.settings.timeout_seconds + GRACE_S))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    def tools(self) -> tuple[McpTool, ...]:
        """The tools that the operator allows, of those that the server has.

        Raises
        ------
        SourceError : when the server cannot be asked
        """
        found: list[Any] = []
        cursor = None
        while len(found) < MOST_TOOLS:
            answer = self._ask("list_tools", cursor=cursor)
            found += answer.tools
            cursor = answer.next_cursor
            if not cursor:
                break
        return tuple(
            McpTool(name=each.name, description=each.description or "", schema=dict(each.input_schema))
            for each in found
            if each.name in self.settings.tools
        )

    def call(self, tool: str, arguments: dict[str, Any]) -> McpAnswer:
        """Call a tool that is allowed; what the operator fixed stands above what was given.

        Raises
        ------
        SourceRefused : when the tool is not on the operator's list
        SourceError : when the server cannot be asked
        """
        if tool not in self.settings.tools:
            raise SourceRefused(self.name, f"{tool} is not on the list mcp_servers.{self.name}.tools")
        answer = self._ask("call_tool", tool, {**arguments, **self.settings.fixed.get(tool, {})})
        texts = [each.text for each in answer.content if getattr(each, "type", "") == "text"]
        text = "\n".join(texts)[:MOST_TEXT]
        return McpAnswer(text=text, failed=bool(answer.is_error), left_out=len(answer.content) - len(texts))

    def close(self) -> None:
        """Close the connection and end a program that was started; harmless when called again."""
        with self._lock:
            line, self._line = self._line, None
        if line is not None:
            line.close()

    def _ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        until = time.monotonic() + self.settings.timeout_seconds + GRACE_S
        line: _Line | None = None
        try:
            line = self._taken(until)
            asked = line.client
            future = line.portal.start_task_soon(lambda: getattr(asked, method)(*arguments, **options))
            try:
                found = future.result(max(0.0, until - time.monotonic()))
            except TooLate:
                future.cancel()
                raise
        except TooLate:
            self._released(line, failed=True)
            seconds = self.settings.timeout_seconds
            raise SourceUnreachable(self.name, f"did not answer within {seconds:g} s") from None
        except Exception as error:  # noqa: BLE001 - the library raises its own, those of its transports, and groups of them
            self._released(line, failed=True)
            raise SourceUnreachable(
                self.name, f"could not be asked: {_words(error)}", remedy="check mcp_servers and the server"
            ) from None
        self._released(line)
        return found

    def _taken(self, until: float) -> _Line:
        """The connection, one user more; who waits while another thread connects waits no longer than for an answer."""
        if not self._connecting.acquire(timeout=max(0.0, until - time.monotonic())):
            raise TooLate
        try:
            with self._lock:
                line = self._line
                if line is not None:
                    line.users += 1
                    return line
            line = self._connect(min(self.settings.timeout_seconds + START_S, until - time.monotonic()))
            with self._lock:
                line.users += 1
                self._line = line
            return line
        finally:
            self._connecting.release()

    def _released(self, line: _Line | None, *, failed: bool = False) -> None:
        """One user less; after a failure the next call connects anew, and the last user of the old connection closes it."""
        if line is None:
            return
        with self._lock:
            line.users -= 1
            line.failed = line.failed or failed
            if line.failed and self._line is line:
                self._line = None
            last = line.failed and line.users == 0
        if last:
            _closed_aside(line.stack, self.name)

    def _connect(self, seconds: float) -> _Line:
        from anyio.from_thread import start_blocking_portal  # noqa: PLC0415 - a second of imports
        from mcp import Client  # noqa: PLC0415

        stack = ExitStack()
        try:
            silence = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - the stack closes it
            portal = stack.enter_context(start_blocking_portal())
            client = Client(
                _transport(self.name, self.settings.config, self.settings.timeout_seconds, silence),
                read_timeout_seconds=self.settings.timeout_seconds,
                cache=None,
            )
            opening, ended = _Opening(), portal.call(_event)
            task = portal.start_task_soon(_held, client, opening, ended)
            task.add_done_callback(lambda done: opening.ready.set())
        except BaseException:
            stack.close()
            raise
        stack.callback(_let_go, portal, ended, task)
        if not opening.ready.wait(max(0.0, seconds)):
            task.cancel()
            _closed_aside(stack, self.name)
            raise TooLate
        if opening.client is None:
            error = task.exception()
            _closed_aside(stack, self.name)
            raise error or RuntimeError("the connection ended")
        return _Line(stack=stack, portal=portal, client=opening.client)


@dataclass(slots=True, kw_only=True, eq=False)
class _Line:
    """One connection, and how many calls are under way on it."""

    stack: ExitStack
    portal: BlockingPortal
    client: Any
    users: int = 0
    failed: bool = False

    def close(self) -> None:
        """Close it; the other side may have gone first."""
        with suppress(Exception, CancelledError):
            self.stack.close()


class _Opening:
    """A connection that is being made."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.client: Any = None


async def _event() -> Any:
    import anyio  # noqa: PLC0415 - with the portal

    return anyio.Event()


async def _held(client: Any, opening: _Opening, ended: Any) -> None:
    """Open a connection and hold it until it is no longer needed, in one task, as its scopes want it."""
    async with client as opened:
        opening.client = opened
        opening.ready.set()
        await ended.wait()


def _let_go(portal: BlockingPortal, ended: Any, task: Future[None]) -> None:
    portal.call(ended.set)
    with suppress(Exception, CancelledError):
        task.result()


def _closed_aside(stack: ExitStack, name: str) -> None:
    """Close what failed in a thread of its own: ending a program may take seconds that no caller waits."""

    def close() -> None:
        with suppress(Exception, CancelledError):
            stack.close()

    threading.Thread(target=close, name=f"closing {name}", daemon=True).start()


def _transport(name: str, config: McpConfig, timeout: float, silence: TextIO) -> Any:
    """The way to the server; a program's own messages are led nowhere, for they may hold anything."""
    if config.mode == "stdio":
        from mcp import StdioServerParameters, stdio_client  # noqa: PLC0415

        env = {key: value.get_secret_value() for key, value in config.env.items()}
        return stdio_client(
            StdioServerParameters(command=config.command, args=list(config.args), env=env), errlog=silence
        )
    import httpx2  # noqa: PLC0415 - the client that the protocol's library speaks through
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415

    host = httpx2.URL(config.url).host
    if config.url.startswith("http://") and not is_loopback(host):
        raise SourceRefused(name, "plain http is for this machine only", remedy="use https")
    headers = {key: value.get_secret_value() for key, value in config.headers.items()}
    return streamable_http_client(
        config.url, http_client=httpx2.AsyncClient(headers=headers, timeout=timeout)
    )


def _words(error: BaseException) -> str:
    """What happened, of the first of a group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"[:300]
