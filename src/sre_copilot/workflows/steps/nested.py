"""Runs within runs: branches of one, and other workflows."""

from __future__ import annotations

from sre_copilot.durable.port import Durable
from sre_copilot.workflows.frames import Frame


def started(durable: Durable, name: str, frame: Frame, key: str) -> str:
    """Begin a branch, once; its key."""
    durable.start(name, {"frame": frame.as_json()}, key=key)
    return key
