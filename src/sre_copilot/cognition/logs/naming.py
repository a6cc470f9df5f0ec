"""Which of the things that a service calls its error lines name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sre_copilot.cognition.logs.lines import Statement
from sre_copilot.domain.topology import Topology

MOST = 0.8  # of a statement's lines must name the same callee: a few may be cut off or speak of another one
_WORD = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


def named_callee(statement: Statement, messages: Sequence[str], topology: Topology) -> str | None:
    """The one dependency of the statement's service that stands as a word in nearly all of its messages."""
    callees = topology.callees(statement.service)
    if not callees or not messages:
        return None
    words = [set(_WORD.findall(message)) for message in messages]
    named = [name for name in callees if sum(name in each for each in words) >= MOST * len(words)]
    return named[0] if len(named) == 1 else None
