"""What the tests of this room ask, and of whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from sre_copilot.llm.factory import make_speaker
from sre_copilot.llm.speaking import CallTool, Material, Question, Reply, ToolSpec
from sre_copilot.settings.llm import LanguageModel, Llm
from sre_copilot.testing.models import Script, ScriptedModel


class Verdict(BaseModel):
    """A result that is asked for."""

    service: str = Field(min_length=1)
    contact: str = ""


LOOK = ToolSpec(
    name="look",
    description="Looks at a service.",
    parameters={
        "type": "object",
        "title": "Look",
        "properties": {"service": {"type": "string"}, "page": {"type": "integer"}},
    },
)


def question(text: str = "What is wrong?", **given: Any) -> Question[Verdict]:
    """A question with one tool."""
    usual = {"instructions": "Name the service at fault.", "result": Verdict, "tools": (LOOK,)}
    return Question(role="test", text=text, **{**usual, **given})


def tool(
    text: str = "p99 is high", *, provenance: str = "metrics"
) -> tuple[CallTool, list[Mapping[str, Any]]]:
    """A tool that always says the same, and what it was called with."""
    calls: list[Mapping[str, Any]] = []

    def call(name: str, arguments: Mapping[str, Any]) -> Material:
        calls.append({"tool": name, **arguments})
        return Material(text=text, provenance=provenance)

    return call, calls


def ask(
    script: Script,
    asked: Question[Verdict] | None = None,
    *,
    settings: Llm | None = None,
    call: CallTool | None = None,
) -> tuple[Reply[Verdict], ScriptedModel]:
    """Ask a scripted model."""
    model = ScriptedModel(script)
    speaker = make_speaker(settings or Llm(), models={"fast": model})
    return speaker.ask(asked or question(), ledger=speaker.ledger(), call=call or tool()[0]), model


def endpoint(url: str, **given: Any) -> LanguageModel:
    """A model at an address of this machine."""
    return LanguageModel(
        **{"model": "any", "url": url, "timeout_seconds": 2, "retries": 0, "protocol": "tools", **given}
    )


def at(url: str, *, budget: Mapping[str, Any] | None = None, **given: Any) -> Llm:
    """Settings with one endpoint."""
    return Llm(models={"local": endpoint(url, **given)}, investigation=budget or {})
