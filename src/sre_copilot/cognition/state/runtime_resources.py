"""Processes that cannot run: no memory, no replicas, no free port; and those that are unwell for no recorded reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from sre_copilot.cognition.state.model import Pod
from sre_copilot.cognition.state.scene import (
    DECISIVE,
    LIKELY,
    SYMPTOM,
    Scene,
    app,
    finding,
    matching,
    state_check,
    where,
)  # fmt: skip
from sre_copilot.domain.evidence import Finding

_KILLED = r"OOM-?killed|out of memory|memory limit too low|oom_kill"
_IN_USE = r"(?i)address already in use|EADDRINUSE|port \d+ (was |is )?already (in use|allocated)|bind\(\) to \S+ failed|only one usage of each socket"


def analyse(scene: Scene) -> Iterator[Finding]:
    """Findings of all kinds for all workloads."""
    yield from _idle(scene)
    seen: set[str] = set()
    for pod in scene.unwell_pods:
        if pod.workload in seen:
            continue
        seen.add(pod.workload)
        yield from _memory(pod)
        yield from _ports(scene, pod)
        yield _unwell(pod)


def _idle(scene: Scene) -> Iterator[Finding]:
    """A workload that wants no replica while others run and something leads to it."""
    for each in scene.cluster.workloads.values():
        if each.desired or not any(other.desired for other in scene.cluster.workloads.values()):
            continue
        services = [name for name, backends in scene.routes.items() if each.name in backends]
        yield finding(
            "no_replicas",
            app(each.name),
            DECISIVE if services or scene.callers.get(each.name) else LIKELY,
            [(each.key, each.lines.get("Replicas", ""))],
            fault_type="runtime/no-replicas",
            params=[("service", ", ".join(services) or "-")],
        )


def _memory(pod: Pod) -> Iterator[Finding]:
    for container in pod.containers:
        events = matching(pod.events, _KILLED)
        killed = container.ended == "OOMKilled" or container.waiting == "OOMKilled"
        if not killed and not events:
            continue
        limit = container.limits.get("memory", "?")
        yield finding(
            "out_of_memory",
            app(pod.workload),
            DECISIVE,
            [*map(where, events[:1]), *([(pod.key, container.lines["Ended"])] if killed else []),
             (pod.key, container.lines.get("limit memory", ""))],
            fault_type="resource/out-of-memory",
            params=[("limit", limit), ("restarts", container.restarts)],
        )  # fmt: skip
        return


def _ports(scene: Scene, pod: Pod) -> Iterator[Finding]:
    """Containers of a pod share one network: the second that opens a port ends with an error."""
    ended = [each for each in pod.containers if not each.ready]
    counts = Counter(port for each in pod.containers for port in set(each.ports))
    twice = [port for port, count in counts.items() if count > 1]
    words = scene.log_lines(pod.workload, _IN_USE)
    if not ended or not (twice or words) or (len(pod.containers) < 2 and not words):
        return
    fragment = re.search(_IN_USE, words[0]) if words else None
    lines = [(pod.key, each.lines["Ports"]) for each in pod.containers if twice and twice[0] in each.ports]
    yield finding(
        "port_conflict",
        app(pod.workload),
        DECISIVE,
        [*lines, (pod.key, ended[0].lines.get("Waiting") or ended[0].lines.get("Ended", ""))],
        fault_type="runtime/port-conflict",
        params=[("container", ended[0].name), ("port", twice[0][0] if twice else "?")],
        checks=[scene.log_check(pod.workload, fragment[0])] if fragment else [],
        lines=words[:1],
    )


def _unwell(pod: Pod) -> Finding:
    """A symptom: something is wrong with the workload, and this alone does not say what."""
    worst = next(
        (each for each in pod.containers if not each.ready), pod.containers[0] if pod.containers else None
    )
    line = (worst.lines.get("Waiting") or worst.lines.get("State", "")) if worst else ""
    restarts = worst.lines.get("Restarts", "") if worst else ""
    return finding(
        "unwell",
        app(pod.workload),
        SYMPTOM if not pod.ready else SYMPTOM / 2,  # restarts of a pod that is ready now may be long past
        [(pod.key, pod.lines.get("Status", "")), (pod.key, line), (pod.key, restarts)],
        params=[("phase", pod.phase), ("reason", (worst.waiting or worst.ended or "-") if worst else "-"),
                ("restarts", pod.restarts)],
        checks=[state_check(pod.key, pod.name)],
    )  # fmt: skip
