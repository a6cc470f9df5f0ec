"""Routes of gateways: ingresses, and addresses in the configuration that a gateway mounts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sre_copilot.cognition.state.model import Evidence
from sre_copilot.cognition.state.scene import DECISIVE, LIKELY, Scene, app, finding
from sre_copilot.domain.evidence import Finding

# nginx `proxy_pass http://host:port`, `server host:port`, Spring `uri: http://host:port` or `lb://host`, Envoy and others `host:port`
_ROUTE = re.compile(
    r"(?:proxy_pass|server|uri|url|host|address|backend|destination)\W+(?:\w+://)?([a-z][\w-]*(?:\.[\w.-]+)?)(?::(\d{2,5}))?",
    re.I,
)
ROUTERS = ("virtualservices", "httproutes", "ingressroutes")  # of Istio, the Gateway API and Traefik
_BACKEND = re.compile(r"([a-z][\w.-]*):([\w-]+)\s+\(")
_MOUNTED = re.compile(r"ConfigMap", re.IGNORECASE)


def analyse(scene: Scene) -> Iterator[Finding]:
    """Routes that lead to a service or a port that does not exist."""
    for document in scene.cluster.described("ingresses"):
        for line in document.text.splitlines():
            for host, port in _BACKEND.findall(line[:500]):
                yield from _route(scene, (document.key, line), host, port, "")
    for kind in ROUTERS:
        for document in scene.cluster.described(kind):
            for line in document.text.splitlines():
                for host, port in _ROUTE.findall(line[:500]):
                    yield from _route(scene, (document.key, line), host, port, "")
    owners = _owners(scene)
    for document in scene.cluster.described("configmaps"):
        for line in document.text.splitlines() if document.name in owners else ():
            for host, port in _ROUTE.findall(line[:500]):
                yield from _route(scene, (document.key, line), host, port, owners[document.name])


def _owners(scene: Scene) -> dict[str, str]:
    """Which workload mounts or reads each config map."""
    found = {}
    for document in scene.cluster.described("pods"):
        volumes = document.root.get("Volumes")
        for volume in volumes.children:
            if _MOUNTED.match(volume.get("Type").value):
                found[volume.get("Name").value] = scene.cluster.owner(document)
    return found


def _route(scene: Scene, evidence: Evidence, host: str, port: str, owner: str) -> Iterator[Finding]:
    """`owner` is the workload that routes; an ingress has none, and its backend is the workload that fails."""
    name = host.split(".", maxsplit=1)[0]
    service = scene.cluster.services.get(name)
    if service is None and not (port.isdigit() and _resembles(scene, name)):
        return
    numbers = {str(each.port) for each in service.ports} if service else set()
    named = bool(port) and not port.isdigit()
    if service is not None and (not port or named or port in numbers or not numbers):
        return
    backends = sorted(scene.routes.get(name, ()))
    entity = owner or (backends[0] if backends else "")
    if not entity:
        return
    yield finding(
        "routing.gateway",
        app(entity),
        DECISIVE if service else LIKELY,
        [evidence],
        fault_type="routing/gateway",
        params=[("host", host), ("port", port or "-"), ("ports", ", ".join(sorted(numbers)) or "-")],
        related=[app(each) for each in backends],
    )


def _resembles(scene: Scene, name: str) -> bool:
    """The name begins or ends like that of a service: an address outside of the cluster does not."""
    return any(name.startswith(each[:4]) or name.endswith(each[-6:]) for each in scene.cluster.services)
