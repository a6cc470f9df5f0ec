"""From described documents to objects: pods, workloads, services, nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sre_copilot.cognition.state.documents import Document
from sre_copilot.cognition.state.model import Container, Node, Pod, Probe, Service, ServicePort, Workload
from sre_copilot.cognition.state.text import Entry, described_events, pairs, whole

_PORT = re.compile(r"(?<!\d)(\d{1,9})/(TCP|UDP|SCTP)", re.IGNORECASE)
_PROBE_PORT = re.compile(r"(?::|<pod>:|port=|^\s*)(\w[\w-]*)(?:[/\s]|$)")
_ADDRESS = re.compile(r"https?://[^:/\s]*:(\w[\w-]*)")
_NUMBERS = re.compile(r"(delay|timeout|period|failure)=(\d{1,9})")
_PROBES = ("Liveness", "Readiness", "Startup")
_REPLICAS = re.compile(r"(?<!\d)(\d{1,9})\s+(\w+)")


def pod(document: Document, workload: str) -> Pod:
    """Read `kubectl describe pod`."""
    root = document.root
    volumes = root.get("Volumes")
    claims = [
        (child.get("ClaimName").value, child.get("ClaimName").line)
        for child in volumes.children
        if child.get("ClaimName").value
    ]
    containers = tuple(container(child) for child in root.get("Containers").children if child.key)
    node = root.get("Node").value.split("/")[0]
    return Pod(
        name=root.get("Name").value or document.name,
        workload=workload,
        key=document.key,
        phase=root.get("Status").value.split(" ")[0],
        node="" if node == "<none>" else node,
        ip=root.get("IP").value,
        labels=pairs(root.get("Labels").values()),
        selectors=pairs(root.get("Node-Selectors").values()),
        tolerations=tuple(root.get("Tolerations").values()),
        containers=containers,
        claims=tuple(claims),
        mounts=any(not child.get("Type").value.startswith("Projected") for child in volumes.children),
        events=described_events(root, document.key, "pod/" + document.name),
        lines=_lines(root, "Name", "Status", "Node", "Node-Selectors", "Tolerations"),
    )


def controller(document: Document) -> str:
    """Who owns a described object: `ReplicaSet/x`, `Deployment/y`, or an empty string."""
    return document.root.get("Controlled By").value


def container(entry: Entry) -> Container:
    """Read one container of a pod or of a template."""
    state, last = entry.get("State"), entry.get("Last State")
    restarts = entry.get("Restart Count").value
    ready = entry.get("Ready")
    ended = state if state.value == "Terminated" else last
    environment = tuple(
        (each.key, each.value, each.line) for each in entry.get("Environment").children if each.key
    )
    return Container(
        name=entry.key,
        image=entry.get("Image").value,
        ports=tuple(
            (int(port), protocol.upper())
            for item in entry.all("Port", "Ports")
            for port, protocol in _PORT.findall(item.value)
        ),
        waiting=state.get("Reason").value if state.value == "Waiting" else "",
        ended=ended.get("Reason").value,
        ready=ready.value != "False",
        restarts=whole(restarts) or 0,
        limits={child.key: child.value for child in entry.get("Limits").children},
        requests={child.key: child.value for child in entry.get("Requests").children},
        probes={kind: probe(entry.get(kind)) for kind in _PROBES if entry.get(kind).value},
        environment=environment,
        sources=tuple(_sources(entry.get("Environment Variables from"))),
        lines={
            "State": state.line,
            "Waiting": state.get("Reason").line,
            "Ended": ended.get("Reason").line,
            "Exit": ended.get("Exit Code").line,
            "Image": entry.get("Image").line,
            "Ports": next((item.line for item in entry.all("Port", "Ports")), ""),
            "Restarts": entry.get("Restart Count").line,
            **{f"request {child.key}": child.line for child in entry.get("Requests").children},
            **{f"limit {child.key}": child.line for child in entry.get("Limits").children},
        },
    )


def _sources(entry: Entry) -> Iterator[tuple[str, str, str]]:
    """`app-settings  ConfigMap  Optional: false`, one a line."""
    for child in entry.children:
        words = child.line.split()
        if len(words) > 1 and words[1] in {"ConfigMap", "Secret"}:
            yield words[1], words[0], child.line


def probe(entry: Entry) -> Probe:
    """Read `grpc <pod>:9555  delay=5s timeout=1s period=10s #success=1 #failure=3` and its siblings."""
    handler, _, rest = entry.value.partition(" ")
    numbers = {name: int(value) for name, value in _NUMBERS.findall(rest)}
    target = rest.split("delay=")[0]
    match = _ADDRESS.search(target) or _PROBE_PORT.search(target)
    return Probe(
        handler=handler,
        port=match[1] if match and handler != "exec" else "",
        delay_s=numbers.get("delay", 0),
        timeout_s=numbers.get("timeout", 1),
        period_s=numbers.get("period", 10),
        failures=numbers.get("failure", 3),
        line=entry.line,
    )


def workload(document: Document) -> Workload:
    """Read `kubectl describe` of a Deployment, StatefulSet or ReplicaSet."""
    root = document.root
    template = root.get("Pod Template")
    counts = {word: int(number) for number, word in _REPLICAS.findall(root.get("Replicas").value)}
    running = {word: int(number) for number, word in _REPLICAS.findall(root.get("Pods Status").value)}
    desired = counts.get("desired", 1)
    return Workload(
        name=root.get("Name").value or document.name,
        kind=document.kind,
        key=document.key,
        desired=desired,
        current=counts.get("total", counts.get("current", desired)),
        available=counts.get("available", running.get("Running", desired)),
        labels=pairs(template.get("Labels").values()) or pairs(root.get("Selector").values()),
        service_account=template.get("Service Account").value,
        containers=tuple(container(child) for child in template.get("Containers").children if child.key),
        events=described_events(root, document.key, f"{document.kind}/{document.name}"),
        lines=_lines(root, "Replicas", "Name") | _lines(template, "Service Account"),
    )


def owner_of(pod: Pod) -> Workload:
    """What a pod says of the workload that owns it."""
    return Workload(
        name=pod.workload,
        kind="",
        key=pod.key,
        desired=1,
        current=1,
        available=int(pod.ready),
        labels=pod.labels,
        service_account="",
        containers=pod.containers,
        events=(),
        lines={"Name": pod.lines.get("Name", "")},
    )


def service(document: Document) -> Service:
    """Read `kubectl describe service`."""
    root = document.root
    ports: list[dict[str, Entry]] = []
    for child in root.children:
        if child.key == "Port":
            ports.append({"Port": child})
        elif child.key in {"TargetPort", "Endpoints"} and ports:
            ports[-1][child.key] = child
    return Service(
        name=root.get("Name").value or document.name,
        key=document.key,
        kind=root.get("Type").value,
        selector=pairs(root.get("Selector").values()),
        addresses=tuple(
            value for entry in root.all("IP", "IPs") for value in entry.values() if value != "None"
        ),
        ports=tuple(found for item in ports if (found := _port(item)) is not None),
        lines=_lines(root, "Selector", "Type", "IP", "Name"),
    )


def _port(item: dict[str, Entry]) -> ServicePort | None:
    match = _PORT.search(item["Port"].value)
    if match is None:
        return None
    target = item.get("TargetPort", item["Port"])
    name, _, protocol = target.value.rpartition("/")
    endpoints = item["Endpoints"].values() if "Endpoints" in item else []
    return ServicePort(
        port=int(match[1]),
        protocol=match[2].upper(),
        target=(name or protocol).split()[-1] if (name or protocol) else match[1],
        target_protocol=protocol.upper(),
        endpoints=tuple(part.strip() for value in endpoints for part in value.split(",") if part.strip()),
        lines=tuple(entry.line for entry in item.values()),
    )


def node(document: Document) -> Node:
    """Read `kubectl describe node`."""
    root = document.root
    conditions = {words[0]: (words[1], child.line) for child in root.get("Conditions").children
                  if len(words := child.line.split()) > 1}  # fmt: skip
    ready, line = conditions.get("Ready", ("True", ""))
    runtime = root.get("System Info").get("Container Runtime Version")
    return Node(
        name=root.get("Name").value or document.name,
        key=document.key,
        roles=root.get("Roles").value,
        labels=pairs(root.get("Labels").values()),
        taints=tuple(root.get("Taints").values()),
        unschedulable=root.get("Unschedulable").value == "true",
        ready=ready,
        ready_line=line,
        runtime=runtime.value,
        allocatable={child.key: child.value for child in root.get("Allocatable").children},
        events=described_events(root, document.key, "node/" + document.name),
        lines=_lines(root, "Taints", "Unschedulable", "Roles", "Name")
        | {"Runtime": runtime.line}
        | {f"taint {index}": child.line for index, child in enumerate(root.get("Taints").children)},
    )


def _lines(root: Entry, *keys: str) -> dict[str, str]:
    return {key: entry.line for key in keys if (entry := root.get(key)).line}
