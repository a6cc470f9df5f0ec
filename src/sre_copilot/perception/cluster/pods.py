"""Pods, their containers and the templates of workloads, described as `kubectl describe` does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sre_copilot.perception.cluster.text import (
    NONE,
    Page,
    age,
    epoch,
    mapping,
    mappings,
    metadata,
    name_of,
    namespace_of,
    one_line,
    owner_of,
    without_secrets,
)  # fmt: skip

Object = Mapping[str, Any]
_PROBES = (("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe"))
_GIVEN = (
    ("configMapKeyRef", "<set to the key '{key}' of config map '{name}'>"),
    ("secretKeyRef", "<set to the key '{key}' in secret '{name}'>"),
    ("fieldRef", "({apiVersion}:{fieldPath})"),
    ("resourceFieldRef", "({resource})"),
)


def say_pod(page: Page, pod: Object, now: float) -> None:
    """All of a pod but its events."""
    spec, status = mapping(pod.get("spec")), mapping(pod.get("status"))
    page.say("Name", name_of(pod))
    page.say("Namespace", namespace_of(pod))
    page.say("Service Account", spec.get("serviceAccountName", "default"))
    node = spec.get("nodeName")
    page.say("Node", f"{node}/{status.get('hostIP', '')}" if node else NONE)
    page.pairs("Labels", mapping(metadata(pod).get("labels")))
    page.say("Status", _phase(pod, now))
    for key in ("reason", "message"):
        if status.get(key):
            page.say(key.capitalize(), status[key])
    page.say("IP", status.get("podIP", ""))
    kind, owner = owner_of(pod)
    if owner:
        page.say("Controlled By", f"{kind}/{owner}")
    _say_containers(page, "Init Containers", spec.get("initContainers"), status.get("initContainerStatuses"))
    _say_containers(page, "Containers", spec.get("containers"), status.get("containerStatuses"))
    conditions = mappings(status.get("conditions"))
    page.rows("Conditions", ("Type", "Status"), [(c.get("type"), c.get("status")) for c in conditions])
    _say_placement(page, spec)


def say_template(page: Page, template: Object) -> None:
    """The template of a workload's pods."""
    spec = mapping(template.get("spec"))
    page.raw("Pod Template:")
    page.pairs("Labels", mapping(metadata(template).get("labels")), indent=2)
    if spec.get("serviceAccountName"):
        page.say("Service Account", spec["serviceAccountName"], indent=2)
    _say_containers(page, "Init Containers", spec.get("initContainers"), None, indent=2)
    _say_containers(page, "Containers", spec.get("containers"), None, indent=2)
    _say_placement(page, spec, indent=2)


def _phase(pod: Object, now: float) -> str:
    gone = metadata(pod).get("deletionTimestamp")
    if gone:
        start = epoch(gone)
        return f"Terminating (lasts {age(now - start if start is not None else None)})"
    return one_line(mapping(pod.get("status")).get("phase", "Unknown"))


def _say_placement(page: Page, spec: Mapping[str, Any], *, indent: int = 0) -> None:
    """Volumes, and what nodes a pod wants and bears."""
    volumes = mappings(spec.get("volumes"))
    if volumes:
        page.raw(" " * indent + "Volumes:")
        for each in volumes:
            _say_volume(page, each, indent + 2)
    else:
        page.say("Volumes", NONE, indent=indent)
    page.pairs("Node-Selectors", mapping(spec.get("nodeSelector")), indent=indent)
    page.items("Tolerations", map(_toleration, mappings(spec.get("tolerations"))), indent=indent)


def _say_volume(page: Page, volume: Mapping[str, Any], indent: int) -> None:
    page.raw(f"{' ' * indent}{one_line(volume.get('name', ''))}:")
    kinds = {
        "persistentVolumeClaim": (
            "PersistentVolumeClaim (a reference to a claim in the same namespace)",
            "claimName",
        ),
        "configMap": ("ConfigMap (a volume populated by a ConfigMap)", "name"),
        "secret": ("Secret (a volume populated by a Secret)", "secretName"),
        "emptyDir": ("EmptyDir (a temporary directory that shares a pod's lifetime)", ""),
        "hostPath": ("HostPath (bare host directory volume)", "path"),
        "projected": ("Projected (a volume that contains injected data from multiple sources)", ""),
    }
    kind = next((key for key in volume if key != "name"), "")
    words, key = kinds.get(kind, (kind or "unknown", ""))
    page.say("Type", words, indent=indent + 2)
    said = {"claimName": "ClaimName", "name": "Name", "secretName": "SecretName", "path": "Path"}
    if key:
        page.say(said[key], mapping(volume.get(kind)).get(key, ""), indent=indent + 2)


def _toleration(each: Mapping[str, Any]) -> str:
    value = f"={each['value']}" if each.get("value") else ""
    effect = f":{each['effect']}" if each.get("effect") else ""
    lasts = f" for {each['tolerationSeconds']}s" if each.get("tolerationSeconds") is not None else ""
    exists = " op=Exists" if each.get("operator") == "Exists" else ""
    return f"{each.get('key', '')}{value}{effect}{exists}{lasts}".strip()


