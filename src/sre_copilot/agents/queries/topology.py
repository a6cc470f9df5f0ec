"""Words to a question of the topology: who calls a service, what it depends on, the way between two."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sre_copilot.agents.queries.request import Request
from sre_copilot.agents.queries.written import QueryProblem
from sre_copilot.agents.understanding.durations import number
from sre_copilot.agents.understanding.entities import find_services, unknown_name
from sre_copilot.agents.understanding.wording import pattern

_WAY = pattern(r"\b(?:between|path|way|route)\b|\bfrom\b.{1,60}\bto\b|到|之间|路径|链路")
_STEPS = pattern(
    r"\b(?P<en>\d+|one|two|three|four|five)\s+(?:steps?|hops?|levels?|calls?)\b|(?P<zh>\d+|[一二两三四五])\s*(?:层|跳|级|步)"
)
_FAR = pattern(r"\b(?:transitive\w*|indirect\w*|whole|complete|entire|all)\b|间接|全部|完整|整条|所有")
FARTHEST = 10
KEYS = frozenset({"service", "to", "steps"})


def write(request: Request, services: Sequence[str]) -> str:
    """The question as JSON, in the arguments of the tool `query_topology`.

    Raises
    ------
    QueryProblem : when a service is named that is not known
    """
    text = request.text
    mentions = find_services(text.plain, services=services)
    for each in mentions:
        text.use(each.span)
    named = list(dict.fromkeys(each.service for each in mentions))
    if not named and (name := unknown_name(text.plain)):
        raise QueryProblem(f"There is no service {name} here.", f"这里没有服务 {name}。")
    found: dict[str, str | int] = {"service": named[0] if named else ""}
    if len(named) > 1 and _WAY.search(text.plain):
        found["to"] = named[1]
    if match := _STEPS.search(text.plain):
        text.use(match.span())
        found["steps"] = min(FARTHEST, max(1, int(number(match["en"] or match["zh"]) or 1)))
    elif _FAR.search(text.plain):
        found["steps"] = FARTHEST
    return json.dumps(found, ensure_ascii=False)


def check(query: str, services: Sequence[str]) -> None:
    """Whether a question of the topology may be asked.

    Raises
    ------
    QueryProblem : says what is wrong
    """
    try:
        asked = json.loads(query)
    except ValueError:
        asked = None
    if not isinstance(asked, dict) or asked.keys() - KEYS:
        raise QueryProblem(
            "It is a JSON object of service, to and steps.", "应为包含 service、to、steps 的 JSON 对象。"
        )
    if not isinstance(asked.get("steps", 1), int) or not 1 <= asked.get("steps", 1) <= FARTHEST:
        raise QueryProblem(f"steps is a number up to {FARTHEST}.", f"steps 为不超过 {FARTHEST} 的数字。")
    for name in (asked.get("service"), asked.get("to")):
        if name and services and name not in services:
            raise QueryProblem(f"There is no service {name} here.", f"这里没有服务 {name}。")
