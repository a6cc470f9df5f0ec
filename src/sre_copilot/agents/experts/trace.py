"""TraceAgent: calls between services, how long they take and where they fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from sre_copilot.agents.agent import Desk, Task
from sre_copilot.agents.experts.asking import services, times
from sre_copilot.agents.experts.expert import Call, Expert
from sre_copilot.domain.knowledge import Lang


class TraceAgent(Expert):
    """Knows traces: slow and failing calls, gaps between caller and callee, missing steps."""

    name = "trace"
    detectors = ("traces",)
    tools = ("query_traces",)
    words: ClassVar[Mapping[Lang, str]] = {
        "en": "Tells where calls between services are slow, fail, or lose time on their way.",
        "zh": "指出服务间调用在哪里变慢、失败或在途中耗时。",
    }

    def calls(self, task: Task, desk: Desk) -> Sequence[Call]:
        """One trace by its id, else the calls of each service."""
        trace_id = task.about.parameters.get("trace_id", "")
        if trace_id:
            return [Call("query_traces", {"trace_id": trace_id})]
        return [Call("query_traces", {"service": each, **times(task.window)}) for each in services(task)]
