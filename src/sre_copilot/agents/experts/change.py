"""ChangeAgent: what people and pipelines changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from sre_copilot.agents.agent import Desk, Task
from sre_copilot.agents.experts.asking import services, times
from sre_copilot.agents.experts.expert import Call, Expert
from sre_copilot.domain.knowledge import Lang


class ChangeAgent(Expert):
    """Knows deployments, configuration and other changes, with their content."""

    name = "change"
    detectors = ("changes",)
    tools = ("query_changes",)
    words: ClassVar[Mapping[Lang, str]] = {
        "en": "Lists deployments, configuration and other changes, with what they contained.",
        "zh": "列出发布、配置等变更及其具体内容。",
    }

    def calls(self, task: Task, desk: Desk) -> Sequence[Call]:
        """The changes of each service."""
        return [Call("query_changes", {"service": each, **times(task.window)}) for each in services(task)]
