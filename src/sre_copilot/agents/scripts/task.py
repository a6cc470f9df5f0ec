"""Which task a request means, and the values that it names; every value is checked before it may stand in a script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from sre_copilot.agents.queries.text import Text
from sre_copilot.agents.understanding.durations import number
from sre_copilot.agents.understanding.entities import unknown_name
from sre_copilot.agents.understanding.wording import pattern

TASKS: tuple[tuple[str, str], ...] = (
    ("alert_rule", r"\balert(?:ing)?\s+rules?\b|\brule\s+(?:that|which|for)\b|\balert\s+(?:when|if|on)\b|告警规则|报警规则|告警.{0,10}(?:yaml|YAML)"),
    ("manifest", r"\b(?:manifest|deployment\s+ya?ml|ya?ml\s+for\s+an?\s+(?:deployment|service))\b|(?:部署|deployment).{0,8}(?:清单|yaml|YAML)|清单"),
    ("heap_dump", r"\bheap\s*dumps?\b|\bdump\s+(?:the\s+)?heap\b|堆转储|堆内存|heap\s*dump|内存快照"),
    ("thread_dump", r"\bthread\s*dumps?\b|\bdump\s+(?:the\s+)?threads\b|\bjstack\b|线程(?:栈|转储|快照|dump)"),
    ("certificates", r"\bcert(?:ificate)?s?\b|\btls\b|\bssl\b|证书"),
    ("rotate_logs", r"\brotat\w+\b.{0,20}\blogs?\b|\blog\s*rotat\w+|轮转|日志切割|切割日志"),
    ("drain_node", r"\bdrain\w*\b|\bcordon\b|驱逐节点|排空|腾空节点|下线节点"),
    ("scale", r"\bscal(?:e|es|ing)\b|\breplicas?\b|扩容|缩容|扩缩容|副本"),
    ("backup", r"\bback\s?ups?\b|\bback\s+up\b|\bdump\s+(?:the\s+)?(?:database|db)\b|备份"),
    ("clear_cache", r"\b(?:clear|flush|empty|purge|clean)\w*\b.{0,30}\bcaches?\b|\bcache\s+(?:clear|flush)\w*|(?:清|刷).{0,8}缓存"),
    ("free_disk", r"\b(?:free|clean|reclaim)\w*\b.{0,40}\b(?:disk|space|storage)\b|\b(?:delete|remove|clean)\w*\b.{0,20}\bold\s+(?:logs?|files?)\b|\bdisk\s+(?:clean|is\s+full)\w*|(?:清理|释放|腾).{0,40}(?:磁盘|空间|旧日志|旧文件|日志)|磁盘(?:清理|满)"),
    ("restart", r"\brestart\w*\b|\breboot\b|\bbounce\b|重启|重新启动"),
    ("log_search", r"\b(?:search|grep|find|look\s+for|count)\w*\b.{0,40}\blogs?\b|\blogs?\b.{0,30}\b(?:search|grep|containing|for)\b|(?:搜|查|找|统计).{0,12}日志|日志.{0,12}(?:搜索|查找|检索)"),
    ("diagnostics", r"\bdiagnos\w+\b|\bcollect\w*\b|\bgather\w*\b|\bsnapshot\b|\bhealth\s*check\b|\bcheck\w*\b|收集|采集|诊断|巡检|检查"),
)  # fmt: skip
_NAMES = re.compile(r"[A-Za-z0-9][\w.@:-]{0,62}")
_PATH = re.compile(r"(?<![\w.])/[\w./\-]{1,200}")
_DAYS = pattern(r"(?P<n>\d+)\s*(?:days?|天|日)")
_REPLICAS = pattern(
    r"(?:\bto\s+|\breplicas?\s*(?:=|to|of)?\s*|到|为|成)\s*(?P<n>\d{1,4}|[一二三四五六七八九十]+)|(?P<m>\d{1,4})\s*(?:replicas?|个?副本)"
)
_NAMED = (
    pattern(
        r"\b(?:service|deployment|pod|node|host|unit|process|container|database|db)\s+(?:named\s+|called\s+)?(?P<en>(?!(?:to|and|in|on|for|with|that|which|is|when|if|logs?|the|a|an|by|of|has|script)\b)[a-z0-9][\w.-]*)"
    ),
    pattern(
        r"(?P<before>[a-z0-9][\w.-]*[a-z0-9])\s*(?:服务|节点|主机|数据库|\bservice\b|\bnode\b|\bdeployment\b|\bpod\b)"
    ),
    pattern(r"(?:服务|节点|主机|数据库)\s*(?P<zh>[a-z0-9][\w.-]*)"),
)
_KUBERNETES = pattern(
    r"\bk8s\b|\bkubernetes\b|\bkubectl\b|\bpods?\b|\bdeployments?\b|\bnamespaces?\b|容器|集群|命名空间"
)
_NAMESPACE = pattern(
    r"\b(?:namespace|ns)\s+(?P<a>[a-z0-9][a-z0-9-]*)|(?P<b>[a-z0-9][a-z0-9-]*)\s+namespace\b|命名空间\s*(?P<c>[a-z0-9][a-z0-9-]*)"
)
_LANGUAGES = (
    ("python", r"\bpython\b|\bpy\b"),
    ("yaml", r"\bya?ml\b"),
    ("bash", r"\bbash\b|\bshell\b|\bsh\b|脚本"),
)
_EVERYDAY = frozenset(
    {
        "a",
        "an",
        "the",
        "every",
        "each",
        "all",
        "this",
        "my",
        "our",
        "script",
        "bash",
        "python",
        "shell",
        "yaml",
        "restart",
        "write",
    }
)


@dataclass(frozen=True, slots=True)
class ScriptTask:
    """What a script is for; an empty value was not said."""

    name: str
    language: str = "bash"
    service: str = ""
    namespace: str = ""
    path: str = ""
    text: str = ""
    days: int | None = None
    replicas: int | None = None
    kubernetes: bool = False
    words: str = ""
    services: tuple[str, ...] = field(default_factory=tuple)


def task_of(words: str, services: Sequence[str] = ()) -> ScriptTask | None:
    """The task that is meant; None where no rule knows one."""
    text = Text(words)
    plain = text.plain
    name = next((task for task, form in TASKS if pattern(form).search(plain)), "")
    if not name:
        return None
    said = [
        next(value for value in each.groups() if value) for form in _NAMED for each in form.finditer(plain)
    ]
    named = next((each for each in said if each not in _EVERYDAY), "") or unknown_name(plain)
    space = _NAMESPACE.search(plain)
    days, replicas = _DAYS.search(plain), _REPLICAS.search(plain)
    path = _PATH.search(text.raw)
    return ScriptTask(
        name=name,
        language=next((language for language, form in _LANGUAGES if pattern(form).search(plain)), "bash"),
        service=_safe(services[0] if services else named),
        namespace=_safe(next((value for value in space.groups() if value), "")) if space else "",
        path=path[0].rstrip("/.") if path and ".." not in path[0] else "",
        text=text.quotes[0][0][:200] if text.quotes else "",
        days=int(days["n"]) if days else None,
        replicas=int(number(replicas["n"] or replicas["m"]) or 0)
        if replicas and name in ("scale", "manifest")
        else None,
        kubernetes=bool(_KUBERNETES.search(plain)),
        words=words,
        services=tuple(services),
    )


def _safe(name: str) -> str:
    """A name that may stand in a script; '' for anything else."""
    return name if _NAMES.fullmatch(name) else ""
