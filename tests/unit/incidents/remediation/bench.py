"""A repair with a clock that is turned by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sre_copilot.domain.plan import Plan
from sre_copilot.testing.acting import Acting, add, guard, plan, recovery, step
from sre_copilot.testing.durable import MemoryDurable

NOW = 1_770_000_000.0
Make = Callable[..., Acting]


def durable_of(acting: Acting) -> MemoryDurable:
    """Its runs."""
    assert isinstance(acting.durable, MemoryDurable)
    return acting.durable


def carried_out(acting: Acting, made: Plan) -> Plan:
    """Approve a plan and let it come to its end."""
    kept = acting.approved(made)
    assert acting.remedies.turn() == 1
    durable_of(acting).run_until_idle()
    return kept


def two_steps(**more: Any) -> Plan:
    """Two steps on two things, the second after the first."""
    steps = (
        step("s2", add("b"), needs=("s1",), checks=[recovery(), guard()]),
        step("s1", add("a"), checks=[guard("latency")]),
    )
    return plan(steps, now=NOW, **more)


WELL = {"errors": 0.01, "latency": 0.2}
