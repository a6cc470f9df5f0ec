"""Which stretch of time a question is about."""

from __future__ import annotations

from datetime import UTC, datetime

from sre_copilot.agents.tool import ToolContext
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.clock import rfc3339
from sre_copilot.domain.signals import Window

LATELY_S = 1800.0  # where nobody says when: the last half hour, which holds a fault that is noticed now
LATEST = 9e9  # the year 2255; later times fit no 64-bit nanoseconds


def moment(text: str, *, field: str) -> float:
    """Epoch seconds of an RFC 3339 time; without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        seconds = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise Trouble("error", "tool.problem.time", field=field, text=text) from None
    if abs(seconds) > LATEST:
        raise Trouble("error", "tool.problem.time", field=field, text=text)
    return seconds


def window_of(start: str, end: str, context: ToolContext) -> Window:
    """The stretch that two texts name; where both are empty the incident's, else the last half hour that can be read.

    `Window(0, 0)` stands for "everything" in a scene where nothing has a time.
    """
    bounds = context.scene.bounds()
    if not start and not end:
        return usual_window(context)
    if is_timeless(bounds):
        raise Trouble("no_data", "tool.none.timeless")
    first = moment(start, field="start") if start else bounds.start
    last = moment(end, field="end") if end else bounds.end
    if first >= last:
        raise Trouble("error", "tool.problem.window", start=said(first), end=said(last))
    if last <= bounds.start or first >= bounds.end:
        asked = f"{said(first)}/{said(last)}"
        raise Trouble(
            "no_data", "tool.none.outside", asked=asked, start=said(bounds.start), end=said(bounds.end)
        )
    return Window(max(first, bounds.start), min(last, bounds.end))


def usual_window(context: ToolContext) -> Window:
    """The incident's window; without an incident the last half hour."""
    if context.incident_window is not None:
        return context.incident_window
    observation = context.scene.incident_observation()
    bounds = context.scene.bounds()
    if observation is not None:
        return observation.incident.window or bounds
    return Window(max(bounds.start, bounds.end - LATELY_S), bounds.end)


def is_timeless(window: Window) -> bool:
    """Whether a window stands for "everything", nothing having a time."""
    return window.end == 0.0


def said(at: float) -> str:
    """A time as people and models read it: RFC 3339, UTC."""
    return rfc3339(round(at, 3)) or ""
