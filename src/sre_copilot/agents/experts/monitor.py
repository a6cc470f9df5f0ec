"""MonitorAgent: metrics of services, hosts and Kubernetes; their course, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from sre_copilot.agents.agent import Desk, FaultDescription, Task
from sre_copilot.agents.experts.asking import (
    IN_TRACES,
    metric_names,
    metric_words,
    seconds_of,
    services,
    times,
)
from sre_copilot.agents.experts.expert import Call, Expert
from sre_copilot.domain.knowledge import Lang

SERIES = "ensemble"  # judges series one by one


class MonitorAgent(Expert):
    """Knows metrics and the state of what services run on."""

    name = "monitor"
    detectors = ("metrics", "state")
    tools = (
        "query_metrics",
        "detect_anomalies",
        "forecast_metric",
        "compare_windows",
        "host_health",
        "query_state",
    )
    words: ClassVar[Mapping[Lang, str]] = {
        "en": "Tells the level and course of metrics, whether they are normal, and when they reach a limit; hosts and Kubernetes too.",
        "zh": "给出指标的水平与走势、是否正常、何时达到上限，也包括主机与 Kubernetes。",
    }

    def work(self, task: Task, desk: Desk) -> FaultDescription:
        """As any expert; asked whether named services are abnormal, also judge each of their series."""
        description = super().work(task, desk)
        if task.about.intent != "anomalies" or not task.services or desk.observation is None:
            return description
        results = tuple(
            desk.use("detect_anomalies", {"service": service, "detector": SERIES, **times(task.window)})
            for service in services(task)
        )
        return replace(description, data={**description.data, "results": results})

    def calls(self, task: Task, desk: Desk) -> Sequence[Call]:
        """By what is asked: a comparison, a forecast, machines, cluster state, or metrics."""
        ways = {
            "compare": _comparing,
            "forecast": _forecasting,
            "host": _hosts,
            "kubernetes": _cluster,
        }
        return ways.get(task.about.intent, _levels)(task, desk)


def _levels(task: Task, desk: Desk) -> Sequence[Call]:
    found: list[Call] = []
    for service in services(task):
        where = {"service": service, **times(task.window)}
        for word in metric_words(task) or ("",):
            found += _of_word(word, service, where, desk)
    return found


def _of_word(word: str, service: str, where: Mapping[str, Any], desk: Desk) -> list[Call]:
    names = metric_names(word, service, desk) if word else ()
    if word and not names:
        return (
            [Call("query_traces", where)]
            if word in IN_TRACES
            else [Call("query_metrics", {**where, "metric": word})]
        )
    meant = [{**where, "metric": name} for name in names] or [dict(where)]
    return [Call(tool, each) for each in meant for tool in ("query_metrics", "detect_anomalies")]


def _comparing(task: Task, desk: Desk) -> Sequence[Call]:
    reference = task.about.parameters.get("reference", "")
    other: dict[str, str] = {}
    if "/" in reference:
        start, _, end = reference.partition("/")
        other = {"other_start": start, "other_end": end}
    elif reference and task.window is not None and (shift := seconds_of(reference)):
        moved = times(type(task.window)(task.window.start - shift, task.window.end - shift))
        other = {"other_start": moved["start"], "other_end": moved["end"]}
    return [
        Call("compare_windows", {"service": service, **times(task.window), **other})
        for service in services(task)
    ]


def _forecasting(task: Task, desk: Desk) -> Sequence[Call]:
    asked = task.about.parameters
    horizon = seconds_of(asked.get("horizon", "")) or 0.0
    far = {"hours": min(12.0, max(1.0, horizon / 3600.0))} if horizon else {}
    found: list[Call] = []
    for service in services(task):
        for word in metric_words(task) or ("",):
            names = (metric_names(word, service, desk) if word else ()) or (word,)
            found += [
                Call("forecast_metric", {"service": service, "metric": name, **far}) for name in names[:1]
            ]
    return found


def _hosts(task: Task, desk: Desk) -> Sequence[Call]:
    host = task.about.parameters.get("host", "")
    return [Call("host_health", {**({"service": host} if host else {}), **times(task.window)})]


def _cluster(task: Task, desk: Desk) -> Sequence[Call]:
    asked = task.about.parameters
    return [
        Call("query_state", {"object": asked.get("pod") or service or asked.get("namespace", "")})
        for service in services(task)
    ]
