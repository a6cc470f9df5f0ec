"""TradeAgent: business transactions by service and channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from sre_copilot.agents.agent import Desk, Task
from sre_copilot.agents.experts.asking import services, times
from sre_copilot.agents.experts.expert import Call, Expert
from sre_copilot.domain.knowledge import Lang


class TradeAgent(Expert):
    """Knows transactions: volume, success, amount and time, by channel."""

    name = "trade"
    detectors = ("transactions",)
    tools = ("query_transactions",)
    words: ClassVar[Mapping[Lang, str]] = {
        "en": "Watches volume, success rate, amount and response time of business transactions, by channel.",
        "zh": "关注各渠道业务交易的笔数、成功率、金额和响应时间。",
    }

    def calls(self, task: Task, desk: Desk) -> Sequence[Call]:
        """The transactions of each service, in a channel where one is named."""
        channel = task.about.parameters.get("channel", "")
        where = {"channel": channel} if channel else {}
        return [
            Call("query_transactions", {"service": each, **where, **times(task.window)})
            for each in services(task)
        ]
