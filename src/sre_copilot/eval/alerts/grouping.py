"""The peer: alerts of one kind at one host are one group, until none came for an hour; each group is one message."""

from __future__ import annotations

from sre_copilot.eval.alerts.dataset import Scenario
from sre_copilot.eval.alerts.told import Incident, Run

GAP_S = 3600.0


def grouped(scenario: Scenario, *, gap_s: float = GAP_S) -> Run:
    """Group by name and host."""
    groups: list[Incident] = []
    latest: dict[tuple[str, str], tuple[Incident, float]] = {}
    for at, labels, phase in zip(scenario.times, scenario.labels, scenario.phases, strict=True):
        key = (labels["alertname"], labels.get("host", ""))
        group, last = latest.get(key, (None, 0.0))
        if group is None or at - last > gap_s:
            group = Incident(f"G-{len(groups) + 1}", woken=True, messages=1, kinds={key[0]})
            groups.append(group)
        latest[key] = (group, at)
        group.phases[phase] += 1
    return Run(scenario.name, len(scenario.times), tuple(groups))
