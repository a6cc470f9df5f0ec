"""Models for tests: one that follows a script, and one that was recorded.

    model = ScriptedModel([Call("query_metrics", {"service": "order"}), Answer({"service": "order"})])
    speaker = make_speaker(Llm(), models={"fast": model})
    reply = speaker.ask(question, ledger=speaker.ledger(), call=call)
    assert "order" in model.prompts[-1].text

Both see what a real model would see, after redaction, and go through all that a real one goes through. `testing.servers.openai` is an
endpoint that misbehaves, for what happens on the way there.
"""

from __future__ import annotations

import difflib
import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.settings import ModelSettings

from sre_copilot.llm.transcript import ANSWER

_MARK = re.compile(r"data-[0-9a-f]{8}")
_PSEUDONYM = re.compile(r"\b(EMAIL|PHONE|IDCARD|BANKCARD|ADDRESS)_([a-z]{3})_(\d+)")


@dataclass(frozen=True, slots=True)
class Call:
    """The model calls a tool."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """The model gives its result."""

    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Words:
    """The model says something in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Fails:
    """The call fails with this exception."""

    error: Exception


Turn = Call | Answer | Words | Fails | Sequence[Call | Answer]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model was told: our instructions, all the words of the other side, the tools, and what they brought."""

    system: str
    text: str
    tools: tuple[str, ...]
    results: tuple[tuple[str, str], ...] = ()

    @property
    def whole(self) -> str:
        """Everything that was sent, as one text."""
        return "\n".join([self.system, self.text, *(f"{tool}: {text}" for tool, text in self.results)])


Script = Callable[[Prompt], Turn] | Sequence[Turn | Callable[[Prompt], Turn]]


class ScriptExhausted(AssertionError):  # noqa: N818 - it reads better so
    """The model was asked once more than its script has turns."""


class ScriptedModel(FunctionModel):
    """A model that follows a script: a list of turns, or a function from what it is told to a turn.

    `prompts` holds what it was told, call by call. In the text protocol calls are written as a model without tools writes them.
    """

    def __init__(self, script: Script, *, name: str = "scripted") -> None:
        super().__init__(self._turn, model_name=name)
        self.prompts: list[Prompt] = []
        self._script = script
        self._lock = threading.Lock()

    def _turn(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        prompt = prompt_of(messages, info.model_request_parameters)
        with self._lock:
            number = len(self.prompts)
            self.prompts.append(prompt)
        return response_of(self._next(number, prompt), in_words=not prompt.tools)

    def _next(self, number: int, prompt: Prompt) -> Turn:
        if callable(self._script):
            return self._script(prompt)
        if number >= len(self._script):
            raise ScriptExhausted(f"the script has {len(self._script)} turns; the model was asked once more")
        turn = self._script[number]
        return turn(prompt) if callable(turn) else turn


class PromptChanged(AssertionError):  # noqa: N818
    """What the model is told is not what it was told when it was recorded."""


class RecordedModel(Model):
    """A model whose answers were recorded once.

    Where `path` does not exist, `model` is asked and its answers are written there; where it does, only what was recorded is
    answered, and a prompt that is not in it fails with the difference to the nearest one. Marks and pseudonyms, which are drawn by
    lot, do not count as a difference. Delete the file to record anew.
    """

    def __init__(self, path: Path, model: Model | None = None) -> None:
        super().__init__()
        self._path = path
        self._model = model
        self._lock = threading.Lock()
        self._replays = path.exists()
        self._recorded: list[dict[str, Any]] = (
            json.loads(path.read_text(encoding="utf-8")) if self._replays else []
        )
        self._used: list[int] = []

    @property
    def model_name(self) -> str:
        """Its name."""
        return self._model.model_name if self._model else f"recorded:{self._path.stem}"

    @property
    def system(self) -> str:
        """Its provider."""
        return self._model.system if self._model else "recorded"

    @property
    def base_url(self) -> str | None:
        """Its address: none when it replays."""
        return None

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Answer as recorded, or record."""
        asked = normal_prompt(messages, model_request_parameters)
        tag = _tag(messages)
        if self._replays:
            return self._replayed(asked, tag)
        if self._model is None:
            raise PromptChanged(f"{self._path}: there is no recording, and no model to record")
        response = await self._model.request(messages, model_settings, model_request_parameters)
        written = ModelMessagesTypeAdapter.dump_json([response]).decode()
        with self._lock:
            self._recorded.append({"prompt": asked, "response": json.loads(_without_tag(written, tag))})
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(
                json.dumps(self._recorded, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
            )
        return response

    def _replayed(self, asked: list[str], tag: str) -> ModelResponse:
        with self._lock:
            fits = [place for place, each in enumerate(self._recorded) if each["prompt"] == asked]
            if not fits:
                raise PromptChanged(self._difference(asked))
            place = next((each for each in fits if each not in self._used), fits[-1])
            self._used.append(place)
        text = json.dumps(self._recorded[place]["response"], ensure_ascii=False)
        [response] = ModelMessagesTypeAdapter.validate_json(_with_tag(text, tag))
        if not isinstance(response, ModelResponse):
            raise PromptChanged(f"{self._path}: holds no response at {place}")
        return response

    def _difference(self, asked: list[str]) -> str:
        if not self._recorded:
            return f"{self._path}: the recording is empty"
        nearest = max(
            (each["prompt"] for each in self._recorded),
            key=lambda each: difflib.SequenceMatcher(None, each, asked).ratio(),
        )
        shown = "\n".join(difflib.unified_diff(nearest, asked, "recorded", "asked", lineterm="", n=1))
        return f"{self._path}: the prompt is not the one that was recorded; delete the file to record anew\n{shown}"


def prompt_of(messages: Sequence[ModelMessage], parameters: ModelRequestParameters) -> Prompt:
    """What a model is told by a request."""
    requests = [each for each in messages if isinstance(each, ModelRequest)]
    parts = [part for each in requests for part in each.parts]
    results = tuple((part.tool_name, str(part.content)) for part in parts if isinstance(part, ToolReturnPart))
    text = "\n".join(
        part.content for part in parts if isinstance(part, UserPromptPart) and isinstance(part.content, str)
    )
    system = next((each.instructions for each in reversed(requests) if each.instructions), "")
    tools = tuple(tool.name for tool in parameters.function_tools)
    return Prompt(system=system, text=text, tools=tools, results=results)


def response_of(turn: Turn, *, in_words: bool = False) -> ModelResponse:
    """The response that a turn is."""
    if isinstance(turn, Fails):
        raise turn.error
    if isinstance(turn, Words):
        return ModelResponse(parts=[TextPart(turn.text)])
    calls = [turn] if isinstance(turn, (Call, Answer)) else list(turn)
    return ModelResponse(parts=[_part(each, in_words) for each in calls])


def _part(turn: Call | Answer, in_words: bool) -> ModelResponsePart:
    tool = turn.tool if isinstance(turn, Call) else ANSWER
    if in_words:
        call = json.dumps({"tool": tool, "arguments": dict(turn.arguments)}, ensure_ascii=False)
        return TextPart(f"```json\n{call}\n```")
    return ToolCallPart(tool, dict(turn.arguments))


def normal_prompt(messages: Sequence[ModelMessage], parameters: ModelRequestParameters) -> list[str]:
    """A request as lines that only differ where it says something else."""
    lines = [f"tool {each.name}: {each.description}" for each in parameters.function_tools]
    lines += [json.dumps(each.parameters_json_schema, sort_keys=True) for each in parameters.function_tools]
    for message in messages:
        if isinstance(message, ModelRequest) and message.instructions:
            lines.append(f"system: {message.instructions}")
        for part in message.parts:
            said = part.args_as_json_str() if isinstance(part, ToolCallPart) else getattr(part, "content", "")
            lines.append(f"{part.part_kind} {getattr(part, 'tool_name', '')}: {said}")
    text = _without_tag(_MARK.sub("data-#", "\n".join(lines)), "")
    return text.split("\n")


def _tag(messages: Sequence[ModelMessage]) -> str:
    found = _PSEUDONYM.search("\n".join(normal for each in messages for normal in _texts(each)))
    return found[2] if found else ""


def _texts(message: ModelMessage) -> list[str]:
    return [str(getattr(part, "content", "")) for part in message.parts]


def _without_tag(text: str, tag: str) -> str:
    """Pseudonyms without the part that is drawn by lot: this one, or any."""
    return _PSEUDONYM.sub(
        lambda found: f"{found[1]}_###_{found[3]}" if tag in ("", found[2]) else found[0], text
    )


def _with_tag(text: str, tag: str) -> str:
    return text.replace("_###_", f"_{tag}_") if tag else text
