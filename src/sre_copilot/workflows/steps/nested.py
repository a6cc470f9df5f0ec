"""Runs within runs: branches of one, and other workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sre_copilot.workflows.frames import Frame

if TYPE_CHECKING:
    from sre_copilot.workflows.steps.doing import Doing


def started(doing: Doing, name: str, frame: Frame, key: str) -> str:
    """Begin a branch, once; its key. One that is begun while its run ends from outside is ended with it."""
    doing.durable.start(name, {"frame": frame.as_json()}, key=key)
    if doing.over(frame.run):
        doing.durable.cancel(key)
    return key
