"""By what a deed is done: a tool that reads, a wait, a message, or else a person. Only what the words say plainly is not left to a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.decision.planning.strategies import VERBS
from sre_copilot.decision.planning.wording import strategy_of
from sre_copilot.domain.plan import Target
from sre_copilot.workflows.lint.known import Schema

Provider = dict[str, Any]
HUMAN_TIMEOUT = "4h"  # half a working day: whoever follows a procedure is at it
MOST_TITLE = 300
_READS = re.compile(
    r"^(?:(?:first|then|again|also)\s+)?(?:look|compare|check|find|list|query|search|inspect|read|see|review|examine|confirm|determine|identify)\b"
    r"|^(?:先|再|然后|同时)?(?:查看|检查|对比|比较|查询|查找|查|列出|搜索|找到|找出|定位|确认|核对|排查|分析|看)",
    re.IGNORECASE,
)
_ACTS = re.compile(
    r"\b(?:restart|kill|terminate|stop|delete|remove|scale|roll(?:ed)? (?:it |the \w+ )?back|rollback|revert|switch|disable|enable|block|drain|failover|fail over|clear|clean|free|add|raise|increase|enlarge|replace|renew|fix)\b"
    r"|重启|终止|杀掉|停止|停掉|删除|清理|扩容|回滚|回退|切换|禁用|启用|封禁|隔离|摘除|下线|增加|调大|更换|续期|修复",
    re.IGNORECASE,
)
"""Words of deeds that change something: no tool that reads stands for them."""
_TOOL = re.compile(r"`([a-z0-9_.-]+)`")
_OBJECTS: tuple[tuple[str, str], ...] = (
    ("similar_incidents", r"similar|past incident|happened before|类似|历史(?:故障|事件)|以往"),
    ("search_knowledge", r"knowledge|runbook|documentation|知识库|文档|手册"),
    ("forecast_metric", r"forecast|预测"),
    ("query_changes", r"\bchang(?:e|es|ed)\b|deploy|release|rollout|rolled out|\bconfig|变更|发布|上线|部署|配置"),
    ("query_traces", r"\btraces?\b|\bspans?\b|\bedges?\b|\bcall(?:s|ee|ees|er|ers)?\b|waits for whom|调用|链路|追踪"),
    ("find_log_templates", r"\blogs?\b|\berror messages?\b|\bexceptions?\b|\bstack\b|日志|报错|异常堆栈|错误信息"),
    ("query_transactions", r"transactions?(?! time)|payments?|orders?|success rate|channel|交易|订单|支付|成功率|渠道"),
    ("query_topology", r"topolog|dependenc|upstream|downstream|拓扑|依赖|上游|下游"),
    ("query_state", r"\bpods?\b|\bnodes?\b|replicas|\bevents\b|容器|节点状态|副本"),
    ("query_metrics", r"cpu|memory|heap|disk|latency|response time|\bload\b|traffic|queue|connections?|pool|throughput|requests|utili[sz]ation|usage|lag|rate|内存|磁盘|延迟|响应时间|耗时|负载|流量|队列|积压|连接|吞吐|请求|使用率|利用率|水位"),
)  # fmt: skip
"""What is looked at, and the tool that does; the first that fits, so that rarer words stand before those of every sentence."""
_METRICS: tuple[tuple[str, str], ...] = (
    ("cpu", r"cpu|处理器"), ("memory", r"memory|heap|内存"), ("disk", r"disk|磁盘"), ("latency", r"latency|response time|延迟|响应时间|耗时"),
    ("queue", r"queue|队列|积压"), ("connection", r"connection|连接"),
)  # fmt: skip
_NUMBERS = {"one": 1, "two": 2, "three": 3, "five": 5, "ten": 10, "fifteen": 15, "twenty": 20, "thirty": 30, "a": 1, "an": 1, "一": 1, "两": 2, "二": 2, "三": 3, "五": 5, "十": 10, "十五": 15, "二十": 20, "三十": 30, "半": 0.5}  # fmt: skip
_COUNT = (
    r"\d+(?:\.\d+)?|\b(?:one|two|three|five|ten|fifteen|twenty|thirty|an?)\b|十五|二十|三十|[一二两三五十半]"
)
_WAIT = re.compile(
    r"^(?:then |再|继续|持续)?(?:(?P<judge>(?:watch|observe|verify|monitor)\b|观察|观测|监控|验证)|(?:wait|pause)\b|等待|等)"
    rf"[^,，]*?(?P<number>{_COUNT})\s*(?:more )?(?P<unit>seconds?|minutes?|hours?|秒|分钟|个?小时)(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_UNITS = {"s": "s", "m": "m", "h": "h", "秒": "s", "分": "m", "小": "h", "个": "h"}
_TELLS = re.compile(r"^(?:then )?(?:notify|tell|inform|alert|page|call)\b|^(?:立即|并|同时|及时)?(?:通知|告知|上报|联系)", re.IGNORECASE)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What there is to do things with: tools, receivers of messages, actions with the target that each would be done to."""

    tools: Mapping[str, Schema] = field(default_factory=dict)
    receivers: tuple[str, ...] = ()
    actions: Mapping[str, tuple[Schema, Target]] = field(default_factory=dict)


