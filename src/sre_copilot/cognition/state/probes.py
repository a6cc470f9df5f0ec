"""Probes that fail although the process works: wrong port, wrong protocol, too little time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from sre_copilot.cognition.state.model import Container, Pod, Probe
from sre_copilot.cognition.state.scene import (
    DECISIVE,
    LIKELY,
    SUGGESTIVE,
    Scene,
    app,
    finding,
    matching,
    where,
)
from sre_copilot.cognition.state.text import Event, whole
from sre_copilot.domain.evidence import Finding

# What a server of another protocol answers: HTTP/2 frames to an HTTP/1 probe, an HTTP status to a path that is no page, bytes to gRPC.
_FOREIGN = re.compile(
    r"malformed HTTP|server gave HTTP response|transport connection broken|does not look like|not a TLS|unimplemented"
    r"|statuscode: 40[45]|EOF|unexpected content-type|server preface|HTTP/0\.9", re.IGNORECASE
)  # fmt: skip
_PATH = re.compile(r"http-get https?://[^/\s]*:\w+(/\S*)")
PATIENCE_S = 5.0  # seconds; a runtime that starts in less is rare, and the defaults (10 s x 3) give 30


def analyse(scene: Scene) -> Iterator[Finding]:
    """Liveness failures that restart a container, readiness failures that keep a running one out of service."""
    for pod in scene.cluster.pods:
        if not pod.workload or pod.node in scene.sick_nodes:
            continue
        for container in pod.containers:
            yield from _liveness(scene, pod, container)
            yield from _readiness(scene, pod, container)


def _liveness(scene: Scene, pod: Pod, container: Container) -> Iterator[Finding]:
    events = matching(pod.events, "liveness probe (failed|errored)", "Unhealthy")
    killed = matching(pod.events, "liveness probe", "Killing")
    restarted = killed or (container.restarts >= 2 and not _ended_by_itself(container))
    if not events or not restarted or "Liveness" not in container.probes:
        return
    kind, weight = _mistake(scene, pod, container, "Liveness", events)
    if kind is None:
        probe = container.probes["Liveness"]
        hasty = probe.delay_s + probe.period_s * probe.failures <= PATIENCE_S or _hastier(scene, pod, probe)
        if not hasty and container.ready:
            return  # neither wrong nor hasty, and answered now: what ended the process is over
        kind, weight = "timing", DECISIVE if hasty else SUGGESTIVE
    yield _finding(pod, container, weight, [events[0], *killed[:1]], name="Liveness", kind=kind)


def _ended_by_itself(container: Container) -> bool:
    """A process that the kubelet ends dies of a signal (128 + n); one that cannot run returns a small code of its own."""
    code = container.lines.get("Exit", "").rpartition(":")[2].strip()
    return 0 < (whole(code) or 0) < 128


def _readiness(scene: Scene, pod: Pod, container: Container) -> Iterator[Finding]:
    events = matching(pod.events, "readiness probe (failed|errored)", "Unhealthy")
    if not events or container.ready or container.waiting or "Readiness" not in container.probes:
        return
    if container.restarts >= 2 or matching(pod.events, "liveness probe", "Killing"):
        return
    kind, weight = _mistake(scene, pod, container, "Readiness", events)
    if kind is not None:
        yield _finding(pod, container, weight, events[:1], name="Readiness", kind=kind)


def _finding(
    pod: Pod, container: Container, weight: float, events: list[Event], *, name: str, kind: str
) -> Finding:
    probe = container.probes[name]
    return finding(
        f"probe.{name.lower()}_{kind}",
        app(pod.workload),
        weight,
        [(pod.key, probe.line), *map(where, events), (pod.key, container.lines.get("Restarts", ""))],
        fault_type=f"runtime/{name.lower()}-{kind}",
        params=[
            ("port", probe.port),
            ("handler", probe.handler),
            ("patience", probe.delay_s + probe.period_s * probe.failures),
            ("count", max(event.count for event in events)),
            ("open", ", ".join(str(port) for port, _ in container.ports) or "?"),
        ],
    )


def _mistake(
    scene: Scene, pod: Pod, container: Container, name: str, events: list[Event]
) -> tuple[str | None, float]:
    """`port` or `protocol` when the probe contradicts the container, else None."""
    probe = rewritten(pod, container, container.probes[name])
    others = [rewritten(pod, container, each) for kind, each in container.probes.items() if kind != name]
    if probe.handler == "exec":
        return None, 0.0
    ports = open_ports(scene, pod, container) | {each.port for each in others if _works(pod, container)}
    if probe.port.isdigit() and ports and probe.port not in ports:
        return "port", DECISIVE
    if _FOREIGN.search(events[0].message):
        return "protocol", DECISIVE
    if any(each.port == probe.port and each.handler != probe.handler for each in others):
        return "protocol", DECISIVE
    if probe.handler != "tcp-socket" and _stranger(scene, pod, probe):  # a bare connection speaks no protocol
        return "protocol", LIKELY
    return None, 0.0


def _works(pod: Pod, container: Container) -> bool:
    return container.ready or pod.phase == "Running"


def _stranger(scene: Scene, pod: Pod, probe: Probe) -> bool:
    """All other workloads with probes use another handler."""
    handlers = [
        rewritten(each, container, other).handler
        for each in scene.cluster.pods
        if each.workload not in {pod.workload, ""}
        for container in each.containers
        for other in container.probes.values()
    ]
    return len(handlers) >= 4 and probe.handler not in handlers


def _hastier(scene: Scene, pod: Pod, probe: Probe) -> bool:
    """It gives less than half the time that every other workload's liveness probe gives."""
    given = probe.delay_s + probe.period_s * probe.failures
    others = [
        other.delay_s + other.period_s * other.failures
        for each in scene.cluster.pods
        if each.workload not in {pod.workload, ""} and each.ready
        for container in each.containers
        for kind, other in container.probes.items()
        if kind == "Liveness"
    ]
    return bool(others) and given < min(others) / 2


def open_ports(scene: Scene, pod: Pod, container: Container) -> set[str]:
    """Ports that a container is known to serve: declared, named PORT in its environment, or targeted by its services."""
    declared = {str(port) for port, _ in container.ports}
    named = {value for variable, value, _ in container.environment if variable.upper().endswith("PORT") and value.isdigit()
             and variable.upper() in {"PORT", "SERVER_PORT", "HTTP_PORT", "GRPC_PORT"}}  # fmt: skip
    if declared or named:
        return declared | named
    return {
        port.target
        for service, backends in scene.routes.items()
        if pod.workload in backends
        for port in scene.cluster.services[service].ports
        if port.target.isdigit()
    }


def rewritten(pod: Pod, container: Container, probe: Probe) -> Probe:
    """The probe as the application was meant to be asked, where a mesh sidecar asks on its behalf."""
    path = _PATH.search(probe.line)
    asked = (
        json_value
        for each in pod.containers
        for name, json_value, _ in each.environment
        if name.endswith("APP_PROBERS")
    )
    for text in asked if path else ():
        try:
            known = json.loads(text).get(path[1] if path else "", {})
        except (ValueError, AttributeError, RecursionError):
            continue
        for key, handler in (("grpc", "grpc"), ("tcpSocket", "tcp-socket"), ("httpGet", "http-get")):
            port = (
                known.get(key, {}).get("port")
                if isinstance(known, dict) and isinstance(known.get(key), dict)
                else None
            )
            if port is not None:
                return replace(probe, handler=handler, port=str(port))
    return probe
