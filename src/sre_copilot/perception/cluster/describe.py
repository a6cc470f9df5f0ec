"""Workloads, services, nodes, volumes, quotas and configuration, described as `kubectl describe` does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sre_copilot.perception.cluster.pods import say_template
from sre_copilot.perception.cluster.text import (
    NONE,
    Page,
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
_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_ROLE = "node-role.kubernetes.io/"


def say_head(page: Page, item: Object) -> None:
    """Name, namespace and labels."""
    page.say("Name", name_of(item))
    if namespace_of(item):
        page.say("Namespace", namespace_of(item))
    page.pairs("Labels", mapping(metadata(item).get("labels")))


def say_deployment(page: Page, item: Object) -> None:
    """A Deployment."""
    spec, status = mapping(item.get("spec")), mapping(item.get("status"))
    say_head(page, item)
    page.say("Selector", selector_text(spec.get("selector")) or NONE)
    numbers = [(spec.get("replicas", 1), "desired")] + [
        (status.get(key, 0), word)
        for key, word in (
            ("updatedReplicas", "updated"),
            ("replicas", "total"),
            ("availableReplicas", "available"),
            ("unavailableReplicas", "unavailable"),
        )
    ]
    page.say("Replicas", " | ".join(f"{number} {word}" for number, word in numbers))
    page.say("StrategyType", mapping(spec.get("strategy")).get("type", "RollingUpdate"))
    say_template(page, mapping(spec.get("template")))
    rows = [
        (c.get("type"), c.get("status"), c.get("reason", "-")) for c in mappings(status.get("conditions"))
    ]
    page.rows("Conditions", ("Type", "Status", "Reason"), rows)


def say_replica_set(page: Page, item: Object, pods: Iterable[Object]) -> None:
    """A ReplicaSet."""
    spec, status = mapping(item.get("spec")), mapping(item.get("status"))
    say_head(page, item)
    page.say("Selector", selector_text(spec.get("selector")) or NONE)
    kind, owner = owner_of(item)
    if owner:
        page.say("Controlled By", f"{kind}/{owner}")
    page.say("Replicas", f"{status.get('replicas', 0)} current / {spec.get('replicas', 1)} desired")
    page.say("Pods Status", phases(pods))
    say_template(page, mapping(spec.get("template")))


def say_stateful_set(page: Page, item: Object, pods: Iterable[Object]) -> None:
    """A StatefulSet."""
    spec, status = mapping(item.get("spec")), mapping(item.get("status"))
    say_head(page, item)
    page.say("Selector", selector_text(spec.get("selector")) or NONE)
    page.say("Replicas", f"{spec.get('replicas', 1)} desired | {status.get('replicas', 0)} total")
    page.say("Pods Status", phases(pods))
    say_template(page, mapping(spec.get("template")))


def say_daemon_set(page: Page, item: Object, pods: Iterable[Object]) -> None:
    """A DaemonSet."""
    spec, status = mapping(item.get("spec")), mapping(item.get("status"))
    say_head(page, item)
    page.say("Selector", selector_text(spec.get("selector")) or NONE)
    page.say("Desired Number of Nodes Scheduled", status.get("desiredNumberScheduled", 0))
    page.say("Current Number of Nodes Scheduled", status.get("currentNumberScheduled", 0))
    page.say("Number of Nodes Scheduled with Available Pods", status.get("numberAvailable", 0))
    page.say("Pods Status", phases(pods))
    say_template(page, mapping(spec.get("template")))


def phases(pods: Iterable[Object]) -> str:
    """How many pods are in which phase."""
    found = Counter(str(mapping(pod.get("status")).get("phase", "Pending")) for pod in pods)
    return (
        f"{found['Running']} Running / {found['Pending']} Waiting / "
        f"{found['Succeeded']} Succeeded / {found['Failed']} Failed"
    )


def selector_text(selector: object) -> str:
    """A selector as `a=b,c in (d,e)`."""
    found = mapping(selector)
    labels = found.get("matchLabels", {} if "matchExpressions" in found else found)
    parts = [f"{name}={value}" for name, value in sorted(mapping(labels).items())]
    for each in mappings(found.get("matchExpressions")):
        values = f" ({','.join(map(str, each.get('values') or ()))})" if each.get("values") else ""
        parts.append(f"{each.get('key')} {str(each.get('operator', '')).lower()}{values}")
    return ",".join(parts)


def say_service(page: Page, item: Object, endpoints: Object | None) -> None:
    """A Service with the addresses of its ready pods."""
    spec = mapping(item.get("spec"))
    say_head(page, item)
    page.say("Selector", selector_text(spec.get("selector")) or NONE)
    page.say("Type", spec.get("type", "ClusterIP"))
    if spec.get("externalName"):
        page.say("External Name", spec["externalName"])
    page.say("IP", spec.get("clusterIP") or NONE)
    for port in mappings(spec.get("ports")):
        protocol, name = port.get("protocol", "TCP"), port.get("name", "<unset>")
        page.say("Port", f"{name}  {port.get('port')}/{protocol}")
        page.say("TargetPort", f"{port.get('targetPort', port.get('port'))}/{protocol}")
        page.say("Endpoints", addresses(endpoints, port) or NONE)
    page.say("Session Affinity", spec.get("sessionAffinity", "None"))


def addresses(endpoints: Object | None, port: Mapping[str, Any]) -> str:
    """Ready addresses behind a port of a service: `10.0.0.1:80,10.0.0.2:80`."""
    name = port.get("name") or ""
    found = [
        f"{each.get('ip')}:{target.get('port')}"
        for subset in mappings((endpoints or {}).get("subsets"))
        for target in mappings(subset.get("ports"))
        if (target.get("name") or "") == name
        for each in mappings(subset.get("addresses"))
    ]
    return ",".join(found)


def say_endpoints(page: Page, item: Object) -> None:
    """Endpoints of a service."""
    say_head(page, item)
    page.raw("Subsets:")
    for subset in mappings(item.get("subsets")):
        for word, key in (("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")):
            page.say(word, ",".join(str(a.get("ip")) for a in mappings(subset.get(key))) or NONE, indent=2)
        rows = [
            (p.get("name", "<unset>"), p.get("port"), p.get("protocol", "TCP"))
            for p in mappings(subset.get("ports"))
        ]
        page.rows("Ports", ("Name", "Port", "Protocol"), rows, indent=2)


def say_node(page: Page, item: Object) -> None:
    """A Node."""
    spec, status = mapping(item.get("spec")), mapping(item.get("status"))
    page.say("Name", name_of(item))
    page.say("Roles", roles(item))
    page.pairs("Labels", mapping(metadata(item).get("labels")))
    page.items("Taints", map(_taint, mappings(spec.get("taints"))))
    page.say("Unschedulable", str(bool(spec.get("unschedulable"))).lower())
    rows = [
        [
            c.get(key) or "-"
            for key in ("type", "status", "lastHeartbeatTime", "lastTransitionTime", "reason", "message")
        ]
        for c in mappings(status.get("conditions"))
    ]
    page.rows(
        "Conditions", ("Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message"), rows
    )
    page.block("Capacity", mapping(status.get("capacity")))
    page.block("Allocatable", mapping(status.get("allocatable")))
    info = mapping(status.get("nodeInfo"))
    page.raw("System Info:")
    for word, key in (("OS Image", "osImage"), ("Kernel Version", "kernelVersion"),
                      ("Container Runtime Version", "containerRuntimeVersion"), ("Kubelet Version", "kubeletVersion")):  # fmt: skip
        page.say(word, info.get(key, ""), indent=2)


def roles(item: Object) -> str:
    """Roles of a node by its labels."""
    labels = mapping(metadata(item).get("labels"))
    found = {name.removeprefix(_ROLE) for name in labels if name.startswith(_ROLE)}
    found |= {str(labels[name]) for name in ("kubernetes.io/role",) if labels.get(name)}
    return ",".join(sorted(found)) or NONE


def _taint(each: Mapping[str, Any]) -> str:
    value = f"={each['value']}" if each.get("value") else ""
    return f"{each.get('key')}{value}:{each.get('effect')}"


def say_claim(page: Page, item: Object, pods: Iterable[Object]) -> None:
    """A PersistentVolumeClaim and the pods that use it."""
    spec, status = mapping(item.get("spec")), mapping(item.get("status"))
    page.say("Name", name_of(item))
    page.say("Namespace", namespace_of(item))
    page.say("StorageClass", spec.get("storageClassName", ""))
    page.say("Status", status.get("phase", "Pending"))
    page.say("Volume", spec.get("volumeName", ""))
    page.pairs("Labels", mapping(metadata(item).get("labels")))
    page.say("Capacity", mapping(status.get("capacity")).get("storage", ""))
    page.say("Access Modes", modes(status.get("accessModes")))
    page.items("Used By", sorted(name_of(pod) for pod in pods if name_of(item) in _claims(pod)))


def _claims(pod: Object) -> list[str]:
    volumes = mappings(mapping(pod.get("spec")).get("volumes"))
    return [str(mapping(each.get("persistentVolumeClaim")).get("claimName", "")) for each in volumes]


def modes(found: object) -> str:
    """Access modes in short."""
    return ",".join(_MODES.get(str(each), str(each)) for each in (found if isinstance(found, list) else []))


def say_volume(page: Page, item: Object) -> None:
    """A PersistentVolume."""
    spec = mapping(item.get("spec"))
    claim = mapping(spec.get("claimRef"))
    page.say("Name", name_of(item))
    page.pairs("Labels", mapping(metadata(item).get("labels")))
    page.say("StorageClass", spec.get("storageClassName", ""))
    page.say("Status", mapping(item.get("status")).get("phase", "Available"))
    page.say("Claim", f"{claim.get('namespace')}/{claim.get('name')}" if claim else "")
    page.say("Reclaim Policy", spec.get("persistentVolumeReclaimPolicy", ""))
    page.say("Access Modes", modes(spec.get("accessModes")))
    page.say("Capacity", mapping(spec.get("capacity")).get("storage", ""))


def say_quota(page: Page, item: Object) -> None:
    """A ResourceQuota: used and hard, a line a resource."""
    status, spec = mapping(item.get("status")), mapping(item.get("spec"))
    hard = mapping(status.get("hard")) or mapping(spec.get("hard"))
    used = mapping(status.get("used"))
    page.say("Name", name_of(item))
    page.say("Namespace", namespace_of(item))
    page.raw("Resource  Used  Hard", "--------  ----  ----")
    page.raw(
        *(f"{one_line(name)}  {one_line(used.get(name, 0))}  {one_line(hard[name])}" for name in sorted(hard))
    )


def say_config_map(page: Page, item: Object, *, values: bool) -> None:
    """A ConfigMap, with its values or their names alone."""
    say_head(page, item)
    page.raw("", "Data", "====")
    for key, value in sorted(mapping(item.get("data")).items()):
        lines = [without_secrets(key, each) for each in str(value).splitlines()] if values else ["<not read>"]
        page.raw(f"{one_line(key)}:", "----", *lines, "")
    page.raw("", "BinaryData", "====", "")


def say_ingress(page: Page, item: Object) -> None:
    """An Ingress: hosts, paths and the services behind them."""
    say_head(page, item)
    page.raw("Rules:")
    for rule in mappings(mapping(item.get("spec")).get("rules")):
        page.raw(f"  {one_line(rule.get('host', '*'))}")
        for path in mappings(mapping(rule.get("http")).get("paths")):
            service = mapping(mapping(path.get("backend")).get("service"))
            port = mapping(service.get("port"))
            target = f"{service.get('name')}:{port.get('number') or port.get('name')}"
            page.raw(f"    {one_line(path.get('path', '/'))}   {one_line(target)} ()")
