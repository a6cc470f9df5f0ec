"""Plug-ins by entry point: built-ins come in by the same door as a stranger's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sre_copilot.errors import PluginError

GROUPS = {
    "sre_copilot.sources": "where telemetry is read from",
    "sre_copilot.detectors": "what is abnormal",
    "sre_copilot.series_detectors": "what is abnormal in one series, as it comes in",
    "sre_copilot.service_detectors": "what is abnormal across the metrics of one service",
    "sre_copilot.forecasters": "what comes",
    "sre_copilot.localisers": "what caused it",
    "sre_copilot.sentences": "how findings are said",
    "sre_copilot.notifiers": "how people are told",
    "sre_copilot.executors": "what changes another system, once a plan is approved",
    "sre_copilot.tools": "what agents may ask of telemetry and knowledge",
    "sre_copilot.agents": "who works on a question",
    "sre_copilot.buses": "how events travel",
}


@dataclass(frozen=True, slots=True)
class Plugin:
    """One registered plug-in."""

    group: str
    name: str
    target: str
    distribution: str


def registered(group: str | None = None) -> Iterator[Plugin]:
    """List plug-ins without importing them, by group and name."""
    for each in [group] if group else GROUPS:
        yield from _listed(each)


def load(group: str) -> dict[str, Any]:
    """Import all plug-ins of a group, by name.

    Raises
    ------
    PluginError : when one cannot be imported
    """
    return {point.name: _imported(point) for point in sorted(entry_points(group=group), key=lambda p: p.name)}


def load_one(group: str, name: str) -> Any:
    """Import one plug-in of a group, and none of the others.

    Raises
    ------
    PluginError : when it is not registered, or cannot be imported
    """
    for point in entry_points(group=group, name=name):
        return _imported(point)
    known = ", ".join(plugin.name for plugin in registered(group)) or "none"
    raise PluginError(f"{group} '{name}' is not registered. Registered: {known}.")


@cache
def _listed(group: str) -> tuple[Plugin, ...]:
    """What is installed does not change while a process runs, and reading it takes a quarter of a second."""
    points = sorted(entry_points(group=group), key=lambda point: point.name)
    return tuple(Plugin(group, point.name, point.value, _distribution(point)) for point in points)


def _imported(point: EntryPoint) -> Any:
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"{point.group} '{point.name}' ({point.value}) cannot be loaded: {error}. "
            "Uninstall its package, or install what it needs."
        ) from error


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "unknown"
