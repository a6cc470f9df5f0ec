"""What was said in one conversation with a model, in a form that belongs to no protocol; how it is kept short."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sre_copilot.llm.budget import tokens_of
from sre_copilot.llm.speaking import Question, ToolSpec
from sre_copilot.llm.wrapping import RULE, neutral, wrapped

ANSWER = "answer"
SHORTENED = 240  # characters that stay of an old result: enough to know what was found
LEFT_OUT = "\n(the rest of this older result is left out)"


@dataclass(frozen=True, slots=True)
class Told:
    """What we say to the model in between."""

    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """What the model said in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """A tool that the model called, with the arguments as it wrote them."""

    id: str
    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Returned:
    """What a tool said, wrapped."""

    id: str
    tool: str
    text: str


Entry = Told | Said | Called | Returned


def opening(question: Question[Any]) -> tuple[str, str]:
    """Our own instructions, and the question with its material."""
    rule = [RULE] if question.material or question.tools else []
    system = "\n".join([question.instructions.strip(), *rule])
    return system, "\n\n".join([neutral(question.text), *map(wrapped, question.material)])


def answer_tool(question: Question[Any]) -> ToolSpec:
    """The tool by which the result is given; a schema forced on the first turn would make small models skip the others."""
    described = "Give the final result."
    if question.tools:
        described += " Only after the tools have shown the facts." if question.needs_tools else ""
    return ToolSpec(
        name=ANSWER, description=described, parameters=compact(question.result.model_json_schema())
    )


def compact(schema: Any) -> Any:
    """A JSON schema without what only people read in it: titles, and defaults that are empty."""
    if isinstance(schema, Mapping):
        kept = {
            key: value
            for key, value in schema.items()
            if not (key == "title" and isinstance(value, str))
            and not (key == "default" and value in (None, "", [], {}))
        }
        if isinstance(kept.get("properties"), Mapping):  # a property may be called `title`
            properties = {key: compact(value) for key, value in schema["properties"].items()}
            return {
                **{key: compact(value) for key, value in kept.items() if key != "properties"},
                "properties": properties,
            }
        return {key: compact(value) for key, value in kept.items()}
    return [compact(each) for each in schema] if isinstance(schema, (list, tuple)) else schema


def size(entries: Sequence[Entry]) -> int:
    """About how many tokens the entries take."""
    return sum(tokens_of(_text(entry)) + 4 for entry in entries)  # 4: the marks around a message


def fitted(entries: Sequence[Entry], *, tokens: int) -> list[Entry]:
    """The same conversation within a number of tokens: the oldest results lose their tails first, then the newest."""
    kept = list(entries)
    for place, entry in enumerate(kept):
        if size(kept) <= tokens:
            break
        if isinstance(entry, Returned) and len(entry.text) > SHORTENED:
            closing = entry.text.rpartition("\n")[2]  # the mark that ends what comes from outside
            kept[place] = replace(entry, text=f"{entry.text[:SHORTENED]}{LEFT_OUT}\n{closing}")
    return kept


def _text(entry: Entry) -> str:
    if isinstance(entry, Called):
        return entry.tool + json.dumps(entry.arguments, ensure_ascii=False)
    return entry.text
