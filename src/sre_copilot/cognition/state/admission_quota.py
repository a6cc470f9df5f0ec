"""Objects that the API server refuses: quotas of the namespace, missing service accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sre_copilot.cognition.state.model import Evidence, QuotaUse
from sre_copilot.cognition.state.scene import DECISIVE, LIKELY, Scene, app, finding, matching, where
from sre_copilot.cognition.state.text import Event, quantity
from sre_copilot.domain.evidence import Finding

_EXCEEDED = re.compile(r"exceeded quota: ([^,\s]+), requested: (.+?), used: ")
_LIMITED = re.compile(r"failed quota: ([^:\s]+): must specify ([\w.,]+)")
_ACCOUNT = re.compile(r'serviceaccounts? "([^"]+)" not found', re.IGNORECASE)
_FAMILIES = (
    ("admission/quota-storage", ("storage", "persistentvolumeclaims")),
    ("admission/quota-services", ("services",)),
    ("admission/quota-pods", ("pods",)),
    ("admission/quota-cpu", ("cpu",)),
    ("admission/quota-memory", ("memory",)),
)


def analyse(scene: Scene) -> Iterator[Finding]:
    """Quotas are the namespace's; a missing service account is the workload's."""
    yield from _refused_pods(scene)
    yield from _refused_accounts(scene)
    yield from _refused_services(scene)
    yield from _refused_claims(scene)


def fault_of(resource: str) -> str | None:
    """Fault type of a quota's resource such as `requests.cpu`, `count/pods`, `limits.memory`."""
    if "ephemeral" in resource:
        return None
    return next((fault for fault, words in _FAMILIES if any(word in resource for word in words)), None)


def _short(scene: Scene) -> Iterator[tuple[str, Event]]:
    """Failed creations of replica sets that still have fewer pods than they want: past failures of whole ones are start-up noise."""
    for replica_set, owner in scene.cluster.replica_sets.values():
        if replica_set.current < replica_set.desired:
            for event in matching(replica_set.events, "", "FailedCreate"):
                yield owner, event
    for each in scene.cluster.workloads.values():
        if each.current < each.desired:
            for event in matching(each.events, "", "FailedCreate"):
                yield each.name, event
    yield from _listed(scene)


def _listed(scene: Scene) -> Iterator[tuple[str, Event]]:
    """The same from listed events, for replica sets that were not described: a name is its deployment's and a hash."""
    for event in matching(scene.cluster.events, "", "FailedCreate"):
        kind, _, name = event.object.partition("/")
        owner = name.rpartition("-")[0]
        known = scene.cluster.workloads.get(owner)
        whole = known is not None and known.current >= known.desired
        if kind == "replicaset" and name not in scene.cluster.replica_sets and owner and not whole:
            yield owner, event


def _refused_pods(scene: Scene) -> Iterator[Finding]:
    for owner, event in _short(scene):
        match = _EXCEEDED.search(event.message) or _LIMITED.search(event.message)
        if match is None:
            continue
        resources = [item.partition("=")[0] for item in match[2].split(",")]
        fault = next((fault for item in resources if (fault := fault_of(item))), None)
        uses = [
            _use(use) for use in scene.cluster.quotas if use.quota == match[1] and use.resource in resources
        ]
        yield finding(
            "quota",
            f"namespace/{scene.cluster.namespace}",
            DECISIVE + 1,
            [where(event), *uses],
            fault_type=fault,
            params=[("quota", match[1]), ("resource", ", ".join(resources)), ("workload", owner)],
            related=[app(owner)],
        )
        return


def _use(use: QuotaUse) -> Evidence:
    return use.key, use.line


def _refused_accounts(scene: Scene) -> Iterator[Finding]:
    accounts = scene.cluster.names("serviceaccounts")
    seen = set()
    for owner, event in _short(scene):
        match = _ACCOUNT.search(event.message)
        if match is None or owner in seen or (accounts and match[1] in accounts[0]):
            continue
        seen.add(owner)
        template = scene.cluster.workloads.get(owner)
        lines = [(template.key, template.lines.get("Service Account", ""))] if template else []
        yield finding(
            "service_account",
            app(owner),
            DECISIVE + 1,
            [where(event), *lines],
            fault_type="admission/service-account",
            params=[("account", match[1])],
        )


def full_of(scene: Scene, fault: str) -> list[QuotaUse]:
    """Resources of quotas that are used up and whose excess is `fault`."""
    return [
        use
        for use in scene.cluster.quotas
        if fault_of(use.resource) == fault
        and (used := quantity(use.used)) is not None
        and (hard := quantity(use.hard)) is not None
        and used >= hard
    ]


def _refused_services(scene: Scene) -> Iterator[Finding]:
    """A service that is missing while the quota of services is used up."""
    full = full_of(scene, "admission/quota-services")
    missing = list(missing_services(scene))
    if not full:
        return
    lines = [evidence for _, evidence in missing][:1]
    yield finding(
        "quota_services",
        f"namespace/{scene.cluster.namespace}",
        DECISIVE + 1 if missing else LIKELY,
        [*map(_use, full), *lines],
        fault_type="admission/quota-services",
        params=[("quota", full[0].quota), ("used", full[0].used), ("hard", full[0].hard)],
        related=[app(name) for name, _ in missing],
    )


def missing_services(scene: Scene) -> Iterator[tuple[str, Evidence]]:
    """Workloads without a service of their own, though its description was asked for or other workloads name it."""
    served = {name for backends in scene.routes.values() for name in backends} | set(scene.cluster.services)
    for document in scene.cluster.refused("services"):
        if document.name in scene.cluster.workloads and document.name not in scene.cluster.services:
            yield document.name, (document.key, document.text.splitlines()[0])
    listed = scene.cluster.names("services")
    for caller in scene.cluster.workloads:
        for variable, value, evidence in scene.environment(caller):
            host = value.partition("//")[2] or value
            host = re.split(r"[:/.]", host)[0]
            if host in scene.cluster.workloads and host not in served and listed and host not in listed[0]:
                yield host, evidence
                del variable
                break


def _refused_claims(scene: Scene) -> Iterator[Finding]:
    """A claim that a pod mounts and that does not exist, while a quota limits storage."""
    limits = [use for use in scene.cluster.quotas if fault_of(use.resource) == "admission/quota-storage"]
    for pod in scene.unwell_pods:
        names = [name for name, _ in pod.claims if name not in scene.cluster.claims]
        events = matching(pod.events, r'persistentvolumeclaim "[^"]+" not found')
        if not names or not (events or limits):
            continue
        lines = [where(event) for event in events] + [
            (pod.key, line) for name, line in pod.claims if name in names
        ]
        quota = limits[0] if limits else None
        yield finding(
            "quota_storage" if quota else "claim_missing",
            f"namespace/{scene.cluster.namespace}" if quota else app(pod.workload),
            DECISIVE + 1 if quota else LIKELY,
            [*lines, *map(_use, limits)],
            fault_type="admission/quota-storage" if quota else None,
            params=[
                ("claim", names[0]),
                ("quota", quota.quota if quota else ""),
                ("hard", quota.hard if quota else ""),
            ],
            related=[app(pod.workload)],
        )