def _say_containers(page: Page, title: str, containers: object, statuses: object, *, indent: int = 0) -> None:
    known = {one_line(each.get("name", "")): each for each in mappings(statuses)}
    found = mappings(containers)
    if not found:
        return
    page.raw(f"{' ' * indent}{title}:")
    for each in found:
        name = one_line(each.get("name", ""))
        page.raw(f"{' ' * (indent + 2)}{name}:")
        _say_container(page, each, known.get(name), indent + 4, template=statuses is None and indent > 0)


def _say_container(
    page: Page, each: Mapping[str, Any], status: Object | None, indent: int, *, template: bool
) -> None:
    page.say("Image", each.get("image", ""), indent=indent)
    ports = [f"{p.get('containerPort')}/{p.get('protocol', 'TCP')}" for p in mappings(each.get("ports"))]
    page.say("Ports" if len(ports) > 1 else "Port", ", ".join(ports) or NONE, indent=indent)
    if not template:
        _say_status(page, status or {}, indent)
    resources = mapping(each.get("resources"))
    page.block("Limits", mapping(resources.get("limits")), indent=indent)
    page.block("Requests", mapping(resources.get("requests")), indent=indent)
    for word, key in _PROBES:
        if probe := mapping(each.get(key)):
            page.say(word, probe_text(probe), indent=indent)
    _say_sources(page, mappings(each.get("envFrom")), indent)
    _say_environment(page, mappings(each.get("env")), indent)
    mounts = [f"{m.get('mountPath')} from {m.get('name')} ({'ro' if m.get('readOnly') else 'rw'})"
              for m in mappings(each.get("volumeMounts"))]  # fmt: skip
    page.items("Mounts", mounts, indent=indent)


def _say_status(page: Page, status: Object, indent: int) -> None:
    _say_state(page, "State", mapping(status.get("state")), indent)
    if last := mapping(status.get("lastState")):
        _say_state(page, "Last State", last, indent)
    page.say("Ready", bool(status.get("ready")), indent=indent)
    page.say("Restart Count", status.get("restartCount", 0), indent=indent)


def _say_state(page: Page, title: str, state: Mapping[str, Any], indent: int) -> None:
    if not state:
        page.say(
            title, "Waiting", indent=indent
        )  # as the API says of a container that no kubelet reported yet
        return
    kind, detail = next((key, mapping(value)) for key, value in state.items())
    page.say(title, kind.capitalize(), indent=indent)
    for key, word in (("reason", "Reason"), ("message", "Message"), ("exitCode", "Exit Code"), ("signal", "Signal"),
                      ("startedAt", "Started"), ("finishedAt", "Finished")):  # fmt: skip
        if detail.get(key) not in (None, ""):
            page.say(word, detail[key], indent=indent + 2)


def probe_text(probe: Mapping[str, Any]) -> str:
    """A probe on one line: `http-get http://:8080/ready delay=5s timeout=1s period=10s #success=1 #failure=3`."""
    numbers = (
        f"delay={probe.get('initialDelaySeconds', 0)}s timeout={probe.get('timeoutSeconds', 1)}s "
        f"period={probe.get('periodSeconds', 10)}s #success={probe.get('successThreshold', 1)} "
        f"#failure={probe.get('failureThreshold', 3)}"
    )
    return f"{_handler(probe)} {numbers}"


def _handler(probe: Mapping[str, Any]) -> str:
    if get := mapping(probe.get("httpGet")):
        scheme = str(get.get("scheme", "HTTP")).lower()
        return f"http-get {scheme}://{get.get('host', '')}:{get.get('port')}{get.get('path', '/')}"
    if tcp := mapping(probe.get("tcpSocket")):
        return f"tcp-socket {tcp.get('host', '')}:{tcp.get('port')}"
    if grpc := mapping(probe.get("grpc")):
        return f"grpc <pod>:{grpc.get('port')} {grpc.get('service', '')}"
    return f"exec {mapping(probe.get('exec')).get('command', [])}"


def _say_sources(page: Page, sources: Iterable[Mapping[str, Any]], indent: int) -> None:
    lines = []
    for each in sources:
        for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if found := mapping(each.get(key)):
                optional = str(bool(found.get("optional"))).lower()
                lines.append(
                    f"{' ' * (indent + 2)}{one_line(found.get('name', ''))}  {kind}  Optional: {optional}"
                )
    if lines:
        page.raw(f"{' ' * indent}Environment Variables from:", *lines)


def _say_environment(page: Page, variables: Iterable[Mapping[str, Any]], indent: int) -> None:
    found = {one_line(each.get("name", "")): _value(each) for each in variables}
    if not found:
        page.say("Environment", NONE, indent=indent)
        return
    page.raw(f"{' ' * indent}Environment:")
    for name, value in found.items():
        page.say(name, value, indent=indent + 2)


def _value(variable: Mapping[str, Any]) -> str:
    source = mapping(variable.get("valueFrom"))
    for key, form in _GIVEN:
        if found := mapping(source.get(key)):
            words = {"key": "", "name": "", "apiVersion": "v1", "fieldPath": "", "resource": ""} | found
            optional = "  Optional: " + str(bool(found.get("optional"))).lower() if "KeyRef" in key else ""
            return form.format_map(words) + optional
    return without_secrets(one_line(variable.get("name", "")), one_line(variable.get("value", "")))
