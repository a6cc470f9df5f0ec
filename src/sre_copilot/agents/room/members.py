"""Who speaks in a room: people, agents of a post, agents of one tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sre_copilot.agents.understanding.wording import plain
from sre_copilot.domain.knowledge import Lang

MemberKind = Literal["person", "post", "tool"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A speaker. `asks` names the tool agents that a post works with, in the order in which it asks them."""

    name: str
    kind: MemberKind
    en: str
    zh: str
    also: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()

    def title(self, lang: Lang) -> str:
        """The name as it is shown."""
        return self.zh if lang == "zh" else self.en


_ALL = (
    Member(name="copilot", kind="tool", en="Copilot", zh="副驾", also=("assistant", "助手")),
    Member(name="log", kind="tool", en="Log agent", zh="日志", also=("logs", "日志智能体")),
    Member(name="trace", kind="tool", en="Trace agent", zh="调用链", also=("traces", "链路")),
    Member(name="trade", kind="tool", en="Transaction agent", zh="交易", also=("transactions",)),
    Member(name="monitor", kind="tool", en="Monitoring agent", zh="监控", also=("metrics", "指标")),
    Member(name="cmdb", kind="tool", en="CMDB agent", zh="配置库", also=("topology", "拓扑")),
    Member(name="change", kind="tool", en="Change agent", zh="变更", also=("changes",)),
    Member(name="diagnosis", kind="tool", en="Diagnosis agent", zh="诊断"),
    Member(name="root_cause", kind="tool", en="Root-cause agent", zh="根因", also=("rca",)),
    Member(name="knowledge", kind="tool", en="Knowledge agent", zh="知识", also=("qa", "知识库")),
    Member(name="report", kind="tool", en="Report agent", zh="报告"),
    Member(name="code", kind="tool", en="Code agent", zh="代码"),
    Member(
        name="first_line",
        kind="post",
        en="First-line operations",
        zh="一线",
        also=("firstline", "first-line", "一线运维", "oncall"),
        asks=("monitor", "log", "change"),
    ),
    Member(
        name="application",
        kind="post",
        en="Application operations",
        zh="应用",
        also=("app-ops", "应用运维"),
        asks=("trace", "log", "trade", "change"),
    ),
    Member(
        name="network",
        kind="post",
        en="Network operations",
        zh="网络",
        also=("network-ops", "网络运维"),
        asks=("monitor", "cmdb"),
    ),
    Member(
        name="storage",
        kind="post",
        en="Storage operations",
        zh="存储",
        also=("storage-ops", "存储运维"),
        asks=("monitor", "log", "cmdb"),
    ),
)

MEMBERS: Mapping[str, Member] = {member.name: member for member in _ALL}
"""All agents that can be called into a room."""

_BY_CALL = {
    plain(call).replace(" ", "").replace("-", "").replace("_", ""): member
    for member in _ALL
    for call in (member.name, member.zh, *member.also)
}
_TAILS = ("智能体", "代理", "agent", "同学", "运维", "ops", "operations")


def called(name: str) -> Member | None:
    """The agent that is called by a name, in either language, with or without "agent"."""
    key = plain(name).lstrip("@").replace(" ", "").replace("-", "").replace("_", "")
    found = _BY_CALL.get(key)
    for tail in _TAILS:
        found = found or (_BY_CALL.get(key.removesuffix(tail)) if key.endswith(tail) else None)
    return found
