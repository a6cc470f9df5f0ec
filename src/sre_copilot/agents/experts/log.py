"""LogAgent: what log lines say, how often, and what is new among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from sre_copilot.agents.agent import Desk, Task
from sre_copilot.agents.experts.asking import services, times
from sre_copilot.agents.experts.expert import Call, Expert
from sre_copilot.domain.knowledge import Lang


class LogAgent(Expert):
    """Knows logs: templates, errors, what is new, vanished or bursting."""

    name = "log"
    detectors = ("logs",)
    tools = ("query_logs", "summarise_logs", "find_log_templates")
    words: ClassVar[Mapping[Lang, str]] = {
        "en": "Searches, counts and sums up log lines; finds templates that are new, gone or bursting.",
        "zh": "检索、统计和汇总日志，发现新出现、消失或激增的日志模板。",
    }

    def calls(self, task: Task, desk: Desk) -> Sequence[Call]:
        """Search for what was quoted or for a level, else sum up."""
        asked = task.about.parameters
        search = {"contains": asked.get("text", ""), "level": asked.get("level", "").upper()}
        found = []
        for service in services(task):
            where = {"service": service, **times(task.window)}
            if any(search.values()):
                found.append(Call("query_logs", {**where, **{k: v for k, v in search.items() if v}}))
            else:
                found.append(Call("summarise_logs", where))
        return found
