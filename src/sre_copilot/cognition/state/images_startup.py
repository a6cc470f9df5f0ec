"""Images that cannot be pulled, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sre_copilot.cognition.state.model import Container, Pod
from sre_copilot.cognition.state.scene import (
    DECISIVE,
    LIKELY,
    SUGGESTIVE,
    Scene,
    app,
    finding,
    matching,
    status,
    where,
)
from sre_copilot.cognition.state.text import Event
from sre_copilot.domain.evidence import Finding

_WAITING = re.compile(r"ImagePull|ErrImage|InvalidImage|RegistryUnavailable|ImageInspect", re.IGNORECASE)
_NAME = re.compile(
    r"no such host|server misbehaving|name resolution|lookup [\w.-].{0,400}(timeout|refused)|could not resolve",
    re.I,
)
_INVALID = re.compile(r"InvalidImageName|couldn't parse image|invalid reference format", re.IGNORECASE)
_ABSENT = re.compile(
    r"not ?found|manifest unknown|does not exist|no match for platform|name unknown", re.IGNORECASE
)
_DENIED = re.compile(
    r"\b40[13]\b|unauthorized|forbidden|denied|authentication required|failed to authorize|no basic auth|insufficient_scope",
    re.I,
)
_FAILED = r"pull|image"


def analyse(scene: Scene) -> Iterator[Finding]:
    """One finding for each workload whose container waits for its image."""
    seen: set[str] = set()
    for pod in scene.unwell_pods:
        for container in pod.containers:
            if _WAITING.search(container.waiting) and pod.workload not in seen:
                seen.add(pod.workload)
                yield _explain(scene, pod, container)


def _explain(scene: Scene, pod: Pod, container: Container) -> Finding:
    failures = matching(pod.events, _FAILED, "Failed", "InspectFailed", "ErrImageNeverPull")
    failures = [event for event in failures if container.image in event.message] or failures
    secrets = matching(pod.events, "", "FailedToRetrieveImagePullSecret")
    fault, weight = _cause(scene, pod, container, failures, secrets)
    shown = [event for event in failures if re.search(r"pull image|parse image", event.message)][
        :1
    ] or failures[:1]
    return finding(
        "image" if fault is None else fault.replace("/", ".").replace("-", "_"),
        app(pod.workload),
        weight,
        [
            *map(where, shown),
            *map(where, secrets[:1]),
            *status(pod, container),
            (pod.key, container.lines["Image"]),
        ],
        fault_type=fault,
        params=[("image", container.image), ("reason", container.waiting)],
    )


def _cause(
    scene: Scene, pod: Pod, container: Container, failures: list[Event], secrets: list[Event]
) -> tuple[str | None, float]:
    text = " ".join(event.message for event in failures) + " " + container.waiting
    if _NAME.search(text):
        return "startup/registry-dns", DECISIVE
    if _INVALID.search(text):
        return "startup/image-reference", DECISIVE
    if _DENIED.search(text):
        # A public registry answers "denied" for a repository that does not exist; where healthy pods pull from the same
        # place without credentials, the name is wrong, unless the pod names credentials that are missing.
        return ("startup/image-reference", LIKELY) if not secrets and _shared(scene, pod, container) else (
            "startup/image-pull-secret", DECISIVE)  # fmt: skip
    if _ABSENT.search(text):
        return "startup/image-reference", DECISIVE
    if secrets:
        return "startup/image-pull-secret", LIKELY
    return None, SUGGESTIVE


def _shared(scene: Scene, pod: Pod, container: Container) -> bool:
    place = container.image.rpartition("/")[0]
    others = (each for each in scene.cluster.pods if each.workload != pod.workload and each.ready)
    return bool(place) and any(
        other.image.rpartition("/")[0] == place for each in others for other in each.containers
    )
