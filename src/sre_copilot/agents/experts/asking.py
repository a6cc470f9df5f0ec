"""From a task to the arguments of tools: times as text, services one by one, metric words as the names that a system uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sre_copilot.agents.agent import Desk, Task
from sre_copilot.agents.understanding.durations import UNIT_SECONDS
from sre_copilot.clock import rfc3339
from sre_copilot.cognition.detectors.metric_kind import Kind, metric_kind
from sre_copilot.domain.signals import Window

MOST_SERVICES = 4  # asked about in one question; a longer list is a question about the whole
MOST_METRICS = 3  # of one kind and service: the plain one, and those by percentile or direction

KINDS: Mapping[str, tuple[Kind, ...]] = {
    "cpu": ("cpu", "throttling"),
    "load": ("cpu",),
    "memory": ("memory",),
    "disk": ("disk",),
    "disk_io": ("disk",),
    "network": ("network",),
    "packet_loss": ("network",),
    "latency": ("latency",),
    "error_rate": ("errors",),
    "success_rate": ("availability", "errors"),
    "availability": ("availability", "up"),
    "throughput": ("requests",),
    "connections": ("pool",),
    "threads": ("pool",),
    "queue": ("waiting",),
}
"""What the word for a metric means among the kinds that names of metrics tell."""

IN_TRACES = frozenset({"latency", "error_rate", "success_rate", "throughput", "availability"})
"""What spans tell too, where no metric does."""


def times(window: Window | None) -> dict[str, str]:
    """Start and end as tools take them; nothing where no time was said."""
    if window is None:
        return {}
    return {"start": rfc3339(round(window.start, 3)) or "", "end": rfc3339(round(window.end, 3)) or ""}


def services(task: Task) -> tuple[str, ...]:
    """Services that are asked about; one empty name stands for all."""
    return task.services[:MOST_SERVICES] or ("",)


def metric_words(task: Task) -> tuple[str, ...]:
    """The words for metrics in a question."""
    return tuple(filter(None, task.about.parameters.get("metric", "").split(",")))


def metric_names(word: str, service: str, desk: Desk) -> tuple[str, ...]:
    """Names of the service's metrics that a word means: that name itself, else those of its kinds, the shortest first."""
    known = _known(service, desk)
    if word in known:
        return (word,)
    kinds = KINDS.get(word, ())
    found = [name for name in known if metric_kind(name).kind in kinds]
    named = found or [name for name in known if word.casefold() in name.casefold()]
    return tuple(sorted(named, key=lambda name: (len(name), name))[:MOST_METRICS])


def _known(service: str, desk: Desk) -> frozenset[str]:
    scene = desk.context.scene
    observation = scene.incident_observation() or scene.observe(scene.bounds(), modalities=("metrics",))
    table = observation.current.metrics
    if table is None:
        return frozenset()
    mine = table.filter(table["service"] == service) if service else table
    return frozenset(_texts(mine["metric"].unique().to_list()))


def _texts(values: Iterable[Any]) -> Iterable[str]:
    return (value for value in values if isinstance(value, str))


def seconds_of(duration: str) -> float:
    """Seconds of a duration such as `90s`, `30m`, `6h` or `2d`; 0 where it is none."""
    number, unit = duration[:-1], duration[-1:]
    try:
        return float(number) * UNIT_SECONDS.get(unit, 0.0)
    except ValueError:
        return 0.0
