"""What all experts share: in a diagnosis their detectors run, a question of its own is answered with their tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from sre_copilot.agents.agent import Desk, FaultDescription, Task
from sre_copilot.agents.answer import Event
from sre_copilot.agents.grounding import claims_of
from sre_copilot.agents.planning import WHOLE_TEAM
from sre_copilot.agents.tool import ToolResult
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.knowledge import Lang

JUDGING = ("detect_anomalies", "compare_windows", "forecast_metric")
"""Tools whose statement answers the question; what the others say supports it."""

TOLD = 5  # findings that an expert puts into words; all of them go on to the diagnosis


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a tool."""

    tool: str
    arguments: Mapping[str, Any]


class Expert:
    """Knows the detectors and tools of one kind of telemetry; a subclass says which, and how it reads a question."""

    name: ClassVar[str]
    detectors: ClassVar[tuple[str, ...]] = ()
    tools: ClassVar[tuple[str, ...]] = ()
    words: ClassVar[Mapping[Lang, str]]

    def description(self, lang: Lang) -> str:
        """One sentence on what it can be asked."""
        return self.words[lang]

    def work(self, task: Task, desk: Desk) -> FaultDescription:
        """Detect in a diagnosis, measure for a question."""
        if task.about.intent in WHOLE_TEAM:
            return self._detected(desk)
        return self._measured(self.calls(task, desk), desk)

    def calls(self, task: Task, desk: Desk) -> Sequence[Call]:
        """The tool calls that answer a question."""
        raise NotImplementedError

    def _detected(self, desk: Desk) -> FaultDescription:
        if desk.observation is None:
            return FaultDescription(agent=self.name, problem="there is nothing to look at")
        findings, gaps = desk.core.detect(desk.observation, self.detectors)
        told = findings[:TOLD]
        for finding in told:
            desk.listen(Event(kind="finding", agent=self.name, text=said(finding, desk)))
        return FaultDescription(
            agent=self.name,
            claims=claims_of(told, [said(finding, desk) for finding in told]),
            findings=findings,
            gaps=gaps,
        )

    def _measured(self, calls: Sequence[Call], desk: Desk) -> FaultDescription:
        results = [desk.use(call.tool, call.arguments) for call in calls]
        judged = [
            finding.id
            for call, result in zip(calls, results, strict=True)
            if call.tool in JUDGING
            for finding in result.findings
        ]
        description = described(self.name, results, desk)
        return replace(description, data={**description.data, "judged": tuple(judged)})


def described(agent: str, results: Sequence[ToolResult], desk: Desk) -> FaultDescription:
    """What tools said, as one description: their findings in words; a problem only when none of them answered."""
    findings = tuple(dict.fromkeys(finding for result in results for finding in result.findings))
    problems = [
        result.problem or result.digest
        for result in results
        if result.outcome in ("error", "no_data", "approval_required")
    ]
    return FaultDescription(
        agent=agent,
        claims=claims_of(findings, [said(finding, desk) for finding in findings]),
        findings=findings,
        gaps=tuple(dict.fromkeys(gap for result in results for gap in result.gaps)),
        asked=tuple(asked for result in results for asked in result.asked),
        problem="" if findings else "; ".join(dict.fromkeys(problems)),
        data={"results": tuple(results)},
    )


def said(finding: Finding, desk: Desk) -> str:
    """A finding's sentence in the language of the answer."""
    return desk.context.say(finding.message, desk.context.lang)
