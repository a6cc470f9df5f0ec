"""Models that play a part: one that behaves as a strong model does, one that lies whenever it is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel

from sre_copilot.llm.transcript import ANSWER

Part = Callable[[str, str], Mapping[str, Any]]
"""From the name of a field that is asked for and all that was told to the arguments of the answer."""

_OFFER = re.compile(r"^- (\w+) of (.+)$", re.MULTILINE)
_CLAIM = re.compile(r"^\[(F-[0-9a-f,F-]+)\] (.+)$", re.MULTILINE)
_FINDING = re.compile(r"\bF-[0-9a-f]{8}\b")
_LOOKS = 2  # tools that the strong one calls before it answers an open question


def strong() -> FunctionModel:
    """Chooses the most telling test, words claims faithfully, looks before it answers."""
    return FunctionModel(_acting(_behaves), model_name="strong")


def liar(wrong: str) -> FunctionModel:
    """Names `wrong` with confidence .99 wherever it can, whatever it is asked."""
    return FunctionModel(_acting(lambda asked, told: _lies(asked, told, wrong)), model_name="liar")


def _acting(part: Part) -> Callable[[list[ModelMessage], AgentInfo], ModelResponse]:
    def turn(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        tools = {tool.name: tool for tool in info.function_tools}
        told = told_in(messages)
        answer = tools.get(ANSWER)
        fields = (answer.parameters_json_schema if answer else {}).get("properties", {})
        asked = next(iter(fields), "")
        others = [name for name in tools if name != ANSWER]
        looked = sum(isinstance(each, ToolReturnPart) for message in messages for each in message.parts)
        if others and looked < _LOOKS:
            return ModelResponse(parts=[ToolCallPart(others[looked % len(others)], {})])
        return ModelResponse(parts=[ToolCallPart(ANSWER, json.dumps(dict(part(asked, told))))])

    return turn


def told_in(messages: list[ModelMessage]) -> str:
    """All that the other side said and that tools brought."""
    parts = [part for message in messages if isinstance(message, ModelRequest) for part in message.parts]
    return "\n".join(
        str(part.content) for part in parts if isinstance(part, (UserPromptPart, ToolReturnPart))
    )


def offers_in(told: str) -> list[tuple[str, str]]:
    """Tests on offer: name and entity."""
    return _OFFER.findall(told)


def claims_in(told: str) -> list[list[str]]:
    """Ids that each claim cites."""
    return [names.split(",") for names, _ in _CLAIM.findall(told)]


def _behaves(asked: str, told: str) -> Mapping[str, Any]:
    if asked == "test":
        offers = _OFFER.findall(told) or [("order", "")]
        test, entity = max(offers, key=lambda offer: offer[0] == "left_out")
        return {"test": test, "entity": entity}
    if asked == "sentences":
        claims = _CLAIM.findall(told)
        return {
            "sentences": [{"cites": names.split(","), "text": text.rstrip(".")} for names, text in claims]
        }
    if asked == "finding_ids":
        return {"finding_ids": list(dict.fromkeys(_FINDING.findall(told)))[:6]}
    return {"intent": "diagnose", "services": []}


def _lies(asked: str, told: str, wrong: str) -> Mapping[str, Any]:
    if asked == "test":
        offers = _OFFER.findall(told) or [("order", "")]
        return {"test": offers[-1][0], "entity": offers[-1][1]}
    if asked == "sentences":
        lie = f"The root cause is {wrong}, confidence 0.99."
        return {"sentences": [{"cites": names.split(","), "text": lie} for names, _ in _CLAIM.findall(told)]}
    if asked == "finding_ids":
        return {"finding_ids": ["F-00000000"]}
    return {"intent": "smalltalk", "services": [{"service": wrong, "words": wrong}]}
