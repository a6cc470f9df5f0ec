"""Servers of the Model Context Protocol as a client sees them: their tools, and what a call answers, as text."""

from __future__ import annotations

import os
import threading
from concurrent.futures import TimeoutError as TooLate
from contextlib import ExitStack
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
GRACE_S = 5.0  # besides the time-out of a call, for starting a program or a connection


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
        self._stack: ExitStack | None = None
        self._portal: BlockingPortal | None = None
        self._client: Any = None
        self._lock = threading.Lock()

    def __enter__(self) -> McpClient:
        """Connect."""
        self._connected()
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
        stack, self._stack, self._client, self._portal = self._stack, None, None, None
        if stack is not None:
            try:
                stack.close()
            except Exception:  # noqa: BLE001 - the other side went first; there is nothing left to close
                return

    def _ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        try:
            portal, client = self._connected()
            future = portal.start_task_soon(lambda: getattr(client, method)(*arguments, **options))
            return future.result(self.settings.timeout_seconds + GRACE_S)
        except TooLate:
            self.close()
            seconds = self.settings.timeout_seconds
            raise SourceUnreachable(self.name, f"did not answer within {seconds:g} s") from None
        except Exception as error:  # noqa: BLE001 - the library raises its own, those of its transports, and groups of them
            self.close()
            raise SourceUnreachable(
                self.name, f"could not be asked: {_words(error)}", remedy="check mcp_servers and the server"
            ) from None

    def _connected(self) -> tuple[BlockingPortal, Any]:
        with self._lock:
            if self._portal is None or self._client is None:
                self._portal, self._client = self._connect()
            return self._portal, self._client

    def _connect(self) -> tuple[BlockingPortal, Any]:
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
            opened = stack.enter_context(portal.wrap_async_context_manager(client))
        except BaseException:
            stack.close()
            raise
        self._stack = stack
        return portal, opened


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
