"""From what people wrote to strategies: a clause counts only when it names one and no other, in a sentence without a condition; else the text is left to people."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

NOTHING = "nothing"
"""That a fault went away by itself."""
RULES: Mapping[str, str] = {
    "rollback": r"roll(?:ed|ing)?[ -]?back|revert(?:ed|ing)?|回滚|回退",
    "restart": r"re-?start(?:ed|ing)?|reboot(?:ed|ing)?|bounced?|重启|重新启动",
    "start": r"(?<!re)(?<!re-)\bstart(?:ed)? (?:it|the (?:service|process|unit|container))(?: again)?\b|(?<!重新)启动(?=服务|进程|实例|容器)|拉起",
    "scale_out": r"scal(?:e|ed|ing)[ -]?(?:out|up)|add(?:ed|ing)? (?:\w+ )?(?:replicas|instances|pods)|扩容|增加(?:副本|实例)",
    "free_disk": r"(?:free|clean|clear)(?:ed|ing)?(?: up)? (?:the |some |of )?(?:disk|space|logs?)|清理(?:磁盘|日志)|释放磁盘",
    "end_sessions": r"(?:kill|terminat|end)(?:e|ed|ing)? (?:the )?(?:blocking |idle |long )*(?:sessions?|transactions?|quer(?:y|ies)|connections?)|(?:终止|杀掉|结束)(?:阻塞|空闲|长)?(?:的)?(?:会话|事务|查询|连接)",
    "uncordon": r"\buncordon(?:ed|ing)?\b|恢复(?:节点)?调度|解除(?:节点)?禁止调度",
    "cordon": r"\bcordon(?:ed|ing)?\b|(?<!解除)禁止(?:节点)?调度",
    NOTHING: r"(?:recover(?:ed|s)?|went away|resolved|healed) (?:by itself|on its own)|自行恢复|自愈|自动恢复",
}
"""How a strategy is named, in English and Chinese."""
CONFIGURATION = re.compile(r"config\w*|settings?|配置|参数", re.IGNORECASE)
FLAG = re.compile(r"\bflags?\b|feature switch|特性开关|功能开关", re.IGNORECASE)
CONDITION = re.compile(r"\b(?:if|unless|when|until|or|otherwise|else|in case|whether)\b|如果|若|当.*时|除非|或者?|否则|是否|视情况", re.IGNORECASE)  # fmt: skip
DENIAL = re.compile(r"\b(?:not?|never|don't|do not|avoid|without|instead of|didn't|cannot|failed|unsuccessful)\b|不要|勿|禁止(?!(?:节点)?调度)|避免|不可|不能|无需|不必|而非|无效|失败|未", re.IGNORECASE)  # fmt: skip
SENTENCES = re.compile(r"[\n;；。!！?？]+|\.(?=\s|$)")
CLAUSES = re.compile(
    r"[,，、]?\s*(?:and then|then|afterwards|然后|随后|之后|再(?=[^次]))\s*|[,，]", re.IGNORECASE
)
_RULES = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in RULES.items()}


@dataclass(frozen=True, slots=True)
class Named:
    """What a clause names: a strategy, or an action of the catalogue by its name; '' as the service means the culprit."""

    strategy: str
    action: str = ""
    service: str = ""


def named_in(
    text: str, *, services: Collection[str] = (), actions: Collection[str] = ()
) -> tuple[Named, ...]:
    """What a text says is to be done, in its order; nothing when a clause of it that names an action can be read in two ways.

    Parameters
    ----------
    services : names of services that a clause may name as its target
    actions : names of the catalogue that a clause may name word by word
    """
    found: list[Named] = []
    for sentence in SENTENCES.split(text):
        named = [
            each for each in map(_reading(services, actions), CLAUSES.split(sentence)) if each is not None
        ]
        unsure = CONDITION.search(sentence) or DENIAL.search(sentence)
        if named and (unsure or AMBIGUOUS in named):
            return ()
        found += named
    return tuple(dict.fromkeys(found))


def strategy_of(text: str) -> str:
    """The one strategy that a text names; '' when it names none, or several."""
    found = {each.strategy for each in named_in(text)}
    return found.pop() if len(found) == 1 else ""


AMBIGUOUS = Named("")


def _reading(services: Collection[str], actions: Collection[str]) -> Callable[[str], Named | None]:
    """Reads a clause: what it names, `AMBIGUOUS` where that can be read in two ways, None where it names no action."""

    def read(clause: str) -> Named | None:
        strategies = _strategies(clause)
        exact = [each for each in actions if _stands_in(each, clause)]
        if not strategies and not exact:
            return None
        targets = [each for each in services if _stands_in(each, clause)]
        if len(exact) > 1 or (not exact and len(strategies) > 1) or len(targets) > 1:
            return AMBIGUOUS
        strategy = strategies[0] if strategies else exact[0].partition(".")[2]
        return Named(strategy, exact[0] if exact else "", targets[0] if targets else "")

    return read


def _strategies(clause: str) -> list[str]:
    found = [name for name, pattern in _RULES.items() if pattern.search(clause)]
    if "rollback" in found and CONFIGURATION.search(clause):
        found[found.index("rollback")] = "restore_configuration"
    elif "rollback" in found and FLAG.search(clause):
        found[found.index("rollback")] = "switch_flag"
    return found


def _stands_in(name: str, clause: str) -> bool:
    """Whether a name stands there by itself, not as a part of a longer one."""
    return (
        re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", clause, re.IGNORECASE | re.ASCII)
        is not None
    )
