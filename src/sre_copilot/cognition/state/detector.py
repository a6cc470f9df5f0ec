"""Faults that the recorded state of a Kubernetes cluster shows, with logs, alerts and metrics beside it."""

from __future__ import annotations

from collections.abc import Iterator

from sre_copilot.cognition.detector import Detection
from sre_copilot.cognition.state import (
    admission_quota,
    configuration_secrets,
    databases,
    gateways,
    images_startup,
    nodes_control_plane,
    performance,
    probes,
    runtime_resources,
    scheduling,
    services_network,
    unreachable,
    volumes,
)
from sre_copilot.cognition.state.network_log import failures
from sre_copilot.cognition.state.scene import Scene, scene_of
from sre_copilot.domain.evidence import Finding, Gap, Message
from sre_copilot.domain.incident import Observation

EXPECTED = ("deployments", "pods", "services", "nodes")


def detect(observation: Observation) -> Detection:
    """Run every analyser over the recorded state.

    Parameters
    ----------
    observation : what was recorded; only its current part is looked at, since a cluster's state has no past

    Returns
    -------
    Findings in no particular order, each once, and a gap for each kind of output that was not recorded.
    """
    if observation.current.state is None:
        return Detection()
    scene = scene_of(observation)
    found = {each.id: each for each in analyse(scene)}
    return Detection(findings=tuple(found.values()), gaps=tuple(gaps(scene)))


def analyse(scene: Scene) -> Iterator[Finding]:
    """Findings of every family."""
    failed = failures(scene)
    yield from nodes_control_plane.analyse(scene, failed)
    yield from admission_quota.analyse(scene)
    yield from scheduling.analyse(scene)
    yield from volumes.analyse(scene)
    yield from images_startup.analyse(scene)
    yield from configuration_secrets.analyse(scene)
    yield from probes.analyse(scene)
    yield from runtime_resources.analyse(scene)
    yield from services_network.analyse(scene, failed)
    yield from gateways.analyse(scene)
    yield from databases.analyse(scene)
    yield from unreachable.analyse(scene, failed)
    yield from performance.analyse(scene)


def gaps(scene: Scene) -> Iterator[Gap]:
    """Kinds of output that the analysers need and that were not recorded."""
    missing = [kind for kind in EXPECTED if not any(True for _ in scene.cluster.described(kind)) and not (
        kind == "nodes" and scene.cluster.nodes)]  # fmt: skip
    for kind in missing:
        yield Gap(modality="state", message=Message(key="state.gap.kind", params=(("missing", kind),)))
    if scene.cluster.documents and not scene.cluster.events:
        yield Gap(modality="state", message=Message(key="state.gap.events"))
    if scene.logs is None and scene.cluster.documents:
        yield Gap(modality="logs", message=Message(key="state.gap.logs"))
