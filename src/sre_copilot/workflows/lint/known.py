"""What there is in an installation: tools, actions, receivers, other workflows. What is None is not known here, and nothing is said of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.errors import UsageError
from sre_copilot.store.workflows import WorkflowStore
from sre_copilot.workflows.frames import parsed
from sre_copilot.workflows.ports import Ports
from sre_copilot.workflows.spec import Workflow

Schema = Mapping[str, Any]
Find = Callable[[str], Workflow | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Names with the schemas of their arguments."""

    tools: Mapping[str, Schema] | None = None
    actions: Mapping[str, Schema] | None = None
    receivers: tuple[str, ...] | None = None
    workflows: Find | None = field(default=None)


def known_of(ports: Ports, store: WorkflowStore | None = None) -> Known:
    """What the ports of an installation have, and which workflows it keeps."""
    tools, actions = ports.tools, ports.catalogue
    return Known(
        tools=None if tools is None else {name: tools.schema(name) or {} for name in tools.names()},
        actions={} if actions is None else {name: actions.schema(name) or {} for name in actions.names()},
        receivers=None if ports.tell is None else tuple(ports.tell.receivers()),
        workflows=None if store is None else lambda key: kept(store, key),
    )


def kept(store: WorkflowStore, key: str) -> Workflow | None:
    """The newest version of a workflow that is kept."""
    row = store.version(key)
    try:
        return parsed(row["text"]) if row is not None else None
    except UsageError:  # kept by an older version of the product, which knew other keys
        return None
