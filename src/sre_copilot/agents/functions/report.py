"""Makes the material of a report: what happened, since when, what it rests on; the document itself is rendered further up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sre_copilot.agents.agent import Desk, FaultDescription, Task
from sre_copilot.domain.knowledge import Lang


class ReportAgent:
    """Hands on what the root-cause agent concluded, so that it can be rendered as a report."""

    name: ClassVar[str] = "report"
    tools: ClassVar[tuple[str, ...]] = ()
    words: ClassVar[Mapping[Lang, str]] = {
        "en": "Writes a fault report or a list of faults from what was concluded.",
        "zh": "根据结论编写故障报告或故障清单。",
    }

    def description(self, lang: Lang) -> str:
        """One sentence on what it can be asked."""
        return self.words[lang]

    def work(self, task: Task, desk: Desk) -> FaultDescription:
        """Carry the conclusion on."""
        concluded = desk.before.get("root_cause")
        if concluded is None or concluded.problem:
            return FaultDescription(agent=self.name, problem="nothing was concluded that could be reported")
        return FaultDescription(
            agent=self.name,
            claims=concluded.claims,
            findings=concluded.findings,
            gaps=concluded.gaps,
            data=concluded.data,
        )
