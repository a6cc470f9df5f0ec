"""How a conversation is put to a model, and how what it answers is read: by tool calls, or in words where it has none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pydantic_ai.messages import (
    InstructionPart,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from sre_copilot.llm.budget import tokens_of
from sre_copilot.llm.reading import call_in, objects
from sre_copilot.llm.signatures import sample, signature
from sre_copilot.llm.speaking import ToolSpec
from sre_copilot.llm.transcript import ANSWER, Called, Entry, Returned, Said, Told, compact, size

Spoken = Literal["tools", "text"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request."""

    messages: list[ModelMessage]
    parameters: ModelRequestParameters
    tokens: int


@dataclass(frozen=True, slots=True)
class Move:
    """What the model did: calls, the answer among them; or words alone, with whatever objects stand in them."""

    calls: tuple[Called, ...] = ()
    words: str = ""
    found: tuple[dict[str, Any], ...] = ()


class Way(Protocol):
    """A protocol."""

    def prompt(
        self, system: str, text: str, entries: Sequence[Entry], tools: Sequence[ToolSpec]
    ) -> Prompt: ...

    def read(self, response: ModelResponse, tools: Sequence[ToolSpec]) -> Move: ...


class ToolCalls:
    """The endpoint's own tool calls; a call that stands in the words instead is taken too."""

    def prompt(self, system: str, text: str, entries: Sequence[Entry], tools: Sequence[ToolSpec]) -> Prompt:
        """Put the conversation with tools of the protocol."""
        told = f"{system}\n{_how(tools)}"
        definitions = [
            ToolDefinition(
                name=tool.name,
                description=tool.description,
                parameters_json_schema=compact(tool.parameters),
                strict=False,
            )
            for tool in tools
        ]
        messages: list[ModelMessage] = [ModelRequest(parts=[UserPromptPart(text)], instructions=told)]
        for entry in entries:
            _add(messages, entry, told)
        parameters = ModelRequestParameters(
            function_tools=definitions, instruction_parts=[InstructionPart(content=told)]
        )
        described = json.dumps(
            [[each.name, each.description, each.parameters_json_schema] for each in definitions],
            ensure_ascii=False,
        )
        return Prompt(messages, parameters, tokens_of(told + text + described) + size(entries))

    def read(self, response: ModelResponse, tools: Sequence[ToolSpec]) -> Move:
        """Read calls, else words."""
        calls = tuple(
            Called(part.tool_call_id, part.tool_name.strip(), _arguments(part))
            for part in response.parts
            if isinstance(part, ToolCallPart)
        )
        if calls:
            return Move(calls=calls)
        return in_words(response, tools)


class Words:
    """Calls asked for in words, as an object in a fence; for models that know no tool calls."""

    def prompt(self, system: str, text: str, entries: Sequence[Entry], tools: Sequence[ToolSpec]) -> Prompt:
        """Put the conversation in words."""
        lines = [f"- {tool.name}({signature(tool.parameters)}): {tool.description}" for tool in tools]
        example = json.dumps(
            {"tool": tools[0].name, "arguments": sample(tools[0].parameters)}, ensure_ascii=False
        )
        told = "\n".join(
            [
                system,
                "You can call these tools:",
                *lines,
                "Write exactly one call, nothing else, for example:",
                f"```json\n{example}\n```",
                _how(tools),
            ]
        )
        messages: list[ModelMessage] = [ModelRequest(parts=[UserPromptPart(text)], instructions=told)]
        for entry in entries:
            _add(messages, _in_words(entry), told)
        parameters = ModelRequestParameters(instruction_parts=[InstructionPart(content=told)])
        return Prompt(messages, parameters, tokens_of(told + text) + size(entries))

    def read(self, response: ModelResponse, tools: Sequence[ToolSpec]) -> Move:
        """Read the first object that is a call, else the words."""
        return in_words(response, tools)


def in_words(response: ModelResponse, tools: Sequence[ToolSpec]) -> Move:
    """The first call that stands in the words of a response; else the words and the objects in them."""
    text = "\n".join(part.content for part in response.parts if isinstance(part, TextPart))
    names = frozenset(tool.name for tool in tools)
    found = tuple(objects(text))
    for each in found:
        if call := call_in(each, names):
            return Move(calls=(Called(f"words-{abs(hash(text)) % 10**8}", *call),))
    return Move(words=text, found=found)


def _how(tools: Sequence[ToolSpec]) -> str:
    """How the next step is given: as long as `answer` is not offered, no result is wanted."""
    if any(tool.name == ANSWER for tool in tools):
        return f"Give your result by calling `{ANSWER}`, never in words."
    return "Call a tool now. The result is asked for afterwards."


def _add(messages: list[ModelMessage], entry: Entry, told: str) -> None:
    """Put an entry at the end; what one side says in a row is one message, as some endpoints insist."""
    if isinstance(entry, (Said, Called)):
        part = (
            TextPart(entry.text)
            if isinstance(entry, Said)
            else ToolCallPart(entry.tool, dict(entry.arguments), tool_call_id=entry.id)
        )
        if isinstance(messages[-1], ModelResponse):
            messages[-1] = ModelResponse(parts=[*messages[-1].parts, part])
        else:
            messages.append(ModelResponse(parts=[part]))
        return
    back = (
        ToolReturnPart(entry.tool, entry.text, entry.id)
        if isinstance(entry, Returned)
        else UserPromptPart(entry.text)
    )
    if isinstance(messages[-1], ModelRequest):
        messages[-1] = ModelRequest(parts=[*messages[-1].parts, back], instructions=told)
    else:
        messages.append(ModelRequest(parts=[back], instructions=told))


def _in_words(entry: Entry) -> Entry:
    if isinstance(entry, Called):
        call = json.dumps({"tool": entry.tool, "arguments": entry.arguments}, ensure_ascii=False)
        return Said(f"```json\n{call}\n```")
    return Told(f"Result of {entry.tool}:\n{entry.text}") if isinstance(entry, Returned) else entry


def _arguments(part: ToolCallPart) -> dict[str, Any]:
    if isinstance(part.args, dict):
        return dict(part.args)
    return next(iter(objects(part.args or "")), {})


WAYS: dict[Spoken, Way] = {"tools": ToolCalls(), "text": Words()}