def of_deed(text: str, means: Means) -> tuple[Provider, ...]:
    """How a deed is done: one provider, or a wait and then a person who judges."""
    if (waited := _waited(text)) is not None:
        length, judged = waited
        wait = {"type": "wait", "with": {"for": length}}
        return (wait, human(text)) if judged else (wait,)
    if (acted := _acted(text, means)) is not None:
        return (acted,)
    if _TELLS.search(text) and means.receivers:
        return ({"type": "notify", "with": {"receivers": list(means.receivers), "title": plain(text)}},)
    if (_READS.search(text) or _TOOL.search(text)) and not _ACTS.search(text):
        read = looked(text, means)
        return (read,) if read is not None else (human(text),)
    return (human(text),)


def looked(text: str, means: Means, *, named: str = "") -> Provider | None:
    """The tool that looks at what the words name; None where none does, or its arguments are not known."""
    written = _TOOL.search(text)
    candidates = [named, written[1] if written else ""]
    candidates += [tool for tool, words in _OBJECTS if re.search(words, text, re.IGNORECASE)]
    for tool in filter(None, candidates):
        if tool in means.tools and (given := _arguments(tool, text, means.tools[tool])) is not None:
            return {"type": f"tool.{tool}", "with": given}
    return None


def human(text: str) -> Provider:
    """A person does it, and says so."""
    return {"type": "human", "with": {"title": plain(text)}}


def question(text: str, digests: str) -> Provider:
    """A person says whether something is so."""
    form = [{"name": "holds", "type": "boolean", "label": plain(text)}]
    asked: dict[str, Any] = {"title": plain(text), "form": form}
    return {"type": "human", "with": {**asked, **({"text": digests} if digests else {})}}


def plain(text: str) -> str:
    """Words of a procedure in a text of a workflow: nothing in them is an expression."""
    return " ".join(text.replace("{{", "{ {").split())[:MOST_TITLE] or "-"


def _arguments(tool: str, text: str, schema: Schema) -> dict[str, Any] | None:
    fields = schema.get("properties", {})
    given: dict[str, Any] = {name: "{{ inputs.service }}" for name in ("service", "entity") if name in fields}
    if "question" in fields:
        given["question"] = plain(text)[:200]
    metric = next((name for name, words in _METRICS if re.search(words, text, re.IGNORECASE)), "")
    if "metric" in fields and metric:
        given["metric"] = metric
    return given if set(schema.get("required", ())) <= set(given) else None


def _acted(text: str, means: Means) -> Provider | None:
    """The one action that the words name, where the catalogue has it, all it needs is known, and so is its target."""
    strategy = strategy_of(text)
    fits = [name for name in means.actions if name.partition(".")[2] in VERBS.get(strategy, ())]
    if len(fits) != 1 or means.actions[fits[0]][0].get("required"):
        return None
    target = means.actions[fits[0]][1]
    where = {key: getattr(target, key) for key in ("kind", "name", "namespace") if getattr(target, key)}
    return {"type": f"action.{fits[0]}", "with": {"target": where, "reason": plain(text)}}


def _waited(text: str) -> tuple[str, bool] | None:
    match = _WAIT.search(text)
    if match is None:
        return None
    number = match["number"].casefold()
    amount = float(number) if re.fullmatch(r"\d+(?:\.\d+)?", number) else _NUMBERS.get(number)
    if amount is None:
        return None
    unit = _UNITS[match["unit"][0].casefold()]
    length = f"{amount:g}{unit}" if amount != 0.5 else {"h": "30m", "m": "30s", "s": "1s"}[unit]
    rest = match["rest"].strip(" ,，.。")
    return length, bool(match["judge"]) and bool(rest)
