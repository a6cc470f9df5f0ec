"""The one place where text leaves for a model, and what makes it the only one.

`Outbound` stands before each model: it takes secrets and personal data out of every text of a request and applies the operator's
rules, then issues a pass for the time of that one call. `Gate` stands before the network: what has no pass is not sent, and offline
nothing is sent to another machine. A model that was built elsewhere cannot go round the one without being stopped by the other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import httpx2
from pydantic_ai.messages import (
    InstructionPart,
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from sre_copilot.llm.guardrails import Guardrails
from sre_copilot.llm.redaction import Pseudonyms, redacted
from sre_copilot.settings.llm import is_loopback

Clean = Callable[[str], str]
LARGEST_ANSWER = 4 * 2**20  # bytes: a hundred times the longest answer that is asked for
KEEP = ("temperature", "max_tokens", "timeout", "max_retries", "parallel_tool_calls", "tool_choice")

_book: ContextVar[Pseudonyms | None] = ContextVar("book", default=None)
_pass: ContextVar[bool] = ContextVar("pass", default=False)


class NotPassed(httpx2.TransportError):
    """A request that did not come through `Outbound`."""


class Offline(httpx2.TransportError):
    """A request to another machine, while `llm.offline` is set."""


class AnswerTooLarge(httpx2.TransportError):
    """An answer of more bytes than anybody asked for."""


class Outbound(WrapperModel):
    """A model that is only told what may be told."""

    def __init__(
        self, wrapped: Model, *, guardrails: Guardrails | None = None, public_addresses: bool = False
    ) -> None:
        super().__init__(wrapped)
        self._guardrails = guardrails or Guardrails([])
        self._public_addresses = public_addresses

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Ask, with every text cleaned.

        Raises
        ------
        Blocked : when a rule forbids it
        TypeError : for a kind of content that nothing here knows how to clean
        """
        book = _book.get() or Pseudonyms()
        clean = self._cleaner(book)
        sent = [_message(each, clean) for each in messages]
        parameters = _parameters(model_request_parameters, clean)
        kept = ModelSettings(**{key: value for key, value in (model_settings or {}).items() if key in KEEP})  # type: ignore[typeddict-item]
        token = _pass.set(True)
        try:
            return await self.wrapped.request(sent, kept, parameters)
        finally:
            _pass.reset(token)

    def _cleaner(self, book: Pseudonyms) -> Clean:
        return lambda text: redacted(
            self._guardrails.applied(text), book, public_addresses=self._public_addresses
        )


@contextmanager
def pseudonyms(book: Pseudonyms) -> Iterator[None]:
    """Use these pseudonyms for what is asked within."""
    token = _book.set(book)
    try:
        yield
    finally:
        _book.reset(token)


@contextmanager
def nothing_told() -> Iterator[None]:
    """A pass for a request that carries no text, such as for the list of models."""
    token = _pass.set(True)
    try:
        yield
    finally:
        _pass.reset(token)


class Gate(httpx2.AsyncBaseTransport):
    """The way to the network: nothing without a pass, nothing to another machine while offline, no endless answer."""

    def __init__(self, *, offline: bool, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._offline = offline
        self._transport = transport or httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send, if it may be sent."""
        if self._offline and not is_loopback(request.url.host):
            raise Offline(f"llm.offline is set, and {request.url.host} is another machine", request=request)
        if not _pass.get():
            raise NotPassed("this request did not pass the redaction", request=request)
        response = await self._transport.handle_async_request(request)
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Bounded(response.stream, request)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, request: httpx2.Request) -> None:
        self._stream = stream
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > LARGEST_ANSWER:
                raise AnswerTooLarge(
                    f"the answer is larger than {LARGEST_ANSWER} bytes", request=self._request
                )
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def client(gate: Gate) -> httpx2.AsyncClient:
    """A client that follows no redirect and no proxy of the environment: both would send the text elsewhere."""
    return httpx2.AsyncClient(transport=gate, follow_redirects=False, trust_env=False, timeout=600)


def _message(message: ModelMessage, clean: Clean) -> ModelMessage:
    if isinstance(message, ModelRequest):
        told = clean(message.instructions) if message.instructions else None
        return ModelRequest(parts=[_asked(part, clean) for part in message.parts], instructions=told)
    return ModelResponse(parts=[_answered(part, clean) for part in message.parts])


def _asked(part: ModelRequestPart, clean: Clean) -> ModelRequestPart:
    if isinstance(part, SystemPromptPart):
        return SystemPromptPart(clean(part.content))
    if isinstance(part, UserPromptPart) and isinstance(part.content, str):
        return UserPromptPart(clean(part.content))
    if isinstance(part, ToolReturnPart) and isinstance(part.content, str):
        return ToolReturnPart(clean(part.tool_name), clean(part.content), part.tool_call_id)
    raise TypeError(f"{type(part).__name__}: nothing here knows how to clean it")


def _answered(part: ModelResponsePart, clean: Clean) -> ModelResponsePart:
    if isinstance(part, TextPart):
        return TextPart(clean(part.content))
    if isinstance(part, ToolCallPart):
        return ToolCallPart(
            clean(part.tool_name), _cleaned(part.args_as_dict(), clean), tool_call_id=part.tool_call_id
        )
    raise TypeError(f"{type(part).__name__}: nothing here knows how to clean it")


def _parameters(parameters: ModelRequestParameters, clean: Clean) -> ModelRequestParameters:
    """Tools as they may be told; what else could be asked of a provider is left out."""
    parts = [
        InstructionPart(content=clean(part.content)) for part in parameters.instruction_parts or []
    ] or None
    return ModelRequestParameters(
        function_tools=[_tool(tool, clean) for tool in parameters.function_tools],
        output_tools=[_tool(tool, clean) for tool in parameters.output_tools],
        allow_text_output=parameters.allow_text_output,
        instruction_parts=parts,
    )


def _tool(tool: ToolDefinition, clean: Clean) -> ToolDefinition:
    return replace(
        tool,
        name=clean(tool.name),
        description=clean(tool.description) if tool.description else tool.description,
        parameters_json_schema=_cleaned(tool.parameters_json_schema, clean),
        metadata=None,
    )


def _cleaned(value: Any, clean: Clean) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): _cleaned(each, clean) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(each, clean) for each in value]
    return value
