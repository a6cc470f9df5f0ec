"""Secrets and configuration that a container needs and that do not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sre_copilot.cognition.state.scene import DECISIVE, LIKELY, Scene, app, finding, matching, status, where
from sre_copilot.domain.evidence import Finding

_MISSING = re.compile(
    r"""(?:secrets?|configmaps?)\s+"([^"]+)"\s+not\ found|references\ non-existent\ (?:secret|config)\ key:?\s*(\S+)"""
    r"""|couldn't\ find\ key\ (\S+)\ in\ (?:Secret|ConfigMap)""",
    re.IGNORECASE | re.VERBOSE,
)


# what runtimes say of a variable that nobody bound: Spring, Node and Python idioms, the entry points of database images
_UNBOUND = (
    r"(?i)could not resolve placeholder '[^']+'|(required )?environment variables? \S+ (is |are )?(not set|missing|required|undefined)"
    r"|missing required environment|KeyError: '[A-Z][A-Z0-9_]+'|password option is not specified"
)


def analyse(scene: Scene) -> Iterator[Finding]:
    """Sources that do not exist, and variables that nobody bound."""
    yield from _absent(scene)
    yield from _unbound(scene)


def _unbound(scene: Scene) -> Iterator[Finding]:
    """A process that does not start because it lacks a variable: its pod names no source that could give it."""
    for pod in scene.unwell_pods:
        words = scene.log_lines(pod.workload, _UNBOUND) if not pod.ready else []
        match = re.search(_UNBOUND, words[0]) if words else None
        if match is not None:
            yield finding(
                "startup.unbound",
                app(pod.workload),
                LIKELY,
                status(pod, next((each for each in pod.containers if not each.ready), None)),
                fault_type="startup/secret",
                params=[("text", match[0])],
                checks=[scene.log_check(pod.workload, match[0])],
                lines=words[:1],
            )


def _absent(scene: Scene) -> Iterator[Finding]:
    """One finding for each workload whose container cannot be configured or whose volume lacks its source.

    A message that a cache is not synchronised yet is start-up noise and names nothing as missing.
    """
    seen: set[str] = set()
    for pod in scene.unwell_pods:
        if pod.workload in seen:
            continue
        events = [
            event
            for event in matching(pod.events, "", "Failed", "FailedMount")
            if _MISSING.search(event.message)
        ]
        container = next((each for each in pod.containers if "ConfigError" in each.waiting), None)
        if not events and container is None:
            continue
        seen.add(pod.workload)
        match = _MISSING.search(events[0].message) if events else None
        yield finding(
            "startup.secret",
            app(pod.workload),
            DECISIVE if events else LIKELY,
            [*map(where, events[:1]), *status(pod, container)],
            fault_type="startup/secret",
            params=[("name", next((group for group in match.groups() if group), "?") if match else "?")],
        )
