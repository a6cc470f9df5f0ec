"""From a semi-structured procedure to a workflow, by rules: items become steps that look, the flow becomes steps with conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from sre_copilot.knowledge.sops import Item, Sop
from sre_copilot.workflows.generation.graph import Edge, Graph, Node, graph_of, handed_over
from sre_copilot.workflows.generation.means import (
    HUMAN_TIMEOUT,
    Means,
    human,
    looked,
    of_deed,
    plain,
    question,
)

Document = dict[str, Any]
MOST_DIGESTS = 6  # what was looked at, beside a question: more nobody reads
WORDS = {
    "service": ("Service that the procedure is about; empty: all", "流程针对的服务；留空表示全部"),
    "over": (
        "The procedure has led back twice to the same step. Take over: ",
        "流程两次回到同一步骤，请人工接手：",
    ),
    "unknown": ("not known", "未知"),
    "made": ("Made from the procedure", "由流程生成："),
}


def workflow_of(sop: Sop, means: Means) -> Document:
    """The document of a workflow."""
    looks = _looks(sop, means)
    graph = graph_of(sop.flow)
    steps = [*looks, *_flow(sop, graph, means, looks)]
    for place, step in enumerate(steps):
        if place < len(looks):
            step["needs"] = []
        elif place == len(looks) and looks:
            step["needs"] = [each["name"] for each in looks]
    services = sop.scope.services
    default = services[0] if len(services) == 1 else ""
    service = {"name": "service", "description": _say("service", sop), "default": default}
    made = {
        "id": _id(sop.id),
        "name": plain(sop.title),
        "description": f"{_say('made', sop)} {sop.id}",
        "triggers": _triggers(sop),
        "inputs": [service],
        "steps": [_ordered(each) for each in steps],
    }
    return {"workflow": made}


def text_of(document: Document) -> str:
    """A document as YAML."""
    return yaml.dump(document, Dumper=_Blocks, allow_unicode=True, sort_keys=False, width=110)


class _Blocks(yaml.SafeDumper):
    """Texts of several lines as blocks, as people write them."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Blocks.add_representer(str, _text)


def _triggers(sop: Sop) -> list[Document]:
    """By hand, by its title in chat; and by alerts of a service where the procedure is for one."""
    triggers: list[Document] = [{"type": "manual"}]
    if len(sop.title) >= 2:
        triggers.append({"type": "chat", "phrases": [re.sub(r"[{}]", "", sop.title)[:200]]})
    if len(sop.scope.services) == 1:
        filters = [{"key": "service", "value": sop.scope.services[0]}]
        filters += [{"key": "severity", "value": sop.scope.severity}] if sop.scope.severity else []
        triggers.append({"type": "alert", "filters": filters})
    return triggers


def _looks(sop: Sop, means: Means) -> list[Document]:
    """A step for each item; one that fails does not hold up the others."""
    return [_look(number, item, means) for number, item in enumerate(sop.items, 1)]


def _look(number: int, item: Item, means: Means) -> Document:
    words = item.text if item.name == item.text else f"{item.name}: {item.text}"
    provider = looked(words, means, named=item.tool) or human(words)
    step: Document = {"name": f"look_{number}", "title": plain(words), "provider": provider}
    return step | ({"timeout": HUMAN_TIMEOUT} if provider["type"] == "human" else {"on_failure": "continue"})


def _flow(sop: Sop, graph: Graph, means: Means, looks: Sequence[Document]) -> Iterator[Document]:
    guarded = {each.name for each in graph.nodes if _condition(each.after)}
    digests = _digests(sop, looks)
    for node in graph.nodes:
        condition = _condition(node.after, always=frozenset(each.name for each in graph.nodes) - guarded)
        if not condition:
            guarded.discard(node.name)
        yield from _of_node(node, condition, means, digests)
    if after := handed_over(graph):
        title = _say("over", sop) + (sop.owner or sop.title)
        yield _step("handed_over", title, human(title), _condition(after))


def _of_node(node: Node, condition: str, means: Means, digests: str) -> Iterator[Document]:
    if node.asks:
        yield _step(node.name, node.text, question(node.text, digests), condition)
        return
    providers = of_deed(node.text, means)
    for number, provider in enumerate(providers, 1):
        last = number == len(providers)  # what comes after looks at the last
        name = node.name if last else f"{node.name}_before_{number}"
        yield _step(name, node.text, provider, condition)


def _step(name: str, title: str, provider: Document, condition: str) -> Document:
    step: Document = {"name": name, "title": plain(title), "if": condition, "provider": provider}
    if not condition:
        del step["if"]
    if provider["type"] == "human":
        step["timeout"] = HUMAN_TIMEOUT
    elif provider["type"].startswith("tool."):
        step["on_failure"] = "continue"
    return step


def _condition(after: Sequence[Edge], *, always: frozenset[str] = frozenset()) -> str:
    """When a node is reached; '' when it always is."""
    said = []
    for name, via in after:
        if via == "done":
            if name in always:
                return ""
            said.append(f"steps.{name}.status != 'skipped'")
        else:
            sign = "" if via == "yes" else "!"
            said.append(f"(steps.{name}.status == 'succeeded' && {sign}steps.{name}.output.answer.holds)")
    return " || ".join(said)


def _digests(sop: Sop, looks: Sequence[Document]) -> str:
    """What was found, for whoever has to judge."""
    tools = [each for each in looks if each["provider"]["type"].startswith("tool.")][:MOST_DIGESTS]
    unknown = _say("unknown", sop)
    return "\n".join(
        f"{plain(each['title'])}: {{{{ steps.{each['name']}.status == 'succeeded' ? steps.{each['name']}.output.digest : '{unknown}' }}}}"
        for each in tools
    )


def _ordered(step: Document) -> Document:
    order = ("name", "title", "needs", "if", "provider", "timeout", "on_failure")
    return {key: step[key] for key in order if key in step}


def _say(key: str, sop: Sop) -> str:
    return WORDS[key][sop.lang == "zh"]


def _id(written: str) -> str:
    made = re.sub(r"[^a-z0-9_-]+", "-", written.casefold()).strip("-_")[:64]
    return made or "procedure"
