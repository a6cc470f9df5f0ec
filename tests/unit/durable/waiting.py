"""Waiting for a run to end."""

from __future__ import annotations

import time

from sre_copilot.durable.port import Durable, RunState


def settled(durable: Durable, key: str, *, within_s: float = 15.0) -> RunState:
    """The state of a run that has ended."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        state = durable.state(key)
        if state is not None and state.finished_at is not None:
            return state
        time.sleep(0.02)
    raise AssertionError(f"run {key!r} has not ended: {durable.state(key)}")
