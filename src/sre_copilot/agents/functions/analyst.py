"""Analyst: a question that nobody foresaw. A model chooses tools and says which of their findings answer it; only those are printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from sre_copilot.agents.agent import Desk, FaultDescription, Task
from sre_copilot.agents.experts.expert import said
from sre_copilot.agents.grounding import claims_of
from sre_copilot.agents.prompts import prompt
from sre_copilot.agents.tool import ToolResult
from sre_copilot.domain.evidence import Finding, Message
from sre_copilot.domain.knowledge import Lang
from sre_copilot.llm.speaking import Material, Question

_NOTHING = Message(key="team.nothing")
CALLS = 6  # of the model: it looks, reads, looks again


class Chosen(BaseModel):
    """Which findings answer the question."""

    finding_ids: list[str] = Field(
        max_length=12,
        description="ids (F-…) of findings in the tools' results that answer the question; empty when none does",
    )


class AnalystAgent:
    """Lets a model look around with reading tools; it chooses findings, it states nothing itself."""

    name: ClassVar[str] = "analyst"
    tools: ClassVar[tuple[str, ...]] = (
        "query_metrics",
        "query_logs",
        "query_traces",
        "query_changes",
        "query_topology",
        "detect_anomalies",
        "run_workflow",
    )
    words: ClassVar[Mapping[Lang, str]] = {
        "en": "Looks around with reading tools for a question that fits nobody else; needs a language model.",
        "zh": "用只读工具查找无人对口的问题；需要语言模型。",
    }

    def description(self, lang: Lang) -> str:
        """One sentence on what it can be asked."""
        return self.words[lang]

    def work(self, task: Task, desk: Desk) -> FaultDescription:
        """Ask the model; print what the findings that it chose say, and nothing of its own."""
        results: list[ToolResult] = []

        def call(name: str, arguments: Mapping[str, Any]) -> Material:
            if name not in self.tools:
                return Material(text=f"There is no tool {name}.", provenance="tools")
            result = desk.use(name, arguments)
            results.append(result)
            return Material(text=f"{result.outcome}\n{result.digest}", provenance=f"tool {name}")

        reply = desk.speaker.ask(
            Question(
                role=self.name,
                instructions=prompt(self.name, desk.context.lang),
                text=task.about.text,
                result=Chosen,
                tools=tuple(spec for spec in desk.specs if spec.name in self.tools),
                needs_tools=True,
                max_calls=CALLS,
            ),
            ledger=desk.ledger,
            call=call,
        )
        found = {finding.id: finding for result in results for finding in result.findings}
        chosen = _known(reply.value.finding_ids if reply.value else (), found)
        return FaultDescription(
            agent=self.name,
            claims=claims_of(chosen, [said(finding, desk) for finding in chosen]),
            findings=tuple(chosen),
            asked=tuple(asked for result in results for asked in result.asked),
            problem="" if chosen else desk.context.say(_NOTHING, desk.context.lang),
            data={"results": tuple(results)},
        )


def _known(names: Any, found: Mapping[str, Finding]) -> list[Finding]:
    return [found[name] for name in dict.fromkeys(names) if name in found]
