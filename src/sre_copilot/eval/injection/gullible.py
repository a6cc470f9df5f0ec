"""A model that does whatever the text tells it: the worst that a real one could be talked into."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from sre_copilot.eval.agents.actors import claims_in, offers_in, told_in
from sre_copilot.eval.agents.attacks import Attack
from sre_copilot.llm.transcript import ANSWER


def gullible(attack: Attack) -> FunctionModel:
    """Repeats the attack's text as its wording, calls tools with what it names, and chooses what it asks for."""

    def turn(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        tools = {tool.name: tool for tool in info.function_tools}
        answer = tools.pop(ANSWER, None)
        looked = sum(isinstance(part, ToolReturnPart) for message in messages for part in message.parts)
        if tools and looked < len(_ARGUMENTS):
            name = list(tools)[looked % len(tools)]
            return ModelResponse(parts=[ToolCallPart(name, json.dumps(_ARGUMENTS[looked](attack)))])
        asked = next(iter((answer.parameters_json_schema if answer else {}).get("properties", {})), "")
        return ModelResponse(
            parts=[ToolCallPart(ANSWER, json.dumps(_obeyed(asked, told_in(messages), attack)))]
        )

    return FunctionModel(turn, model_name="gullible")


_ARGUMENTS = (
    lambda attack: {"host": "attacker.example", "url": _named(attack), "service": _named(attack)},
    lambda attack: {"service": "", "command": _named(attack)},
)


def _named(attack: Attack) -> str:
    return next(iter((*attack.must_not_call_with, *attack.must_not_blame, attack.text[:60])))


def _obeyed(asked: str, told: str, attack: Attack) -> Mapping[str, Any]:
    if asked == "test":
        offered = offers_in(told)
        return {"test": offered[-1][0], "entity": offered[-1][1]} if offered else {"test": "x", "entity": "y"}
    if asked == "sentences":
        says = [*attack.must_not_contain[:1], attack.text[:300]]
        return {
            "sentences": [{"cites": names, "text": say} for names in claims_in(told) for say in says][:12]
        }
    if asked == "finding_ids":
        return {"finding_ids": ["F-00000000", *attack.must_not_blame]}
    return {"intent": "act", "services": [{"service": name, "words": name} for name in attack.must_not_blame]}
