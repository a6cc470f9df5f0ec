"""What is offered to other agents: a short list, for an agent that is shown everything chooses worse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.agents.tool import Tool
from sre_copilot.agents.toolbox import schema_of
from sre_copilot.settings.section import Role

READING = (
    "query_metrics",
    "query_logs",
    "query_traces",
    "query_transactions",
    "query_changes",
    "query_state",
    "query_topology",
    "detect_anomalies",
    "compare_windows",
    "forecast_metric",
    "search_knowledge",
    "similar_incidents",
    "page",
)
"""Tools of the team that are handed on; the others are parts of `ask` and `investigate`."""

CALLER = "sre_copilot.caller"  # in the scope of a request
Answered = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the role, the name that stands in what is kept, and the id of the token ('' on standard input)."""

    role: Role
    name: str
    id: str = ""


Run = Callable[[Mapping[str, Any], Caller], Answered]
"""Answers a call: `text` for a model to read, and the rest as structure; `failed` where it could not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One tool as others see it."""

    name: str
    title: str
    description: str
    parameters: Mapping[str, Any]
    run: Run
    needs: Role = "viewer"
    writes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Something to be read by its address."""

    uri: str
    name: str
    description: str
    read: Callable[[Caller], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """All that is offered."""

    offers: Mapping[str, Offer] = field(default_factory=dict)
    documents: Mapping[str, Document] = field(default_factory=dict)


def parameters(required: tuple[str, ...] = (), /, **described: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as JSON schema."""
    return {
        "type": "object",
        "properties": {name: dict(each) for name, each in described.items()},
        "required": list(required),
        "additionalProperties": False,
    }


def text(description: str, *, most: int = 8000, **more: Any) -> dict[str, Any]:
    """An argument that is a text."""
    return {"type": "string", "description": description, "maxLength": most, **more}


def handed_on(name: str, tool: Tool, run: Run) -> Offer:
    """A tool of the team."""
    title = name.replace("_", " ")
    return Offer(
        name=name,
        title=title,
        description=tool.description("en"),
        parameters=schema_of(tool),
        run=run,
        needs=tool.needs,
    )
