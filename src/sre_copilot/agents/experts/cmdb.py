"""CMDBAgent: what depends on what, where it runs, who owns it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from sre_copilot.agents.agent import Desk, Task
from sre_copilot.agents.experts.asking import services
from sre_copilot.agents.experts.expert import Call, Expert
from sre_copilot.domain.knowledge import Lang


class CmdbAgent(Expert):
    """Knows entities and how they are linked."""

    name = "cmdb"
    tools = ("query_topology",)
    words: ClassVar[Mapping[Lang, str]] = {
        "en": "Tells what calls or depends on what, where it runs and who owns it.",
        "zh": "说明服务间的调用与依赖、部署位置和负责人。",
    }

    def calls(self, task: Task, desk: Desk) -> Sequence[Call]:
        """The neighbours of each service."""
        return [Call("query_topology", {"service": each}) for each in services(task)]
