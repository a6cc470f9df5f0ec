"""Which intent the words of a text speak for, and how clearly."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sre_copilot.agents.understanding.cues import CUES, NOT_AN_ORDER
from sre_copilot.agents.understanding.wording import CJK, pattern

Ranked = Callable[[str], tuple[str, float]]

TOPIC = frozenset(
    {
        "metric",
        "logs",
        "traces",
        "transactions",
        "host",
        "topology",
        "changes",
        "kubernetes",
        "anomalies",
        "incidents",
    }
)
"""Intents that name a kind of telemetry, not a form of request."""
AGREE = 0.15  # each further cue of an intent adds so much: several weak ones do not beat one strong
METRIC_NAMED = 5.5  # an indicator that is named: above "is it normal", below any telemetry that is named
PARAMETER_NAMED = 6.9  # a trace's id, a host's or a pod's name: said for no other reason

_CODE_LIKE = pattern(
    r"```|`[^`]{6,}`|\b\w+\s*\([^)]*[\[{(=][^)]*\)|\bselect\b.+\bfrom\b|\b(?:rate|sum|histogram_quantile|count_over_time|avg|max|topk)\s*(?:by|without)?\s*\(|\bkubectl\s+\w+|\brm\s+-|#!/"
    r"|\b[\w.]+\s?=\s?[\w\"'/.]+\s*[,;&|]|\b\w+:\s*\n|\|\s*(?:grep|awk|xargs|json)|\{[^}]*(?:=|:)[^}]*\}|\b(?:awk|sed|curl|iptables|crontab|find)\s+[-\"'/{]|\*/\d+\s+\*"
)
_ASKS_MEANING = pattern(
    r"\bexplain\b|\bwhat\b.*\b(?:do(?:es)?|mean)\b|\brisk\w*|\bsafe\b|\bdanger\w*|解释|什么意思|干什么|干嘛|做什么|干啥|啥意思|风险|安全|危险|含义|看不懂|作用|讲讲|说说|解读|说明"
)
_IS_OPEN = pattern(r"(?:有什么|有哪些|有没有|哪些|什么).{0,6}异常|异常(?:吗|么|没)")
_CHINESE = pattern(f"[{CJK}]")


def ranking(text: str, *, parameters: Mapping[str, str], raw: str) -> list[tuple[str, float]]:
    """Intents that a text speaks for, the clearest first.

    Parameters
    ----------
    text : plain, services as `@`, times and quotations blank
    parameters : what was found in it
    raw : the whole text, in which code may stand
    """
    weights: dict[str, list[float]] = {}
    for intent, weight, cue in CUES:
        if cue.search(text) and not (intent == "act" and _no_order(text, cue.pattern)):
            weights.setdefault(intent, []).append(weight)
    for intent, weight in _from_parameters(text, parameters, raw):
        weights.setdefault(intent, []).append(weight)
    total = {intent: max(each) + AGREE * (len(each) - 1) for intent, each in weights.items()}
    _settle(total, text, parameters)
    return sorted(total.items(), key=lambda item: -item[1])


def is_code(text: str) -> bool:
    """Whether a query, a command or a configuration stands in the text."""
    return _CODE_LIKE.search(text) is not None


def _no_order(text: str, cue: str) -> bool:
    return _CHINESE.search(cue) is not None and NOT_AN_ORDER.search(text) is not None


def _from_parameters(text: str, parameters: Mapping[str, str], raw: str) -> list[tuple[str, float]]:
    found = []
    if parameters.get("metric"):
        found.append(("metric", METRIC_NAMED))
    for name, intent in (("trace_id", "traces"), ("host", "host"), ("pod", "kubernetes")):
        if parameters.get(name):
            found.append((intent, PARAMETER_NAMED if name != "host" else 6.2))
    if parameters.get("detector"):
        found.append(("anomalies", PARAMETER_NAMED))
    if is_code(raw) and _ASKS_MEANING.search(text):
        found.append(("explain", 9.4))
    return found


def _settle(total: dict[str, float], text: str, parameters: Mapping[str, str]) -> None:
    """Where two intents share their words, what stands beside them decides."""
    business = {"success_rate", "volume", "amount"} & set(parameters.get("metric", "").split(","))
    if "transactions" in total and parameters.get("metric") and not business and total["transactions"] < 6.4:
        total["transactions"] -= 0.2
    if business & {"volume", "amount"}:
        total["transactions"] = max(total.get("transactions", 0.0), 6.3)
    if "channel" in parameters and parameters.get("metric"):
        total["transactions"] = max(total.get("transactions", 0.0), 6.6)
    if "logs" in total and "report" in total and not pattern(r"report|报告|复盘|post-?mortem").search(text):
        total["report"] -= 2.0
    if "forecast" in total and "diagnose" in total and pattern(r"为什么|为啥|\bwhy\b|原因").search(text):
        total["forecast"] -= 1.0
    if (
        "anomalies" in total
        and "kubernetes" not in total
        and _IS_OPEN.search(text)
        and not parameters.get("metric")
    ):
        total["anomalies"] = max(total["anomalies"], 5.6)
