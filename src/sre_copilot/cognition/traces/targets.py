"""What a call goes to when no span of the callee shows it: a database that writes none, a service that did not answer."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from sre_copilot.cognition.traces.spans import Spans
from sre_copilot.domain.topology import Topology

_WORD = re.compile(r"[A-Za-z0-9_.-]+")


def targets(spans: Spans, topology: Topology) -> Mapping[int, str]:
    """The entity that each calling operation reaches.

    Parameters
    ----------
    spans : spans of the incident and of the reference; what was answered once tells where a call goes
    topology : recorded dependencies: a client operation that names one of them (`GET cache`) goes there

    Returns
    -------
    Index of an operation -> name of an entity other than its own service; operations that reach several are left out.
    """
    away = spans.callee != spans.service
    pairs = np.unique(np.column_stack([spans.operation[away], spans.callee[away]]), axis=0)
    reached: dict[int, set[str]] = {}
    for operation, callee in pairs.tolist():
        reached.setdefault(operation, set()).add(spans.services[callee])
    found = {operation: min(names) for operation, names in reached.items() if len(names) == 1}
    for operation in np.unique(spans.operation[spans.client]).tolist():
        service, text = spans.operations[operation]
        if operation not in reached and (name := _named(text, topology.callees(service))):
            found[operation] = name
    return found


def _named(text: str, entities: tuple[str, ...]) -> str | None:
    """The only entity whose name stands as a word in a text."""
    words = set(_WORD.findall(text))
    named = [entity for entity in entities if entity in words]
    return named[0] if len(named) == 1 else None
